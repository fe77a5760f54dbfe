// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/handler_threads.h"
#include "irqtune/core/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "diagnose/parts.h"

namespace irqtune::diagnosis {

namespace {

/// One of the VMM's own threads that may run where vCPUs run.
struct Trespasser {
  std::string name;  ///< "emulator", "iothread 1", "_disk0_q0"
  std::string id;    ///< Of an I/O thread in libvirt, "1"; empty for the others.
  CpuSet cpus;
  CpuSet over;  ///< vCPUs' cores among them.
  std::optional<int> tid;
  bool emulator = false;
};

std::vector<Trespasser> threads_over(const Host& host, const Vm& vm, const CpuSet& dedicated) {
  std::vector<Trespasser> threads;
  const auto add = [&](Trespasser thread, const std::optional<CpuSet>& cpus) {
    if (!cpus) {
      return;
    }
    const auto inside = dedicated.contains_all(*cpus);
    thread.over = inside ? *cpus : (*cpus & dedicated) - host.topology.isolated;
    thread.cpus = *cpus;
    if (!thread.over.empty()) {
      threads.push_back(std::move(thread));
    }
  };
  add({"emulator", {}, {}, {}, vm.pid, true}, vm.emulator);
  for (const auto& thread : vm.iothreads) {
    auto id = printable(thread.id);  // A thread's name has it as "iothread1".
    id.erase(0, std::min(id.find_first_of("0123456789"), id.size()));
    const bool named = thread.id.starts_with("iothread");
    add({named ? printable(thread.id) : fmt::format("iothread {}", printable(thread.id)),
         std::move(id),
         {},
         {},
         thread.tid,
         false},
        thread.cpus);
  }
  for (const auto& thread : vm.threads) {
    // What the main thread made goes with it; of handlers irq-thread-on-vcpu speaks.
    if (thread.cpus != vm.emulator && !irq_of_thread(thread.name)) {
      add({printable(thread.name), {}, {}, {}, thread.tid, false}, thread.cpus);
    }
  }
  return threads;
}

/// The fragment for `virsh edit`, and the commands that do the same.
std::vector<std::string> pin_in_libvirt(const Vm& vm,
                                        const std::vector<Trespasser>& threads,
                                        const std::string& cpus) {
  const auto name = shell_word(vm.name);
  std::vector<std::string> lines = {fmt::format("in <cputune>, virsh edit {}:", name), "<cputune>"};
  std::vector<std::string> commands;
  for (const auto& thread : threads) {
    if (thread.id.empty() && !thread.emulator) {
      continue;  // libvirt pins it with the emulator.
    }
    if (thread.emulator) {
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

/// True if libvirt has a pin for one of them.
bool has_pin_in_libvirt(const std::vector<Trespasser>& threads) {
  return std::ranges::any_of(
      threads, [](const Trespasser& thread) { return thread.emulator || !thread.id.empty(); });
}

/// The threads by number: not every VMM names its threads as QEMU does, and QEMU not always. Those
/// that someone put elsewhere stay there.
std::vector<std::string> pin_by_hand(const Vm& vm,
                                     const std::vector<Trespasser>& threads,
                                     const std::string& cpus) {
  constexpr std::size_t kMost = 16;
  std::vector<int> tids;
  for (const auto& thread : threads) {
    if (thread.tid && tids.size() < kMost) {
      tids.push_back(*thread.tid);
    }
  }
  if (tids.empty()) {
    return {fmt::format("pin the own threads of {} to {}", printable(vm.name), cpus)};
  }
  return {fmt::format("{}, while it runs:", printable(vm.name)),
          fmt::format("for t in {}; do taskset -cp {} $t; done", fmt::join(tids, " "), cpus)};
}

/// What only who made the cgroup can change: no thread in it may run elsewhere.
std::string widen_cpuset(const Vm& vm) {
  const bool pod = vm.cgroup.find("kubepods") != std::string::npos;
  return fmt::format(
      "{}: its cpuset has only CPUs {}, so its own threads have nowhere else to go: {}",
      printable(vm.name),
      vm.cpuset->to_list(),
      pod ? "in KubeVirt set spec.domain.cpu.isolateEmulatorThread: true"
          : fmt::format("give {} more CPUs (AllowedCPUs= of its slice)", printable(vm.cgroup)));
}

/// Of one VM, its own threads on cores of vCPUs.
struct Intruder {
  const Vm* vm = nullptr;
  std::vector<Trespasser> threads;
};

/// Nowhere else to go: it runs there each time it runs. In a pool the scheduler finds it a place.
bool is_confined(const Intruder& intruder) {
  const bool pool = std::ranges::all_of(
      intruder.vm->vcpus, [](const Vcpu& vcpu) { return vcpu.cpus && vcpu.cpus->size() > 1; });
  return !pool && std::ranges::any_of(intruder.threads, [](const Trespasser& thread) {
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
    auto target = housekeeping_near(input, *vm);
    if (vm->cpuset && !vm->cpuset->intersects(target)) {
      remedy.push_back(widen_cpuset(*vm));
      continue;
    }
    target = vm->cpuset ? target & *vm->cpuset : target;
    if (target.empty()) {
      remedy = {"no CPU is left for them: see no-housekeeping-cpu"};
      return;
    }
    auto steps = is_from(*vm, "libvirt") && has_pin_in_libvirt(threads)
                     ? pin_in_libvirt(*vm, threads, target.to_list())
                     : pin_by_hand(*vm, threads, target.to_list());
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

}  // namespace

void find_own_threads(const DiagnosisInput& input, std::vector<Finding>& findings) {
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

}  // namespace irqtune::diagnosis
