// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"
#include "irqtune/report/measurement.h"

#include "report/text/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace irqtune {

namespace {

std::string figure(const std::optional<double>& value) {
  return value ? fmt::format("{:.0f}", *value) : "-";
}

std::string percent(const std::optional<double>& share) {
  constexpr double kPercent = 100;
  return share ? fmt::format("{:.1f} %", *share * kPercent) : "unknown";
}

std::string totals_text(const Measurement& measured) {
  const auto& on_cores = measured.on_vcpu_cores;
  if (measured.vcpu_cores.empty()) {
    return "No VM has a pinned vCPU: no CPU is a vCPU's core.\n";
  }
  return fmt::format(
      "Interrupts a second on vCPUs' cores (CPUs {}):\n"
      "{:>10.0f}  of passed-through devices\n"
      "{:>10.0f}  of the host's devices\n"
      "{:>10.0f}  that nobody can move: timer, IPIs\n",
      measured.vcpu_cores.to_list(),
      on_cores.passthrough,
      on_cores.host,
      on_cores.fixed);
}

std::string vms_text(const Measurement& measured, const TextStyle& style) {
  Table table({{"VM"},
               {"OWN", Align::right},
               {"OTHER VMS", Align::right},
               {"HOST", Align::right},
               {"FIXED", Align::right},
               {"DELAY ms/s", Align::right},
               {"EXITS", Align::right},
               {"FOR IRQS", Align::right}});
  for (const auto& vm : measured.vms) {
    table.add({printable(vm.name),
               figure(vm.own),
               figure(vm.other_vms),
               figure(vm.host),
               figure(vm.fixed),
               vm.run_delay ? fmt::format("{:.1f}", *vm.run_delay) : "-",
               figure(vm.exits),
               figure(vm.irq_exits)});
  }
  return table.empty()
             ? std::string()
             : "\nEach VM, a second: interrupts on its vCPUs' cores, what they wait for a "
               "CPU, exits\n" +
                   table.text(style);
}

std::string stdev_text(std::string_view among, const Shares& stdev) {
  return fmt::format("  {:<18} busy {}, irq {}, softirq {}\n",
                     among,
                     percent(stdev.busy),
                     percent(stdev.irq),
                     percent(stdev.softirq));
}

std::string alarms_text(const Measurement& measured, const TextStyle& style) {
  std::string out;
  for (const auto& alarm : measured.softirq_above) {
    std::vector<std::uint32_t> numbers;
    std::ranges::transform(alarm.irqs, std::back_inserter(numbers), [](IrqNumber irq) {
      return static_cast<std::uint32_t>(irq);
    });
    out += tinted(style,
                  Tint::red,
                  fmt::format("cpu{}: {} of its time in softirq, in {} of {} slices",
                              alarm.cpu,
                              percent(alarm.share),
                              alarm.slices,
                              measured.slices)) +
           (numbers.empty() ? "\n"
                            : fmt::format("; busiest there: IRQ {}\n", fmt::join(numbers, ", ")));
  }
  return out.empty() ? out : '\n' + out;
}

std::string verdict(const Comparison& comparison) {
  if (!comparison.differs) {
    return "one slice: not known";
  }
  return !*comparison.differs                   ? "no: within the slices' spread"
         : comparison.after < comparison.before ? "yes, less"
                                                : "yes, more";
}

}  // namespace

std::string comparisons_text(const std::vector<Comparison>& comparisons, const TextStyle& style) {
  Table table({{"COMPARED"},
               {"BEFORE", Align::right},
               {"NOW", Align::right},
               {"RATIO", Align::right},
               {"DIFFERS"}});
  for (const auto& comparison : comparisons) {
    table.add({printable(comparison.path),
               fmt::format("{:.3g}", comparison.before),
               fmt::format("{:.3g}", comparison.after),
               comparison.ratio ? fmt::format("{:.2f}", *comparison.ratio) : "-",
               verdict(comparison)});
  }
  return table.empty() ? std::string() : '\n' + table.text(style);
}

std::string measurement_text(const Measurement& measured, const TextStyle& style) {
  auto out = fmt::format(
      "Measured for {:.1f} s in {}.\n\n", measured.seconds, counted(measured.slices, "slice"));
  out += totals_text(measured) + vms_text(measured, style);
  out += "\nStandard deviation of the CPUs' shares of time\n";
  out += stdev_text("all CPUs:", measured.stdev_all);
  out += stdev_text("housekeeping CPUs:", measured.stdev_housekeeping);
  out += alarms_text(measured, style) + comparisons_text(measured.compare, style);
  for (const auto& fact : measured.missing) {
    out += fmt::format("Not measured: {}; needs {}\n", fact.what, fact.needs);
  }
  return out;
}

}  // namespace irqtune
