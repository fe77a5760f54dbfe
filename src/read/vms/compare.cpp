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

/// Empty optional if they agree, or if one of them is not known.
std::optional<Difference> difference(const std::optional<CpuSet>& written,
                                     const std::optional<CpuSet>& running,
                                     const CpuSet& online) {
  if (!written || !running) {
    return std::nullopt;
  }
  const auto effective = online.empty() ? *running : *running & online;
  const auto wanted = online.empty() ? *written : *written & online;
  // A pin to offline CPUs only is one the kernel cannot keep.
  if (effective == wanted) {
    return std::nullopt;
  }
  return Difference{written->to_list(), effective.to_list()};
}

void compare_vcpus(const Vm& running,
                   const VmFound& written,
                   const CpuSet& online,
                   std::vector<std::string>& texts) {
  std::map<Difference, CpuSet> groups;
  for (const auto& vcpu : written.vm.vcpus) {
    const auto thread = std::ranges::find(running.vcpus, vcpu.id, &Vcpu::id);
    if (thread == running.vcpus.end()) {
      continue;
    }
    if (const auto differs = difference(vcpu.cpus, thread->cpus, online)) {
      groups[*differs].insert(vcpu.id);
    }
  }
  for (const auto& [differs, ids] : groups) {
    const bool one = ids.size() == 1;
    texts.push_back(fmt::format("{}: {} pins {} {} to {}, the {} may run on {}",
                                running.name,
                                written.vm.sources.front(),
                                one ? "vCPU" : "vCPUs",
                                ids.to_list(),
                                differs.first,
                                one ? "thread" : "threads",
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
                    const CpuSet& online,
                    std::vector<std::string>& texts) {
  const auto& source = written.vm.sources.front();
  if (const auto differs = difference(written.vm.emulator, running.emulator, online)) {
    texts.push_back(fmt::format("{}: {} pins its emulator to {}, the main thread may run on {}",
                                running.name,
                                source,
                                differs->first,
                                differs->second));
  }
  for (const auto& iothread : written.vm.iothreads) {
    const auto thread = std::ranges::find(running.iothreads, iothread.id, &IoThread::id);
    const auto differs = thread != running.iothreads.end()
                             ? difference(iothread.cpus, thread->cpus, online)
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
  std::vector<std::string> texts;
  compare_vcpus(running.vm, written, online, texts);
  compare_counts(running.vm, written, texts);
  compare_others(running.vm, written, online, texts);
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
