// SPDX-License-Identifier: Apache-2.0
#include "watch/events/surroundings.h"

#include "irqtune/apply/watch_status.h"
#include "irqtune/core/handler_threads.h"
#include "irqtune/core/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <iterator>
#include <numeric>

#include <sched.h>

#include "watch/vectors.h"

namespace irqtune {

namespace {

constexpr auto kKvmDir = "/sys/kernel/debug/kvm";

/// Where the thread may run; empty text if it is gone.
std::string allowed(const Sysfs& sysfs, int pid, int tid) {
  if (sysfs.live()) {
    std::array<cpu_set_t, CpuSet::kMaxCpus / CPU_SETSIZE> set{};
    const bool known = ::sched_getaffinity(tid, sizeof(set), set.data()) == 0;
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): its bytes, to be compared
    const std::string_view bytes(reinterpret_cast<const char*>(set.data()), sizeof(set));
    return known ? std::string(bytes.substr(0, bytes.find_last_not_of('\0') + 1)) : std::string();
  }
  const auto status = sysfs.read(fmt::format("/proc/{}/task/{}/status", pid, tid)).value_or("");
  for (const auto line : split(status, '\n')) {
    if (line.starts_with("Cpus_allowed_list:")) {
      return std::string(line);
    }
  }
  return {};
}

/// Where a handler's thread may run; empty text if it is bound to one CPU, as the kernel has it.
std::string allowed_if_free(const Sysfs& sysfs, int tid) {
  auto text = allowed(sysfs, tid, tid);
  const auto bits = [](int sum, char c) {
    return sum + std::popcount(static_cast<unsigned char>(c));
  };
  const bool several = sysfs.live() ? std::accumulate(text.begin(), text.end(), 0, bits) > 1
                                    : text.find_first_of(",-") != std::string::npos;
  return several ? text : std::string();
}

/// A name that a VMM's main thread has: "qemu-system-x86", "kvm" of Proxmox, ...
bool is_vmm(std::string_view comm) {
  constexpr std::array kNames = {"qemu", "kvm", "cloud-hyperviso", "firecracker", "crosvm", "lkvm"};
  return std::ranges::any_of(kNames, [&](auto name) { return comm.starts_with(name); });
}

}  // namespace

std::vector<std::string> vm_directories() {
  return {"/run/libvirt/qemu",
          "/etc/libvirt/qemu",
          "/run/qemu-server",
          "/etc/pve/qemu-server",
          "/sys/fs/cgroup/machine.slice",
          "/sys/fs/cgroup/qemu.slice",
          "/sys/fs/cgroup/machine"};
}

void Surroundings::note(const Host& host) {
  threads_.clear();
  for (const auto& vm : host.vms) {
    if (!vm.pid) {
      continue;
    }
    processes_[*vm.pid] = true;
    for (const auto& vcpu : vm.vcpus) {
      threads_.emplace_back(*vm.pid, vcpu.tid.value_or(*vm.pid));
    }
  }
  note_handlers(host);
  for (const auto& user : host.vfio_users) {
    processes_[user.pid] = true;
  }
  last_ = text();
}

void Surroundings::note_handlers(const Host& host) {
  handlers_.clear();
  for (const auto& vm : host.vms) {
    auto handlers = vm.threads;
    std::erase_if(handlers, [](const OwnThread& one) { return !irq_of_thread(one.name); });
    std::ranges::transform(handlers, std::back_inserter(handlers_), &OwnThread::tid);
  }
}

bool Surroundings::changed() {
  auto now = text();
  const bool other = now != last_;
  last_ = std::move(now);
  return other;
}

std::string Surroundings::text() {
  return sysfs_.read("/sys/devices/system/cpu/online").value_or("") + '\n' + devices() + '\n' +
         machines() + '\n' + threads() + free_handlers();
}

std::string Surroundings::devices() const {
  if (sysfs_.live()) {
    return fmt::format("{} {}",
                       fmt::join(sysfs_.list("/sys/class/vfio-dev"), " "),
                       fmt::join(sysfs_.list("/sys/bus/pci/drivers/vfio-pci"), " "));
  }
  std::string text;
  for (const auto& device : sysfs_.list("/sys/bus/pci/devices")) {
    const auto driver = sysfs_.link_name(fmt::format("/sys/bus/pci/devices/{}/driver", device));
    text += driver ? fmt::format("{} {} ", device, *driver) : "";
  }
  return text;
}

/// KVM's own list of VMs where debugfs has it; else the processes, of which only new ones are
/// looked at, and not more at a time than costs little.
std::string Surroundings::machines() {
  constexpr std::size_t kMostNew = 256;
  auto text = fmt::format("{}", fmt::join(sysfs_.list(kKvmDir), " "));
  std::map<int, bool> processes;
  std::size_t looked = 0;
  const bool told = sysfs_.live() && !text.empty();
  for (const auto& name : told ? std::vector<std::string>{} : sysfs_.list("/proc")) {
    const auto pid = is_digit(name.front()) ? parse_number<int>(name) : std::nullopt;
    const auto before = pid ? processes_.find(*pid) : processes_.end();
    if (pid && before != processes_.end()) {
      processes.insert(*before);
    } else if (pid && ++looked <= kMostNew) {
      processes[*pid] = is_vmm(sysfs_.read(fmt::format("/proc/{}/comm", name)).value_or(""));
    }
  }
  if (!told) {
    processes_ = std::move(processes);
  }
  std::erase_if(processes_, [&](const auto& process) {
    const auto& [pid, counts] = process;
    const auto started = counts ? process_started(sysfs_, pid) : std::nullopt;
    text += started ? fmt::format(" {}={}", pid, *started) : "";
    return counts && !started;
  });
  return text;
}

bool Surroundings::has_free_handlers() const {
  return !free_handlers().empty();
}

std::string Surroundings::free_handlers() const {
  std::string text;
  for (const int tid : handlers_) {
    const auto cpus = allowed_if_free(sysfs_, tid);
    text += cpus.empty() ? cpus : fmt::format("{}={}\n", tid, cpus);
  }
  return text;
}

std::string Surroundings::threads() const {
  std::string text;
  for (const auto& [pid, tid] : threads_) {
    text += allowed(sysfs_, pid, tid) + '\n';
  }
  return text;
}

}  // namespace irqtune
