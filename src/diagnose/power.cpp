// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/load.h"
#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "diagnose/parts.h"

namespace irqtune::diagnosis {

namespace {

/// Interrupts of passed-through devices on one CPU, per second.
double vector_rate(const Host& host, int cpu) {
  double sum = 0;
  for (const auto& irq : host.irqs) {
    sum += irq.vector ? rate_on(host, irq, cpu) : 0;
  }
  return sum;
}

/// True if nothing speaks against serving vectors there: its settings are worth a word.
bool may_serve(const DiagnosisInput& input, int cpu) {
  return input.plan.housekeeping.contains(cpu);
}

/// With these drivers "powersave" scales with load; with others it is the lowest frequency.
/// Source: Documentation/admin-guide/pm/intel_pstate.rst and amd-pstate.rst, active mode.
bool governs_itself(std::string_view driver) {
  constexpr std::array<std::string_view, 3> kDrivers = {
      "intel_pstate", "amd-pstate-epp", "amd_pstate_epp"};
  return std::ranges::find(kDrivers, driver) != kDrivers.end();
}

void find_governor(const DiagnosisInput& input, std::vector<Finding>& findings) {
  CpuSet slow;
  std::string driver;
  for (const auto& power : input.settings.power) {
    if (may_serve(input, power.cpu) && power.governor == "powersave" && !power.driver.empty() &&
        !governs_itself(power.driver)) {
      slow.insert(power.cpu);
      driver = power.driver;
    }
  }
  if (slow.empty()) {
    return;
  }
  auto finding = make_finding(
      "cpu-governor",
      Severity::warning,
      fmt::format("CPUs that serve vectors stay at their lowest frequency ({})", slow.to_list()));
  finding.cost = "each interrupt takes longer than it has to";
  finding.evidence = {
      fmt::format("cpufreq/scaling_governor: powersave, scaling_driver: {}", printable(driver))};
  finding.remedy = {"let them scale with load:",
                    for_each_cpu(slow, "schedutil", "cpufreq/scaling_governor"),
                    "or performance, where latency counts more than power, or where "
                    "scaling_available_governors has no schedutil"};
  finding.cpus = slow;
  findings.push_back(std::move(finding));
}

/// The slowest state that the CPU may enter; nullptr if none is slow to leave.
const IdleState* deep_state(const CpuPower& power) {
  constexpr int kSlow = 100;  // Microseconds: more than most interrupts take to be served.
  const IdleState* deepest = nullptr;
  for (const auto& state : power.idle) {
    const bool allowed = !power.resume_latency_us || state.latency_us <= *power.resume_latency_us;
    if (!state.disabled && allowed && state.latency_us >= kSlow) {
      deepest = &state;
    }
  }
  return deepest;
}

void find_deep_idle(const DiagnosisInput& input, std::vector<Finding>& findings) {
  constexpr double kSeldom = 100;   // Below, nobody waits for them.
  constexpr double kOften = 20000;  // Above, the CPU does not sleep deeply anyhow.
  CpuSet cpus;
  const IdleState* deepest = nullptr;
  for (const auto& power : input.settings.power) {
    const auto* state = deep_state(power);
    const auto rate = vector_rate(input.host, power.cpu);
    if (state != nullptr && may_serve(input, power.cpu) && rate >= kSeldom && rate <= kOften) {
      cpus.insert(power.cpu);
      deepest = deepest == nullptr || state->latency_us > deepest->latency_us ? state : deepest;
    }
  }
  if (deepest == nullptr || !has_pinned_vms(input.host)) {
    return;
  }
  auto finding = make_finding(
      "cpu-deep-idle",
      Severity::info,
      fmt::format("CPUs that serve vectors sleep deeply in between ({})", cpus.to_list()));
  finding.cost = fmt::format("up to {} us more for an interrupt that finds the CPU asleep",
                             deepest->latency_us);
  finding.evidence = {
      fmt::format("cpuidle: {} is enabled, {} us to leave it; no lower limit in "
                  "power/pm_qos_resume_latency_us",
                  printable(deepest->name),
                  deepest->latency_us)};
  finding.remedy = {
      "where latency counts, for these CPUs alone:",
      for_each_cpu(cpus, "20", "power/pm_qos_resume_latency_us"),
      "not intel_idle.max_cstate= or processor.max_cstate=: they hold for all CPUs, cost power, "
      "and take turbo from the cores that work"};
  finding.cpus = cpus;
  findings.push_back(std::move(finding));
}

/// True of an Arm host: its interrupt controller is a GIC.
bool is_arm(const Host& host) {
  return std::ranges::any_of(host.irqs, [](const Irq& irq) {
    return irq.chip.starts_with("GIC") || irq.chip.starts_with("ITS-");
  });
}

bool has_siblings(const Topology& topology) {
  return std::ranges::any_of(topology.cpus, [](const Cpu& cpu) { return cpu.siblings.size() > 1; });
}

/// KVM's halt_poll_ns as the kernel sets it. Source: Linux KVM_HALT_POLL_NS_DEFAULT in
/// arch/x86/include/asm/kvm_host.h and arch/arm64/include/asm/kvm_host.h.
std::uint64_t default_halt_poll_ns(const Host& host) {
  constexpr std::uint64_t kX86 = 200000;
  constexpr std::uint64_t kArm = 500000;
  return is_arm(host) ? kArm : kX86;
}

void find_halt_polling(const DiagnosisInput& input, std::vector<Finding>& findings) {
  const auto stock = default_halt_poll_ns(input.host);
  const auto polls = input.settings.halt_poll_ns.value_or(0);
  if (polls <= stock || !has_pinned_vms(input.host)) {
    return;
  }
  auto finding =
      make_finding("halt-polling",
                   Severity::info,
                   fmt::format("idle vCPUs poll for up to {} us before they sleep", polls / 1000));
  finding.cost =
      has_siblings(input.host.topology)
          ? "the polling thread slows its SMT sibling and eats the package's power budget"
          : "the polling thread eats the package's power budget";
  finding.evidence = {
      fmt::format("/sys/module/kvm/parameters/halt_poll_ns: {} (default {})", polls, stock)};
  finding.remedy = {"unless you measured that it helps:",
                    fmt::format("echo {} > /sys/module/kvm/parameters/halt_poll_ns", stock)};
  findings.push_back(std::move(finding));
}

void find_squeeze(const DiagnosisInput& input, std::vector<Finding>& findings) {
  constexpr std::uint64_t kFew = 1000;
  constexpr std::uint64_t kShare = 1000;  // One round in so many packets.
  std::vector<std::string> lines;
  CpuSet cpus;
  for (const auto& count : input.settings.softnet) {
    if (count.squeezed >= kFew && count.squeezed * kShare >= count.packets) {
      cpus.insert(count.cpu);
      lines.push_back(fmt::format("/proc/net/softnet_stat: cpu{} gave up {} times in {} packets",
                                  count.cpu,
                                  count.squeezed,
                                  count.packets));
    }
  }
  if (lines.empty()) {
    return;
  }
  auto finding =
      make_finding("time-squeeze",
                   Severity::info,
                   fmt::format("the host's network softirq runs out of its budget on {} {}",
                               cpus.size() == 1 ? "CPU" : "CPUs",
                               cpus.to_list()));
  finding.cost = "the host's own packets wait; passed-through devices are not concerned";
  shorten(lines, 6);
  finding.evidence = std::move(lines);
  finding.evidence.push_back(
      fmt::format("net.core.netdev_budget {}, netdev_budget_usecs {}",
                  input.settings.netdev_budget ? std::to_string(*input.settings.netdev_budget)
                                               : std::string("unknown"),
                  input.settings.netdev_time_us ? std::to_string(*input.settings.netdev_time_us)
                                                : std::string("unknown")));
  finding.remedy = {"first spread the host NIC's queues (and its flows, ethtool -X DEV equal N):",
                    "irqtune apply --scope all",
                    "then, if it goes on:",
                    "sysctl -w net.core.netdev_budget=600 net.core.netdev_budget_usecs=16000"};
  finding.cpus = cpus;
  findings.push_back(std::move(finding));
}

}  // namespace

void find_power(const DiagnosisInput& input, std::vector<Finding>& findings) {
  find_governor(input, findings);
  find_deep_idle(input, findings);
  find_halt_polling(input, findings);
  find_squeeze(input, findings);
}

}  // namespace irqtune::diagnosis
