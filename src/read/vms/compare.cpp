// SPDX-License-Identifier: Apache-2.0
#include "read/vms/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

namespace irqtune {

namespace {

std::string where(const VmFound& written) {
  return fmt::format(" ({})", written.path);
}

/// A pin as written and what the thread may do instead, as lists.
using Difference = std::pair<std::string, std::string>;

/// What the CPU lists of both sides are held against.
struct Rules {
  CpuSet online;      ///< Empty if unknown.
  bool pool = false;  ///< What is written is where all threads may run, and none need run on all.
};

/// Empty optional if they agree, or if one of them is not known.
std::optional<Difference> difference(const std::optional<CpuSet>& written,
                                     const std::optional<CpuSet>& running,
                                     const Rules& rules) {
  if (!written || !running) {
    return std::nullopt;
  }
  const auto& online = rules.online;
  const auto effective = online.empty() ? *running : *running & online;
  const auto wanted = online.empty() ? *written : *written & online;
  // A pin to offline CPUs only is one the kernel cannot keep.
  if (effective == wanted || (rules.pool && wanted.contains_all(effective))) {
    return std::nullopt;
  }
  return Difference{written->to_list(), effective.to_list()};
}

/// vCPUs by what is written of them and what they do instead.
using VcpuGroups = std::map<Difference, CpuSet>;

std::string group_text(const CpuSet& ids, std::string_view noun) {
  return fmt::format("{}{} {}", noun, ids.size() > 1 ? "s" : "", ids.to_list());
}

/// One line for a VM that runs somewhere else altogether.
std::string summary_text(const VcpuGroups& groups) {
  constexpr std::size_t kShown = 2;
  std::size_t count = 0;
  std::vector<std::string> shown;
  for (const auto& [differs, ids] : groups) {
    count += ids.size();
    if (shown.size() < kShown) {
      shown.push_back(
          fmt::format("{} to {}, not {}", group_text(ids, "vCPU"), differs.first, differs.second));
    }
  }
  return fmt::format("pins {} vCPUs to other CPUs than their threads may run on: {}; and so on",
                     count,
                     fmt::join(shown, "; "));
}

void compare_vcpus(const Vm& running,
                   const VmFound& written,
                   const Rules& rules,
                   std::vector<std::string>& texts) {
  constexpr std::size_t kLines = 3;
  VcpuGroups groups;
  for (const auto& vcpu : written.vm.vcpus) {
    const auto thread = std::ranges::find(running.vcpus, vcpu.id, &Vcpu::id);
    if (thread == running.vcpus.end()) {
      continue;
    }
    if (const auto differs = difference(vcpu.cpus, thread->cpus, rules)) {
      groups[*differs].insert(vcpu.id);
    }
  }
  const auto who = fmt::format("{}: {} ", running.name, written.vm.sources.front());
  if (groups.size() > kLines) {
    texts.push_back(who + summary_text(groups));
    return;
  }
  for (const auto& [differs, ids] : groups) {
    texts.push_back(fmt::format("{}pins {} to {}, the {} may run on {}",
                                who,
                                group_text(ids, "vCPU"),
                                differs.first,
                                ids.size() > 1 ? "threads" : "thread",
                                differs.second));
  }
}

CpuSet ids_of(const Vm& vm) {
  CpuSet ids;
  for (const auto& vcpu : vm.vcpus) {
    ids.insert(vcpu.id);
  }
  return ids;
}

void compare_counts(const Vm& running, const VmFound& written, std::vector<std::string>& texts) {
  const auto threads = ids_of(running);
  const auto ids = ids_of(written.vm);
  if (threads != ids && !threads.empty()) {
    texts.push_back(fmt::format("{}: {} gives it vCPUs {}, it runs {}",
                                running.name,
                                written.vm.sources.front(),
                                ids.to_list(),
                                threads.to_list()));
  }
}

void compare_others(const Vm& running,
                    const VmFound& written,
                    const Rules& rules,
                    std::vector<std::string>& texts) {
  const auto& source = written.vm.sources.front();
  if (const auto differs = difference(written.vm.emulator, running.emulator, rules)) {
    texts.push_back(fmt::format("{}: {} pins its emulator to {}, the main thread may run on {}",
                                running.name,
                                source,
                                differs->first,
                                differs->second));
  }
  for (const auto& iothread : written.vm.iothreads) {
    const auto thread = std::ranges::find(running.iothreads, iothread.id, &IoThread::id);
    const auto differs = thread != running.iothreads.end()
                             ? difference(iothread.cpus, thread->cpus, rules)
                             : std::nullopt;
    if (differs) {
      texts.push_back(fmt::format("{}: {} pins {} to {}, the thread may run on {}",
                                  running.name,
                                  source,
                                  iothread.id,
                                  differs->first,
                                  differs->second));
    }
  }
}

void compare_devices(const Vm& running, const VmFound& written, std::vector<std::string>& texts) {
  const auto& source = written.vm.sources.front();
  const auto has = [](const Vm& vm, const PciAddress& address) {
    return std::ranges::find(vm.devices, address) != vm.devices.end();
  };
  for (const auto& device : written.vm.devices) {
    if (!has(running, device)) {
      texts.push_back(fmt::format("{}: {} gives it {}, its process does not hold it",
                                  running.name,
                                  source,
                                  device.to_string()));
    }
  }
  for (const auto& device : running.devices) {
    if (written.devices_known && !has(written.vm, device)) {
      texts.push_back(fmt::format("{}: its process holds {}, {} does not list it",
                                  running.name,
                                  device.to_string(),
                                  source));
    }
  }
}

}  // namespace

void compare(const VmFound& running,
             const VmFound& written,
             const CpuSet& online,
             Differences& differences) {
  const Rules rules{online, written.common_mask};
  std::vector<std::string> texts;
  compare_vcpus(running.vm, written, rules, texts);
  compare_counts(running.vm, written, texts);
  compare_others(running.vm, written, rules, texts);
  if (running.devices_known) {
    compare_devices(running.vm, written, texts);
  }
  for (const auto& text : texts) {
    if (differences.said.insert(text).second) {
      differences.warnings.push_back(text + where(written));
    }
  }
}

}  // namespace irqtune
