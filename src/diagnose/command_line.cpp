// SPDX-License-Identifier: Apache-2.0
#include "diagnose/command_line.h"

#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>

#include "diagnose/parts.h"

namespace irqtune::diagnosis {

namespace {

std::optional<int> last_cpu(const Topology& topology) {
  return topology.cpus.empty() ? std::nullopt : std::optional(topology.cpus.back().number);
}

CpuSet with_siblings(const Topology& topology, const CpuSet& cpus) {
  auto all = cpus;
  for (const int number : cpus.cpus()) {
    const auto* cpu = find_cpu(topology, number);
    all |= cpu != nullptr ? cpu->siblings : CpuSet{};
  }
  return all;
}

void add_vcpus(const Host& host, CpuLists& lists) {
  for (const auto& vm : host.vms) {
    for (const auto& vcpu : runs(vm) ? vm.vcpus : std::vector<Vcpu>()) {
      const bool alone = vcpu.dedicated && vcpu.cpus;
      lists.vcpus |= alone ? *vcpu.cpus : CpuSet{};
      lists.one_each = lists.one_each && (!alone || vcpu.cpus->size() == 1);
    }
  }
  lists.cores = with_siblings(host.topology, lists.vcpus);
}

/// Queues that the kernel manages on CPUs of `cpus`.
std::vector<const Irq*> managed_on(const Host& host, const CpuSet& cpus) {
  std::vector<const Irq*> irqs;
  for (const auto& irq : host.irqs) {
    const auto& at = irq.effective;
    if (irq.settable == false && irq.device && !irq.actions.empty() && at && at->intersects(cpus)) {
      irqs.push_back(&irq);
    }
  }
  return irqs;
}

CpuSet or_none(const std::optional<CpuSet>& cpus) {
  return cpus.value_or(CpuSet{});
}

/// Sentences about what contradicts what; those that weigh more come first.
struct Contradictions {
  std::vector<std::string> grave;
  std::vector<std::string> others;

  [[nodiscard]] bool empty() const noexcept { return grave.empty() && others.empty(); }
};

void check_irqs(const DiagnosisInput& input, const CpuLists& lists, Contradictions& found) {
  const auto& asked = lists.asked;
  const auto kept =
      (or_none(asked.domain) | or_none(asked.managed_irq) | or_none(asked.nohz_full)) &
      or_none(asked.irqaffinity);
  if (!kept.empty()) {
    found.grave.push_back(fmt::format(
        "irqaffinity= has CPUs that isolcpus= or nohz_full= keeps clear: {}", kept.to_list()));
  }
  const auto pinned = (or_none(asked.irqaffinity) & lists.cores) - kept;
  if (!pinned.empty()) {
    found.grave.push_back(
        fmt::format("irqaffinity= has cores that vCPUs are pinned to: {}", pinned.to_list()));
  }
  const auto managed = managed_on(input.host, or_none(asked.domain) - or_none(asked.managed_irq));
  if (!managed.empty()) {
    found.grave.push_back(fmt::format(
        "isolcpus= lacks managed_irq: IRQ {} ({}), which the kernel manages, {} on isolated CPUs",
        numbers_text(managed),
        printable(managed.front()->actions.front()),
        managed.size() == 1 ? "is" : "are"));
  }
}

/// What was asked for, and the kernel did not do. Source: Linux kernel/sched/isolation.c: it
/// ignores a list that it cannot read, and one that differs from an earlier one (before 5.18 also
/// nohz_full= that differs from isolcpus=).
void check_force(const DiagnosisInput& input, const CpuLists& lists, Contradictions& found) {
  for (const auto& token : lists.asked.refused) {
    found.grave.push_back(
        fmt::format("the kernel cannot read {}, and ignores it", printable(token)));
  }
  const auto beyond = (or_none(lists.asked.domain) | or_none(lists.asked.managed_irq)) -
                      isolated_wish(input, lists);
  if (!beyond.empty() && last_cpu(input.host.topology)) {
    found.grave.push_back(fmt::format(
        "isolcpus= has CPUs that this machine does not have ({}): the kernel drops the whole list",
        beyond.to_list()));
  }
  if (!input.settings.knows_isolation) {
    return;
  }
  const auto& topology = input.host.topology;
  const auto check = [&](std::string_view name, const CpuSet& asked, const CpuSet& done) {
    const auto missing = (asked & topology.online) - done;
    if (!missing.empty()) {
      found.grave.push_back(
          fmt::format("{}= is not in force on {} (/sys/devices/system/cpu/{}: {}); dmesg | grep -i "
                      "housekeeping may say why",
                      name,
                      missing.to_list(),
                      name == "isolcpus" ? "isolated" : name,
                      done.empty() ? "none" : done.to_list()));
    }
  };
  check("isolcpus", or_none(lists.asked.domain), topology.isolated);
  check("nohz_full", or_none(lists.asked.nohz_full), topology.nohz_full);
}

void check_isolation(const CpuLists& lists, Contradictions& found) {
  const auto& asked = lists.asked;
  const auto loose = or_none(asked.nohz_full) - lists.isolated;
  if (!loose.empty()) {
    found.others.push_back(
        fmt::format("nohz_full= without isolation on {}: other tasks are put there, and the tick "
                    "comes back",
                    loose.to_list()));
  }
  const auto missed = lists.vcpus - (asked.domain ? lists.isolated : or_none(asked.managed_irq));
  if ((asked.domain || asked.managed_irq) && !missed.empty()) {
    found.others.push_back(
        fmt::format("isolcpus= leaves out cores that vCPUs are pinned to: {}", missed.to_list()));
  }
  const auto left = or_none(asked.domain) - (or_none(asked.rcu_nocbs) | or_none(asked.nohz_full));
  // Without a list, rcu_nocbs only allows it, and 6.1 and later offload none.
  if (asked.rcu_nocbs && !asked.rcu_nocbs->empty() && !left.empty()) {
    found.others.push_back(fmt::format(
        "rcu_nocbs= leaves out isolated CPUs: RCU callbacks run on {}", left.to_list()));
  }
}

Contradictions contradictions(const DiagnosisInput& input, const CpuLists& lists) {
  Contradictions found;
  check_irqs(input, lists, found);
  const auto before = found.grave.size();
  check_force(input, lists, found);
  if (found.grave.size() == before) {  // Else these follow from it.
    check_isolation(lists, found);
  }
  return found;
}

/// True if interrupts start on housekeeping CPUs and vCPUs' cores are kept clear already.
bool is_set(const CpuLists& lists) {
  const auto clear =
      lists.isolated | (lists.one_each ? CpuSet{} : or_none(lists.asked.managed_irq));
  return lists.asked.irqaffinity && !lists.asked.irqaffinity->empty() &&
         clear.contains_all(lists.vcpus);
}

}  // namespace

CpuLists cpu_lists(const DiagnosisInput& input) {
  const auto& topology = input.host.topology;
  CpuLists lists;
  lists.asked = cpu_parameters(input.settings.kernel, last_cpu(topology));
  lists.isolated = topology.isolated;
  for (const auto& partition : topology.partitions) {
    lists.isolated |= partition.cpus;
  }
  add_vcpus(input.host, lists);
  return lists;
}

void find_command_line(const DiagnosisInput& input, std::vector<Finding>& findings) {
  if (!input.host.id.cmdline) {
    return;
  }
  const auto lists = cpu_lists(input);
  const auto found = contradictions(input, lists);
  const auto current = fmt::format("/proc/cmdline: {}", current_tokens(input.settings));
  if (!found.empty()) {
    auto finding = make_finding("cmdline-conflict",
                                found.grave.empty() ? Severity::info : Severity::warning,
                                "parameters of the kernel command line work against each other");
    finding.cost = "CPUs that were meant to be left alone are not";
    finding.evidence = {current};
    for (const auto* list : {&found.grave, &found.others}) {
      finding.evidence.insert(finding.evidence.end(), list->begin(), list->end());
    }
    finding.remedy = recommended_tokens(input, lists);
    findings.push_back(std::move(finding));
    return;
  }
  if (lists.cores.empty() || input.plan.housekeeping.empty() || is_set(lists)) {
    return;
  }
  auto finding =
      make_finding("kernel-cmdline",
                   Severity::info,
                   fmt::format("the kernel command line does not know of the vCPUs' cores ({})",
                               short_list(lists.cores)));
  finding.cost = "after each reboot, interrupts and tasks are put there first and moved away later";
  finding.evidence = {current};
  finding.remedy = recommended_tokens(input, lists);
  finding.cpus = lists.cores;
  findings.push_back(std::move(finding));
}

}  // namespace irqtune::diagnosis
