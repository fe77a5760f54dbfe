// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"
#include "irqtune/read/vms/sources.h"

#include "read/vms/sources.h"
#include "read/vms/threads.h"

#include <fmt/format.h>

#include <algorithm>

namespace irqtune {

namespace {

/// The PID that a kernel thread of KVM works for: "kvm-pit/296", "kvm-nx-lpage-recovery-296".
std::optional<int> served_pid(std::string_view comm) noexcept {
  for (const std::string_view prefix : {"kvm-pit/", "kvm-nx-lpage-recovery-"}) {
    if (comm.starts_with(prefix)) {
      return parse_number<int>(comm.substr(prefix.size()));
    }
  }
  return std::nullopt;
}

/// `comm` has at most 15 characters. "kvm" is Proxmox's and Debian's name for QEMU,
/// ".qemu-system-x8" that of NixOS, "lkvm" kvmtool's.
bool looks_like_vmm(std::string_view comm) noexcept {
  return comm.find("qemu") != std::string_view::npos || comm == "kvm" || comm == "lkvm" ||
         comm.starts_with("cloud-hyperviso") || comm == "firecracker" ||
         comm.starts_with("crosvm") || vcpu_of_thread(comm);
}

bool is_qemu(std::string_view program) noexcept {
  return program.starts_with("qemu-system-") || program == "qemu-kvm" || program == "kvm";
}

/// Reads one process after the other.
class Reader {
 public:
  Reader(const Sysfs& sysfs, const ProcessHints& hints, const std::vector<PciDevice>& devices)
      : sysfs_(sysfs), hints_(hints), devices_(devices) {}

  ProcessesRead run() {
    for (const int pid : candidates()) {
      read_vm(pid, read_held(sysfs_, pid));
    }
    find_users();
    budget_.say_left_out(result_.warnings);
    say_unreadable();
    return std::move(result_);
  }

 private:
  /// Processes that may be VMs, from one short file each.
  std::set<int> candidates() {
    std::set<int> found = hints_.pids;
    for (const auto& name : sysfs_.list("/proc")) {
      const auto pid = parse_number<int>(name);
      const auto comm = pid ? sysfs_.read("/proc/" + name + "/comm") : std::nullopt;
      if (!comm) {
        continue;
      }
      result_.pids.insert(*pid);
      if (const auto served = served_pid(*comm)) {
        found.insert(*served);
      } else if (looks_like_vmm(*comm)) {
        result_.vmms.insert(*pid);
      }
    }
    // One directory a VM, "PID-FD"; root only.
    for (const auto& name : sysfs_.list("/sys/kernel/debug/kvm")) {
      auto rest = std::string_view(name);
      if (const auto pid = parse_number<int>(take_until(rest, '-')); pid && !rest.empty()) {
        found.insert(*pid);
        kvm_directories_[*pid] = name;
      }
    }
    found.insert(result_.vmms.begin(), result_.vmms.end());
    std::erase_if(found, [&](int pid) { return !result_.pids.contains(pid); });
    return found;
  }

  /// The threads that run vCPUs, by KVM's numbers, which are APIC ids: only their order is that of
  /// the vCPUs. Empty without debugfs. Source: Linux virt/kvm/kvm_main.c,
  /// kvm_create_vcpu_debugfs(), since 6.1.
  [[nodiscard]] std::map<int, int> kvm_tids(int pid) const {
    const auto directory = kvm_directories_.find(pid);
    if (directory == kvm_directories_.end()) {
      return {};
    }
    const auto path = fmt::format("/sys/kernel/debug/kvm/{}", directory->second);
    std::map<int, int> by_id;
    for (const auto& name : sysfs_.list(path)) {
      if (!name.starts_with("vcpu")) {
        continue;
      }
      const auto id = parse_number<int>(std::string_view(name).substr(4));
      const auto text = sysfs_.read(fmt::format("{}/{}/pid", path, name)).value_or("");
      if (const auto tid = parse_number<int>(trimmed(text)); id && tid && *tid > 0) {
        by_id.emplace(*id, *tid);
      }
    }
    std::map<int, int> vcpus;
    for (const auto& [id, tid] : by_id) {
      vcpus.emplace(tid, static_cast<int>(vcpus.size()));
    }
    return vcpus;
  }

  /// Adds the process if it is a VM; one that ends meanwhile is none.
  bool read_vm(int pid, const VfioHeld& held) {
    const auto comm = sysfs_.read(fmt::format("/proc/{}/comm", pid));
    const auto cmdline = sysfs_.read_file(fmt::format("/proc/{}/cmdline", pid)).text;
    const auto threads = read_threads(sysfs_, pid);
    if (!comm || !cmdline || cmdline->empty() || threads.empty()) {
      return false;
    }
    const auto command = parse_vmm_command(*cmdline);
    const auto tids = hints_.vcpu_tids.find(pid);
    const int count =
        held.vcpus.empty() ? command.vcpus.value_or(0) : static_cast<int>(held.vcpus.size());
    VmFound found;
    auto& vm = found.vm;
    vm.vcpus = named_vcpus(
        threads, tids != hints_.vcpu_tids.end() ? tids->second : std::map<int, int>{}, count);
    const bool may_run = held.kvm_vm || !held.vcpus.empty() || is_qemu(command.program);
    const bool named = !vm.vcpus.empty();
    if (named ? !may_run && !held.error : command.probe || !may_run) {
      // qemu-img, a guest agent, a device process of crosvm; any program may name threads so.
      result_.vmms.erase(pid);
      return false;
    }
    if (vm.vcpus.empty()) {
      vm.vcpus = named_vcpus(threads, kvm_tids(pid), 0);
    }
    if (!budget_.take(std::max(vm.vcpus.size(), static_cast<std::size_t>(count)))) {
      return false;
    }
    if (vm.vcpus.empty()) {
      vm.vcpus = unnamed_vcpus(sysfs_, pid, threads, count);
    }
    vm.pid = pid;
    vm.sources = {"process"};
    vm.uuid = printable(command.uuid);
    vm.iothreads = find_iothreads(threads);
    const auto main = std::ranges::find(threads, pid, &Thread::tid);
    vm.emulator = main != threads.end() ? main->allowed : std::nullopt;
    found.vmid = command.vmid;
    found.live = true;
    set_name(found, command, *comm);
    set_devices(found, held, command);
    result_.vms.push_back(std::move(found));
    return true;
  }

  static void set_name(VmFound& found, const VmmCommand& command, std::string_view comm) {
    auto name = command.name;
    found.named = !name.empty();
    if (!found.named && command.vmid) {
      name = std::to_string(*command.vmid);
    } else if (!found.named) {
      name = fmt::format("{}-{}", command.program.empty() ? comm : command.program, *found.vm.pid);
    }
    found.vm.name = printable(name);
  }

  void set_devices(VmFound& found, const VfioHeld& held, const VmmCommand& command) {
    auto& vm = found.vm;
    found.devices_known = !held.error;
    if (held.error) {
      unreadable_.emplace_back(vm.name,
                               fmt::format("/proc/{}/fd: {}", *vm.pid, held.error.message()));
      denied_ = denied_ || held.error == std::errc::permission_denied;
      vm.devices = command.devices;
      held_.insert(vm.devices.begin(), vm.devices.end());
      return;
    }
    const auto given = hints_.devices.find(*vm.pid);
    auto likely = command.devices;
    if (given != hints_.devices.end()) {
      likely.insert(likely.end(), given->second.begin(), given->second.end());
    }
    vm.devices = held_devices(sysfs_, held, likely, devices_);
    for (const auto& told : command.devices) {
      const bool unplugged = given != hints_.devices.end() &&
                             std::ranges::find(given->second, told) == given->second.end();
      if (!unplugged && std::ranges::find(vm.devices, told) == vm.devices.end()) {
        result_.warnings.push_back(
            fmt::format("{}: its command line names {}, but process {} does not hold it",
                        vm.name,
                        told.to_string(),
                        *vm.pid));
      }
    }
    held_.insert(vm.devices.begin(), vm.devices.end());
  }

  /// True if someone, but no VM found so far, has the device open.
  [[nodiscard]] bool is_open_elsewhere(const PciDevice& device) const {
    const auto path = fmt::format("/sys/bus/pci/devices/{}/enable", device.address.to_string());
    return device.passthrough && !held_.contains(device.address) &&
           sysfs_.read(path).value_or("1") != "0";
  }

  /// Looks through the descriptors of every process, but only if a device is in use by nobody
  /// known.
  void find_users() {
    const auto is_open = [this](const PciDevice& device) { return is_open_elsewhere(device); };
    if (std::ranges::none_of(devices_, is_open)) {
      return;
    }
    std::set<int> known;
    for (const auto& found : result_.vms) {
      known.insert(*found.vm.pid);
    }
    for (const int pid : result_.pids) {
      if (known.contains(pid)) {
        continue;
      }
      const auto held = read_held(sysfs_, pid);
      if (held.error || (held.groups.empty() && held.exact.empty())) {
        continue;
      }
      const bool is_vm = (held.kvm_vm || !held.vcpus.empty()) && read_vm(pid, held);
      const auto comm = sysfs_.read(fmt::format("/proc/{}/comm", pid));
      if (!is_vm && comm) {
        result_.vfio_users.push_back(
            {pid, printable(*comm), held_devices(sysfs_, held, {}, devices_), {}});
      }
    }
  }

  void say_unreadable() {
    if (unreadable_.empty()) {
      return;
    }
    const auto& [name, why] = unreadable_.front();
    const bool several = unreadable_.size() > 1;
    result_.warnings.push_back(
        fmt::format("{}{}: {} devices are taken from the command line ({}{})",
                    name,
                    several ? fmt::format(" and {} more", unreadable_.size() - 1) : std::string{},
                    several ? "their" : "its",
                    why,
                    denied_ ? "; run as root to see what is held" : ""));
  }

  const Sysfs& sysfs_;
  const ProcessHints& hints_;
  const std::vector<PciDevice>& devices_;
  ProcessesRead result_;
  VcpuBudget budget_;
  std::map<int, std::string> kvm_directories_;  // PID -> "PID-FD"
  std::set<PciAddress> held_;
  std::vector<std::pair<std::string, std::string>> unreadable_;  // VM, why
  bool denied_ = false;
};

}  // namespace

ProcessesRead read_processes(const Sysfs& sysfs,
                             const ProcessHints& hints,
                             const std::vector<PciDevice>& devices) {
  return Reader(sysfs, hints, devices).run();
}

}  // namespace irqtune
