// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "diagnose/parts.h"

namespace irqtune::diagnosis {

namespace {

constexpr std::size_t kMostEvidence = 8;

bool is_from(const Vm& vm, std::string_view source) {
  return std::ranges::find(vm.sources, source) != vm.sources.end();
}

/// Cores that belong to one VM's vCPUs alone.
CpuSet dedicated_cpus(const Host& host) {
  CpuSet cpus;
  for (const auto& vm : host.vms) {
    for (const auto& vcpu : vm.vcpus) {
      cpus |= runs(vm) && vcpu.dedicated && vcpu.cpus ? *vcpu.cpus : CpuSet{};
    }
  }
  return cpus;
}

/// Cores of other VMs that a vCPU may come to run on.
CpuSet trespass(const Host& host, const Vm& vm, const CpuSet& dedicated) {
  CpuSet cpus;
  for (const auto& vcpu : vm.vcpus) {
    cpus |= !vcpu.pinned && vcpu.cpus ? *vcpu.cpus & dedicated : CpuSet{};
  }
  // The scheduler puts no thread on an isolated CPU by itself.
  return cpus - host.topology.isolated - pins_of(vm);
}

/// What is said of VMs whose vCPUs float.
struct Floating {
  std::vector<std::string> lines;
  std::vector<const Vm*> vms;
  CpuSet over;  ///< Cores of pinned vCPUs that they may come to run on.
};

Floating floating_vms(const DiagnosisInput& input) {
  const auto dedicated = dedicated_cpus(input.host);
  Floating found;
  for (const auto& vm : input.host.vms) {
    const auto over = trespass(input.host, vm, dedicated);
    const bool known =
        std::ranges::any_of(vm.vcpus, [](const Vcpu& vcpu) { return !vcpu.pinned && vcpu.cpus; });
    if (!runs(vm) || !known || (vm.devices.empty() && over.empty()) ||
        !selects(input.plan.policy.vms, vm.name)) {
      continue;
    }
    found.vms.push_back(&vm);
    found.over |= over;
    found.lines.push_back(fmt::format(
        "{}: {} of {} vCPUs not pinned{}{}",
        printable(vm.name),
        std::ranges::count(vm.vcpus, false, &Vcpu::pinned),
        vm.vcpus.size(),
        vm.devices.empty()
            ? ""
            : fmt::format(", {} device{}", vm.devices.size(), vm.devices.size() == 1 ? "" : "s"),
        over.empty() ? "" : fmt::format(", may run on {}", over.to_list())));
  }
  return found;
}

/// The vCPUs' threads; none if one of them is unknown.
std::vector<int> vcpu_threads(const Vm& vm) {
  std::vector<int> threads;
  for (const auto& vcpu : vm.vcpus) {
    if (!vcpu.tid) {
      return {};
    }
    threads.push_back(*vcpu.tid);
  }
  return threads;
}

/// For VMs that no manager pins.
std::string pin_threads(const std::vector<const Vm*>& vms) {
  constexpr std::size_t kFew = 8;
  const auto threads = vms.size() == 1 ? vcpu_threads(*vms.front()) : std::vector<int>{};
  return fmt::format(
      "without libvirt, while it runs: taskset -cp CPULIST TID for each vCPU's thread ({})",
      threads.empty() || threads.size() > kFew ? "irqtune show vms --json: tid"
                                               : fmt::format("{}", fmt::join(threads, ", ")));
}

/// How each kind of VM is pinned, for the kinds that are there.
std::vector<std::string> pin_steps(const std::vector<const Vm*>& vms, const std::string& free) {
  const auto any = [&](std::string_view source) {
    return std::ranges::any_of(vms, [&](const Vm* vm) { return is_from(*vm, source); });
  };
  const bool others = std::ranges::any_of(
      vms, [](const Vm* vm) { return !is_from(*vm, "libvirt") && !is_from(*vm, "proxmox"); });
  const auto name = vms.size() == 1 ? shell_word(vms.front()->name) : std::string("VM");
  std::vector<std::string> steps;
  if (any("libvirt")) {
    steps.push_back(fmt::format("each vCPU: virsh vcpupin {} VCPU CPULIST --live --config", name));
  }
  if (any("proxmox")) {
    steps.emplace_back("Proxmox, one list for all threads: qm set VMID --affinity CPULIST");
  }
  if (others) {
    steps.push_back(pin_threads(vms));
  }
  if (!free.empty()) {
    steps.push_back(fmt::format("not yet taken: {}", free));
  }
  return steps;
}

void find_unpinned(const DiagnosisInput& input, std::vector<Finding>& findings) {
  auto found = floating_vms(input);
  if (found.vms.empty()) {
    return;
  }
  const bool over = !found.over.empty();
  auto finding = make_finding(
      "vm-unpinned",
      over ? Severity::warning : Severity::info,
      over ? fmt::format("vCPUs that are not pinned may run on cores of pinned ones ({})",
                         short_list(found.over))
           : fmt::format("{} VM{} with passed-through devices run{} on no core of its own",
                         found.vms.size(),
                         found.vms.size() == 1 ? "" : "s",
                         found.vms.size() == 1 ? "s" : ""));
  finding.cost = over ? "the pinned vCPU waits while the other runs"
                      : "no core can be kept clear of interrupts for it";
  finding.remedy = pin_steps(found.vms, input.plan.housekeeping.to_list());
  finding.evidence = std::move(found.lines);
  shorten(finding.evidence, kMostEvidence);
  for (const auto* vm : found.vms) {
    finding.vms.push_back(vm->name);
  }
  finding.cpus = found.over;
  findings.push_back(std::move(finding));
}

/// One of the VMM's own threads that may run where vCPUs run.
struct OwnThread {
  std::string name;  ///< "emulator", "iothread 1"
  std::string id;    ///< Of an I/O thread in libvirt, "1"; empty for the emulator.
  CpuSet cpus;
  CpuSet over;  ///< vCPUs' cores among them.
};

std::vector<OwnThread> threads_over(const Host& host, const Vm& vm, const CpuSet& dedicated) {
  std::vector<OwnThread> threads;
  const auto add = [&](std::string name, std::string id, const std::optional<CpuSet>& cpus) {
    if (!cpus) {
      return;
    }
    const auto inside = dedicated.contains_all(*cpus);
    const auto over = inside ? *cpus : (*cpus & dedicated) - host.topology.isolated;
    if (!over.empty()) {
      threads.push_back({std::move(name), std::move(id), *cpus, over});
    }
  };
  add("emulator", {}, vm.emulator);
  for (const auto& thread : vm.iothreads) {
    auto id = printable(thread.id);  // A thread's name has it as "iothread1".
    id.erase(0, std::min(id.find_first_of("0123456789"), id.size()));
    const bool named = thread.id.starts_with("iothread");
    add(named ? printable(thread.id) : fmt::format("iothread {}", printable(thread.id)),
        std::move(id),
        thread.cpus);
  }
  return threads;
}

/// The fragment for `virsh edit`, and the commands that do the same.
std::vector<std::string> pin_in_libvirt(const Vm& vm,
                                        const std::vector<OwnThread>& threads,
                                        const std::string& cpus) {
  const auto name = shell_word(vm.name);
  std::vector<std::string> lines = {fmt::format("in <cputune>, virsh edit {}:", name), "<cputune>"};
  std::vector<std::string> commands;
  for (const auto& thread : threads) {
    if (thread.id.empty()) {
      lines.push_back(fmt::format("  <emulatorpin cpuset='{}'/>", cpus));
      commands.push_back(fmt::format("virsh emulatorpin {} {} --live", name, cpus));
    } else {
      lines.push_back(fmt::format("  <iothreadpin iothread='{}' cpuset='{}'/>", thread.id, cpus));
      commands.push_back(fmt::format("virsh iothreadpin {} {} {} --live", name, thread.id, cpus));
    }
  }
  lines.emplace_back("</cputune>");
  lines.emplace_back("and at once:");
  lines.push_back(fmt::format("{}", fmt::join(commands, "; ")));
  return lines;
}

/// Every thread but the vCPUs', where no libvirt knows them. By number: not every VMM names its
/// threads as QEMU does, and QEMU not always.
std::vector<std::string> pin_by_hand(const Vm& vm, const std::string& cpus) {
  const auto vcpus = vcpu_threads(vm);
  if (!vm.pid || vcpus.empty()) {
    return {fmt::format("pin the own threads of {} to {}", printable(vm.name), cpus)};
  }
  return {fmt::format("{}, while it runs, every thread but the vCPUs':", printable(vm.name)),
          fmt::format("ls /proc/{}/task | grep -vxE '{}' | xargs -n1 taskset -cp {}",
                      *vm.pid,
                      fmt::join(vcpus, "|"),
                      cpus)};
}

/// Of one VM, its own threads on cores of vCPUs.
struct Intruder {
  const Vm* vm = nullptr;
  std::vector<OwnThread> threads;
};

/// Nowhere else to go: it runs there each time it runs. In a pool the scheduler finds it a place.
bool is_confined(const Intruder& intruder) {
  const bool pool = std::ranges::all_of(
      intruder.vm->vcpus, [](const Vcpu& vcpu) { return vcpu.cpus && vcpu.cpus->size() > 1; });
  return !pool && std::ranges::any_of(intruder.threads, [](const OwnThread& thread) {
    return thread.over == thread.cpus;
  });
}

std::vector<Intruder> find_intruders(const DiagnosisInput& input) {
  const auto dedicated = dedicated_cpus(input.host);
  std::vector<Intruder> intruders;
  for (const auto& vm : input.host.vms) {
    auto threads = threads_over(input.host, vm, dedicated);
    // Of a VM that floats as a whole, vm-unpinned speaks.
    if (runs(vm) && is_pinned(vm) && !threads.empty() && selects(input.plan.policy.vms, vm.name)) {
      intruders.push_back({&vm, std::move(threads)});
    }
  }
  return intruders;
}

void add_remedy(const DiagnosisInput& input,
                const std::vector<Intruder>& intruders,
                std::vector<std::string>& remedy) {
  constexpr std::size_t kShown = 4;
  for (std::size_t i = 0; i < std::min(kShown, intruders.size()); ++i) {
    const auto& [vm, threads] = intruders[i];
    const auto target = housekeeping_near(input, *vm);
    if (target.empty()) {
      remedy = {"no CPU is left for them: see no-housekeeping-cpu"};
      return;
    }
    auto steps = is_from(*vm, "libvirt") ? pin_in_libvirt(*vm, threads, target.to_list())
                                         : pin_by_hand(*vm, target.to_list());
    std::ranges::move(steps, std::back_inserter(remedy));
  }
  if (intruders.size() > kShown) {
    remedy.push_back(
        fmt::format("likewise for {} more (--vm NAME prints it)", intruders.size() - kShown));
  }
}

/// "db1", "db1, db2", "16 VMs"
std::string names_text(const std::vector<std::string>& names) {
  constexpr std::size_t kFew = 3;
  return names.size() <= kFew ? printable(fmt::format("{}", fmt::join(names, ", ")))
                              : fmt::format("{} VMs", names.size());
}

/// What a kind of thread may do, and the VMs with such threads.
struct SharedLine {
  std::string text;
  std::vector<std::string> vms;
};

void add_to_line(const std::string& text, const std::string& vm, std::vector<SharedLine>& lines) {
  const auto same = std::ranges::find(lines, text, &SharedLine::text);
  auto& line = same != lines.end() ? *same : lines.emplace_back(SharedLine{text, {}});
  line.vms.push_back(vm);
}

/// A line for each kind of thread and where it may run, with whose it is.
std::vector<std::string> evidence_of(const std::vector<Intruder>& intruders) {
  std::vector<SharedLine> lines;
  for (const auto& [vm, threads] : intruders) {
    for (const auto& thread : threads) {
      add_to_line(fmt::format("{} may run on {}, vCPUs on {}",
                              thread.name,
                              thread.cpus.to_list(),
                              short_list(thread.over)),
                  vm->name,
                  lines);
    }
  }
  std::vector<std::string> texts;
  texts.reserve(lines.size());
  for (const auto& [text, names] : lines) {
    texts.push_back(fmt::format("{}: {}", names_text(names), text));
  }
  shorten(texts, kMostEvidence);
  return texts;
}

void find_emulators(const DiagnosisInput& input, std::vector<Finding>& findings) {
  const auto intruders = find_intruders(input);
  if (intruders.empty()) {
    return;
  }
  auto finding =
      make_finding("emulator-on-vcpu",
                   std::ranges::any_of(intruders, is_confined) ? Severity::warning : Severity::info,
                   {});
  for (const auto& [vm, threads] : intruders) {
    finding.vms.push_back(vm->name);
    for (const auto& thread : threads) {
      finding.cpus |= thread.over;
    }
  }
  finding.title = fmt::format("own threads of {} (emulator, I/O) may run on cores of vCPUs ({})",
                              names_text(finding.vms),
                              short_list(finding.cpus));
  finding.cost = "the vCPU waits while QEMU's main loop or an I/O thread runs on its core";
  finding.evidence = evidence_of(intruders);
  add_remedy(input, intruders, finding.remedy);
  findings.push_back(std::move(finding));
}

/// CPUs between which the scheduler moves nothing.
CpuSet unbalanced_cpus(const Topology& topology) {
  auto cpus = topology.isolated;
  for (const auto& partition : topology.partitions) {
    cpus |= partition.cpus;
  }
  return cpus;
}

/// The vCPUs of a VM that share several isolated CPUs with each other.
std::vector<const Vcpu*> piled_up(const Vm& vm, const CpuSet& unbalanced, const CpuSet& online) {
  std::vector<const Vcpu*> piled;
  for (const auto& vcpu : vm.vcpus) {
    const auto at = vcpu.cpus ? *vcpu.cpus & online : CpuSet{};
    if (vcpu.pinned && at.size() > 1 && unbalanced.contains_all(at)) {
      piled.push_back(&vcpu);
    }
  }
  const bool shared = std::ranges::any_of(piled, [&](const Vcpu* one) {
    return std::ranges::count_if(
               piled, [&](const Vcpu* other) { return other->cpus->intersects(*one->cpus); }) > 1;
  });
  return shared ? piled : std::vector<const Vcpu*>{};
}

/// A CPU for each vCPU, as a shell's loop; empty if there are not enough.
std::string spread_command(const Vm& vm, const std::vector<const Vcpu*>& piled) {
  std::string pairs;
  CpuSet taken;
  const bool libvirt = is_from(vm, "libvirt");
  for (const auto* vcpu : piled) {
    const auto cpu = (*vcpu->cpus - taken).first();
    if (!cpu || (!libvirt && !vcpu->tid)) {
      return {};
    }
    taken.insert(*cpu);
    pairs += fmt::format(" {}:{}", libvirt ? vcpu->id : *vcpu->tid, *cpu);
  }
  return libvirt ? fmt::format(
                       "for p in{}; do virsh vcpupin {} ${{p%:*}} ${{p#*:}} --live --config; done",
                       pairs,
                       shell_word(vm.name))
                 : fmt::format("for p in{}; do taskset -cp ${{p#*:}} ${{p%:*}}; done", pairs);
}

void find_isolated_pools(const DiagnosisInput& input, std::vector<Finding>& findings) {
  const auto& topology = input.host.topology;
  const auto unbalanced = unbalanced_cpus(topology);
  for (const auto& vm : input.host.vms) {
    const auto piled =
        runs(vm) ? piled_up(vm, unbalanced, topology.online) : std::vector<const Vcpu*>{};
    if (piled.empty() || !selects(input.plan.policy.vms, vm.name)) {
      continue;
    }
    auto finding = make_finding(
        "vcpu-pool-isolated",
        Severity::warning,
        fmt::format("{} vCPUs of {} share isolated CPUs, between which the scheduler moves nothing",
                    piled.size(),
                    printable(vm.name)));
    finding.cost = "they pile up on one CPU while the others of the list idle";
    for (const auto* vcpu : piled) {
      finding.cpus |= *vcpu->cpus;
    }
    finding.evidence = {fmt::format("vCPU {} and others may run on {} ({})",
                                    piled.front()->id,
                                    piled.front()->cpus->to_list(),
                                    piled.front()->source),
                        fmt::format("isolated from load balancing: {}", unbalanced.to_list())};
    if (auto command = spread_command(vm, piled); !command.empty()) {
      finding.remedy = {"pin each to one CPU of the list:", std::move(command)};
    }
    finding.remedy.emplace_back(
        finding.remedy.empty()
            ? "take domain off isolcpus= (managed_irq alone is right for a pool), or use a cpuset "
              "partition of type root"
            : "or take domain off isolcpus= (managed_irq alone is right for a pool)");
    finding.vms = {vm.name};
    findings.push_back(std::move(finding));
  }
}

}  // namespace

void find_vm_threads(const DiagnosisInput& input, std::vector<Finding>& findings) {
  find_unpinned(input, findings);
  find_emulators(input, findings);
  find_isolated_pools(input, findings);
}

}  // namespace irqtune::diagnosis
