// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "diagnose/parts.h"

namespace irqtune::diagnosis {

namespace {

/// What the command line says about CPUs, and what it should respect.
struct Lists {
  std::optional<CpuSet> irqaffinity;
  std::optional<CpuSet> isolcpus;
  std::optional<CpuSet> nohz_full;
  std::optional<CpuSet> rcu_nocbs;
  bool managed_irq = false;
  CpuSet isolated;  ///< From the scheduler's load balancing, at boot or by a cpuset partition.
  CpuSet vcpus;     ///< Cores of dedicated vCPUs.
  CpuSet cores;     ///< The same with their SMT siblings.
};

std::optional<CpuSet> list_of(const Settings& settings, std::string_view name) {
  const auto* parameter = find_parameter(settings, name);
  return parameter != nullptr ? std::optional(parameter_cpus(parameter->value)) : std::nullopt;
}

CpuSet with_siblings(const Topology& topology, const CpuSet& cpus) {
  auto all = cpus;
  for (const int number : cpus.cpus()) {
    const auto* cpu = find_cpu(topology, number);
    all |= cpu != nullptr ? cpu->siblings : CpuSet{};
  }
  return all;
}

Lists lists_of(const DiagnosisInput& input) {
  Lists lists;
  lists.irqaffinity = list_of(input.settings, "irqaffinity");
  lists.isolcpus = list_of(input.settings, "isolcpus");
  lists.nohz_full = list_of(input.settings, "nohz_full");
  lists.rcu_nocbs = list_of(input.settings, "rcu_nocbs");
  const auto* isolcpus = find_parameter(input.settings, "isolcpus");
  lists.managed_irq = isolcpus != nullptr && has_word(isolcpus->value, "managed_irq");
  lists.isolated = input.host.topology.isolated;
  for (const auto& partition : input.host.topology.partitions) {
    lists.isolated |= partition.cpus;
  }
  for (const auto& vm : input.host.vms) {
    for (const auto& vcpu : vm.vcpus) {
      const bool counts = vm.state == VmState::running && vcpu.dedicated && vcpu.cpus;
      lists.vcpus |= counts ? *vcpu.cpus : CpuSet{};
    }
  }
  lists.cores = with_siblings(input.host.topology, lists.vcpus);
  return lists;
}

/// Queues that the kernel manages on CPUs of `cpus`, "nvme0q3, nvme0q4".
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

/// Sentences about what contradicts what; those about interrupts, which weigh more, come first.
struct Contradictions {
  std::vector<std::string> of_irqs;
  std::vector<std::string> others;
};

void check_irqs(const DiagnosisInput& input, const Lists& lists, Contradictions& found) {
  const auto kept = (lists.isolcpus.value_or(CpuSet{}) | lists.nohz_full.value_or(CpuSet{})) &
                    lists.irqaffinity.value_or(CpuSet{});
  if (!kept.empty()) {
    found.of_irqs.push_back(fmt::format(
        "irqaffinity= has CPUs that isolcpus= or nohz_full= keeps clear: {}", kept.to_list()));
  }
  const auto pinned = (lists.irqaffinity.value_or(CpuSet{}) & lists.cores) - kept;
  if (!pinned.empty()) {
    found.of_irqs.push_back(
        fmt::format("irqaffinity= has cores that vCPUs are pinned to: {}", pinned.to_list()));
  }
  const auto managed = managed_on(input.host, input.host.topology.isolated);
  if (lists.isolcpus && !lists.managed_irq && !managed.empty()) {
    found.of_irqs.push_back(fmt::format(
        "isolcpus= lacks managed_irq: IRQ {} ({}), which the kernel manages, {} on isolated CPUs",
        numbers_text(managed),
        printable(managed.front()->actions.front()),
        managed.size() == 1 ? "is" : "are"));
  }
}

void check_isolation(const Lists& lists, Contradictions& found) {
  if (lists.nohz_full && !(*lists.nohz_full - lists.isolated).empty()) {
    found.others.push_back(
        fmt::format("nohz_full= without isolation on {}: other tasks are put there, and the tick "
                    "comes back",
                    (*lists.nohz_full - lists.isolated).to_list()));
  }
  if (lists.isolcpus && !(lists.vcpus - lists.isolated).empty()) {
    found.others.push_back(fmt::format("isolcpus= leaves out cores that vCPUs are pinned to: {}",
                                       (lists.vcpus - lists.isolated).to_list()));
  }
  const auto offloaded = lists.rcu_nocbs.value_or(CpuSet{}) | lists.nohz_full.value_or(CpuSet{});
  const auto left = lists.isolcpus.value_or(CpuSet{}) - offloaded;
  // Without a list, rcu_nocbs only allows it, and 6.1 and later offload none.
  if (lists.rcu_nocbs && !lists.rcu_nocbs->empty() && !left.empty()) {
    found.others.push_back(fmt::format(
        "rcu_nocbs= leaves out isolated CPUs: RCU callbacks run on {}", left.to_list()));
  }
}

/// What the command line ought to say about CPUs.
struct Recommended {
  std::vector<std::string> tokens;
  std::vector<std::string> why;
};

Recommended recommended(const DiagnosisInput& input, const Lists& lists) {
  Recommended line;
  const auto add = [&](std::string token, std::string_view why) {
    line.why.push_back(fmt::format("{}: {}", token, why));
    line.tokens.push_back(std::move(token));
  };
  const auto wanted = lists.cores | lists.isolcpus.value_or(CpuSet{});
  add(fmt::format("irqaffinity={}", (input.plan.housekeeping - wanted).to_list()),
      "interrupts start on housekeeping CPUs (the kernel adds the CPU it boots on)");
  const bool by_partition = lists.isolated.contains_all(lists.vcpus) && !lists.isolcpus;
  if (by_partition) {
    add(fmt::format("isolcpus=managed_irq,{}", wanted.to_list()),
        "queues that the kernel manages keep off the cores; the cpuset partition does the rest");
  } else {
    add(fmt::format("isolcpus=managed_irq,domain,{}", wanted.to_list()),
        "queues that the kernel manages, and other tasks, keep off the vCPUs' cores; it holds "
        "until the next boot: where VMs come and go, use isolated cpuset partitions and leave "
        "domain out");
  }
  if (lists.nohz_full) {
    add(fmt::format("nohz_full={}", wanted.to_list()),
        "no tick while one vCPU thread runs alone; implies rcu_nocbs, costs at each kernel entry");
  }
  return line;
}

/// What the command line says now, of what matters here.
std::string current_text(const Settings& settings) {
  constexpr std::array<std::string_view, 9> kNames = {"irqaffinity",
                                                      "isolcpus",
                                                      "nohz_full",
                                                      "rcu_nocbs",
                                                      "intremap",
                                                      "iommu",
                                                      "intel_iommu",
                                                      "amd_iommu",
                                                      "nohz"};
  std::string text;
  for (const auto& parameter : settings.kernel) {
    if (std::ranges::find(kNames, parameter.name) != kNames.end()) {
      text += text.empty() ? "" : " ";
      text += parameter.value.empty() ? parameter.name
                                      : fmt::format("{}={}", parameter.name, parameter.value);
    }
  }
  return printable(text.empty() ? "nothing about interrupts or isolation" : text);
}

std::vector<std::string> remedy_text(const DiagnosisInput& input, const Lists& lists) {
  if (lists.cores.empty() || input.plan.housekeeping.empty()) {
    return {
        "make the lists agree: vCPUs' cores in isolcpus= and nohz_full=, all others in "
        "irqaffinity="};
  }
  const auto line = recommended(input, lists);
  std::string tokens;
  for (const auto& token : line.tokens) {
    tokens += tokens.empty() ? token : " " + token;
  }
  std::vector<std::string> remedy = {std::move(tokens)};
  remedy.insert(remedy.end(), line.why.begin(), line.why.end());
  if (lists.rcu_nocbs && lists.nohz_full) {
    remedy.emplace_back("rcu_nocbs= may go: nohz_full= implies it");
  }
  remedy.emplace_back(
      "in GRUB_CMDLINE_LINUX of /etc/default/grub, then update-grub (Debian) or grub2-mkconfig, "
      "and boot");
  return remedy;
}

/// True if interrupts start on housekeeping CPUs and vCPUs' cores are isolated already.
bool is_set(const Lists& lists) {
  return lists.irqaffinity && !lists.irqaffinity->empty() &&
         lists.isolated.contains_all(lists.vcpus);
}

}  // namespace

void find_command_line(const DiagnosisInput& input, std::vector<Finding>& findings) {
  if (!input.host.id.cmdline) {
    return;
  }
  const auto lists = lists_of(input);
  Contradictions found;
  check_irqs(input, lists, found);
  check_isolation(lists, found);
  const auto current = fmt::format("/proc/cmdline: {}", current_text(input.settings));
  if (!found.of_irqs.empty() || !found.others.empty()) {
    auto finding = make_finding("cmdline-conflict",
                                found.of_irqs.empty() ? Severity::info : Severity::warning,
                                "parameters of the kernel command line work against each other");
    finding.cost = "CPUs that were meant to be left alone are not";
    finding.evidence = {current};
    for (const auto* list : {&found.of_irqs, &found.others}) {
      finding.evidence.insert(finding.evidence.end(), list->begin(), list->end());
    }
    finding.remedy = remedy_text(input, lists);
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
                               lists.cores.to_list()));
  finding.cost = "after each boot, interrupts and tasks are put there first and moved away later";
  finding.evidence = {current};
  finding.remedy = remedy_text(input, lists);
  finding.cpus = lists.cores;
  findings.push_back(std::move(finding));
}

}  // namespace irqtune::diagnosis
