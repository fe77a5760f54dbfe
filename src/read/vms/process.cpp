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

/// The PID that a vhost thread of the kernel works for: "vhost-900". Since 6.4 it is a thread of
/// the VM itself, unless the kernel was told otherwise.
std::optional<int> vhost_owner(std::string_view comm) noexcept {
  constexpr std::string_view kPrefix = "vhost-";
  return comm.starts_with(kPrefix) ? parse_number<int>(comm.substr(kPrefix.size())) : std::nullopt;
}

std::string_view program_of(std::string_view cmdline) noexcept {
  const auto path = take_until(cmdline, '\0');
  return path.substr(path.rfind('/') + 1);
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
      } else if (const auto owner = vhost_owner(*comm)) {
        vhosts_[*owner].push_back(*pid);
      } else if (looks_like_vmm(*pid, *comm)) {
        result_.vmms.insert(*pid);
      } else if (runs_guest(*pid)) {
        found.insert(*pid);
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

  /// By its comm, or by its program where it was given another name (-name process=).
  [[nodiscard]] bool looks_like_vmm(int pid, std::string_view comm) const {
    if (vmm_of_comm(comm) != nullptr || vcpu_of_thread(comm)) {
      return true;
    }
    const auto cmdline = sysfs_.read_file(fmt::format("/proc/{}/cmdline", pid)).text.value_or("");
    return vmm_of_program(program_of(cmdline)) != nullptr;
  }

  /// True of a process of whatever name that holds a VM or, where its descriptors may not be seen,
  /// whose threads say so.
  [[nodiscard]] bool runs_guest(int pid) const {
    std::error_code error;
    for (const auto& [fd, target] : sysfs_.links(fmt::format("/proc/{}/fd", pid), &error)) {
      if (target == "anon_inode:kvm-vm" || target.starts_with("anon_inode:kvm-vcpu:")) {
        return true;
      }
    }
    return error && has_vcpus(pid);
  }

  /// True if a thread is called as a vCPU's, or some but the main one have run a guest.
  [[nodiscard]] bool has_vcpus(int pid) const {
    const auto tids = sysfs_.list(fmt::format("/proc/{}/task", pid));
    const bool named = std::ranges::any_of(tids, [&](const std::string& tid) {
      const auto comm = sysfs_.read(fmt::format("/proc/{}/task/{}/comm", pid, tid));
      return comm && vcpu_of_thread(*comm);
    });
    return named || thread_ran(sysfs_, pid);
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
      note_closed(pid, comm, threads);
      return false;
    }
    const auto command = parse_vmm_command(*cmdline, *comm);
    const auto tids = hints_.vcpu_tids.find(pid);
    const int count =
        held.vcpus.empty() ? command.vcpus.value_or(0) : static_cast<int>(held.vcpus.size());
    VmFound found;
    auto& vm = found.vm;
    vm.vcpus = named_vcpus(
        threads, tids != hints_.vcpu_tids.end() ? tids->second : std::map<int, int>{}, count);
    const bool has_run = held.error && thread_ran(sysfs_, pid);
    const bool emulates = command.qemu && (held.error || threads.size() > 1);  // By TCG
    const bool may_run = held.kvm_vm || !held.vcpus.empty() || emulates || has_run;
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
      auto unnamed = unnamed_vcpus(sysfs_, pid, threads, count);
      vm.vcpus = std::move(unnamed.vcpus);
      vm.unsure_vcpus = std::move(unnamed.unsure);
    }
    vm.pid = pid;
    vm.sources = {"process"};
    vm.uuid = printable(command.uuid);
    vm.iothreads = find_iothreads(threads, command.iothreads);
    vm.threads = find_own_threads(vm, threads);
    add_vhosts(vm);
    found.closed = held.error == std::errc::permission_denied;
    found.held_vfio = !held.groups.empty() || !held.exact.empty() || held.device_fds > 0;
    found.started = started_at(sysfs_, pid);
    vm.uid = uid_of(sysfs_, pid);
    const auto main = std::ranges::find(threads, pid, &Thread::tid);
    vm.emulator = main != threads.end() ? main->allowed : std::nullopt;
    found.vmid = command.vmid;
    found.live = true;
    set_name(found, command, *comm);
    set_devices(found, held, command);
    add_vdpa(vm, held, command);
    result_.vms.push_back(std::move(found));
    return true;
  }

  /// Where a VMM's name is seen and nothing can be looked into.
  void note_closed(int pid,
                   const std::optional<std::string>& comm,
                   const std::vector<Thread>& threads) {
    if (comm && vmm_of_comm(*comm) != nullptr && sysfs_.exists(fmt::format("/proc/{}/task", pid)) &&
        (threads.empty() || !threads.front().comm.empty())) {
      std::error_code error;
      static_cast<void>(sysfs_.list(fmt::format("/proc/{}/task", pid), &error));
      const auto cmdline = sysfs_.read_file(fmt::format("/proc/{}/cmdline", pid));
      if (error == std::errc::permission_denied || cmdline.error == std::errc::permission_denied) {
        result_.warnings.push_back(fmt::format(
            "process {} ({}) looks like a VM, and may not be looked into: its vCPUs are "
            "not protected (run as root)",
            pid,
            printable(*comm)));
      }
    }
  }

  /// Kernel threads that serve the VM's queues.
  void add_vhosts(Vm& vm) const {
    const auto found = vhosts_.find(*vm.pid);
    if (found == vhosts_.end()) {
      return;
    }
    for (const int pid : found->second) {
      for (const auto& thread : read_threads(sysfs_, pid)) {
        vm.threads.push_back({thread.tid, printable(thread.comm), thread.allowed});
      }
    }
  }

  /// The devices behind nodes of vhost-vdpa.
  void add_vdpa(Vm& vm, const VfioHeld& held, const VmmCommand& command) {
    auto nodes = held.vdpa;
    if (held.error) {
      nodes.insert(command.vdpa.begin(), command.vdpa.end());
    }
    for (const auto& node : nodes) {
      if (const auto address = device_of_vdpa(sysfs_, node, devices_)) {
        vm.devices.push_back(*address);
        result_.vdpa_devices.insert(*address);
        held_.insert(*address);
      }
    }
    sort_unique(vm.devices);
  }

  static void set_name(VmFound& found, const VmmCommand& command, std::string_view comm) {
    auto name = command.name;
    found.named = !name.empty();
    if (!found.named && command.vmid) {
      name = fmt::format("vm{}", *command.vmid);
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
  std::map<int, std::vector<int>> vhosts_;      // PID -> kernel threads
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
