// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/delivery.h"
#include "irqtune/core/load.h"
#include "irqtune/core/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "diagnose/parts.h"

namespace irqtune::diagnosis {

namespace {

/// An interrupt and how often it comes on one CPU.
struct Row {
  const Irq* irq = nullptr;
  double rate = 0;
};

/// What was counted on the CPU.
double counted_on(const Host& /*host*/, const Irq& irq, int cpu) {
  const auto found = std::ranges::find(irq.rates, cpu, &CpuRate::cpu);
  return found != irq.rates.end() ? found->rate : 0;
}

using Measure = double (*)(const Host&, const Irq&, int cpu);

/// The busiest interrupts of a CPU, most first.
std::vector<Row> rows_of(const Host& host, int cpu, Measure measure) {
  std::vector<Row> rows;
  for (const auto& irq : host.irqs) {
    if (const auto rate = is_per_cpu(irq) ? 0 : measure(host, irq, cpu); rate >= 1) {
      rows.push_back({&irq, rate});
    }
  }
  std::ranges::stable_sort(rows, [](const Row& a, const Row& b) { return a.rate > b.rate; });
  return rows;
}

std::string row_text(const Row& row) {
  return fmt::format("IRQ {} ({}): {}/s",
                     static_cast<unsigned>(row.irq->number),
                     row.irq->actions.empty() ? "no handler" : printable(row.irq->actions.front()),
                     rate_text(row.rate));
}

void name_rows(const std::vector<Row>& rows, Finding& finding) {
  std::vector<const Irq*> irqs;
  irqs.reserve(rows.size());
  for (const auto& row : rows) {
    irqs.push_back(row.irq);
  }
  name_irqs(irqs, finding);
}

struct Busiest {
  int cpu = -1;  ///< -1: none takes any.
  double rate = 0;
  double load = 0;
};

/// The housekeeping CPU with the largest load: as a plan's score counts.
Busiest busiest(const DiagnosisInput& input) {
  RatesByCpu rates;
  for (const auto& irq : input.host.irqs) {
    add_rates(input.host, irq, std::nullopt, rates);
  }
  Busiest most;
  for (const auto& [cpu, load] : loads_of(input.host.topology, rates)) {
    if (load > most.load && input.plan.housekeeping.contains(cpu)) {
      most = {cpu, rates[cpu], load};
    }
  }
  return most;
}

/// What a rate means on a CPU that is not of full capacity.
std::string weight_note(const Busiest& most) {
  constexpr double kSame = 0.5;
  return most.load - most.rate < kSame
             ? std::string()
             : fmt::format(", as much as {}/s on a CPU of full capacity", rate_text(most.load));
}

bool is_much_more(double rate, double than) {
  constexpr double kTolerated = 1.25;  // Of what another placement would give.
  constexpr double kWorthIt = 1000;    // Interrupts a second, about 1 % of a CPU.
  return rate > than * kTolerated && rate - than >= kWorthIt;
}

void find_crowding(const DiagnosisInput& input, std::vector<Finding>& findings) {
  const auto& plan = input.plan;
  const auto most = busiest(input);
  const auto [cpu, rate, load] = most;
  const auto planned = plan.after.max_cpu_rate.value_or(load);
  const auto possible = std::min(planned, input.rebalanced_rate.value_or(planned));
  if (cpu < 0 || plan.assignments.empty() || !is_much_more(load, possible)) {
    return;
  }
  auto rows = rows_of(input.host, cpu, rate_on);
  auto finding = make_finding(
      "cpu-crowded",
      Severity::warning,
      fmt::format("cpu{} takes {} interrupts/s {}{}, where {}/s would do on the busiest CPU",
                  cpu,
                  rate_text(rate),
                  rate_basis(input.host),
                  weight_note(most),
                  rate_text(possible)));
  finding.cost = "vectors wait for each other on one CPU while others idle";
  for (const auto& row : rows) {
    finding.evidence.push_back(row_text(row));
  }
  shorten(finding.evidence, 6);
  if (plan.lower_bound) {
    finding.evidence.push_back(fmt::format("no placement at all has a busiest CPU below {}/s",
                                           rate_text(*plan.lower_bound)));
  }
  finding.remedy = {is_much_more(load, planned) ? "irqtune apply" : "irqtune apply --rebalance"};
  name_rows(rows, finding);
  finding.cpus = CpuSet{cpu};
  findings.push_back(std::move(finding));
}

void find_busy(const DiagnosisInput& input, std::vector<Finding>& findings) {
  constexpr double kStalled = 95;  // Percent
  for (const auto& cpu : input.host.topology.cpus) {
    const auto percent = cpu.irq_busy.value_or(0) * 100;
    if (percent <= input.plan.policy.busy_threshold) {
      continue;
    }
    auto rows = rows_of(input.host, cpu.number, counted_on);
    rows.resize(std::min<std::size_t>(rows.size(), 3));
    auto finding = make_finding(
        "cpu-irq-busy",
        percent >= kStalled ? Severity::critical : Severity::warning,
        fmt::format(
            "cpu{} spends {:.0f} % of its time in interrupts and softirqs", cpu.number, percent));
    finding.cost = "what it serves queues up: packets are dropped, latency grows without limit";
    finding.evidence = {fmt::format("/proc/stat: irq + softirq {:.0f} %, threshold {:g} %",
                                    percent,
                                    input.plan.policy.busy_threshold)};
    for (const auto& row : rows) {
      finding.evidence.push_back(row_text(row));
    }
    const bool ours =
        std::ranges::any_of(rows, [](const Row& row) { return row.irq->vector.has_value(); });
    finding.remedy =
        rows.empty()
            ? std::vector<std::string>{"no interrupt of a device explains it: look at packet "
                                       "steering, cat /sys/class/net/*/queues/rx-*/rps_cpus, and at "
                                       "/proc/softirqs"}
            : std::vector<std::string>{ours ? "irqtune apply" : "irqtune apply --scope all",
                                       "more queues for the device named above: ethtool -L DEV "
                                       "combined N, in the guest where it is passed through"};
    name_rows(rows, finding);
    finding.cpus = CpuSet{cpu.number};
    findings.push_back(std::move(finding));
  }
}

/// Where it is, if that is outside a mask that has an online CPU.
std::optional<Delivery> outside(const Host& host, const Irq& irq) {
  auto delivery = delivery_of(host, irq);
  const bool pending = delivery.state == DeliveryState::pending && !irq.written_to_tree;
  if (!irq.affinity || !irq.affinity->intersects(host.topology.online) ||
      (delivery.state != DeliveryState::fallback && !pending)) {
    return std::nullopt;
  }
  if (pending) {
    delivery.cpus = irq.effective.value_or(CpuSet{});
  }
  return delivery;
}

/// True where CPUs run out of vectors: x86. A GIC's LPIs have no such limit.
bool has_vector_budget(const Irq& irq) {
  return !irq.chip.starts_with("ITS-") && !irq.chip.starts_with("GIC");
}

/// What to do where the mask should have been obeyed by now.
std::vector<std::string> ask_again(const std::vector<const Irq*>& irqs,
                                   const std::vector<unsigned>& numbers) {
  const bool budget =
      std::ranges::any_of(irqs, [](const Irq* irq) { return has_vector_budget(*irq); });
  return {budget ? "the kernel found no free vector on the CPUs asked for (see vector-budget), or "
                   "the device stopped after the write; ask again:"
                 : "this chip moves at once, so the CPUs asked for were offline or the write was "
                   "lost; ask again:",
          fmt::format("for i in {}; do m=$(cat /proc/irq/$i/smp_affinity_list); echo $m > "
                      "/proc/irq/$i/smp_affinity_list; done",
                      fmt::join(numbers, " "))};
}

void find_outside(const DiagnosisInput& input, std::vector<Finding>& findings) {
  std::vector<const Irq*> irqs;
  std::vector<unsigned> numbers;
  bool active = false;
  auto finding = make_finding("effective-outside-mask", Severity::info, {});
  for (const auto& irq : input.host.irqs) {
    const auto delivery = outside(input.host, irq);
    if (!delivery) {
      continue;
    }
    irqs.push_back(&irq);
    numbers.push_back(static_cast<unsigned>(irq.number));
    // Without remapping a move waits for the next interrupt, which an idle device does not send.
    active = active || delivery->state == DeliveryState::fallback;
    finding.cpus |= delivery->cpus;
    finding.evidence.push_back(fmt::format("IRQ {} ({}): asked for {}, delivered to {}",
                                           static_cast<unsigned>(irq.number),
                                           printable(irq.actions.front()),
                                           irq.affinity->to_list(),
                                           delivery->cpus.to_list()));
  }
  if (irqs.empty()) {
    return;
  }
  finding.severity = active ? Severity::warning : Severity::info;
  finding.confidence = active ? Confidence::likely : Confidence::possible;
  finding.title = fmt::format("{} interrupt{} delivered outside the mask that was asked for",
                              irqs.size(),
                              irqs.size() == 1 ? " is" : "s are");
  finding.cost = "it disturbs a CPU that nobody chose";
  shorten(finding.evidence, 6);
  finding.remedy = {
      "nothing to do while the device is idle: the move is done at its next interrupt"};
  if (active) {
    finding.remedy = ask_again(irqs, numbers);
  }
  name_irqs(irqs, finding);
  findings.push_back(std::move(finding));
}

}  // namespace

void find_cpu_placement(const DiagnosisInput& input, std::vector<Finding>& findings) {
  find_crowding(input, findings);
  find_busy(input, findings);
  find_outside(input, findings);
}

}  // namespace irqtune::diagnosis
