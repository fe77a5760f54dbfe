// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"
#include "irqtune/read/vm_sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "read/vms/sources.h"

namespace irqtune {

namespace {

struct Thread {
  int tid = 0;
  std::string comm;
  std::optional<CpuSet> allowed;
};

/// Threads of a VMM, none of which runs guest code, although some wear its name.
bool is_helper(std::string_view comm) noexcept {
  constexpr std::array<std::string_view, 8> kPrefixes = {
      "IO ", "worker", "vhost-", "kvm-", "call_rcu", "vnc_worker", "iou-", "SPICE"};
  return std::ranges::any_of(kPrefixes,
                             [&](std::string_view prefix) { return comm.starts_with(prefix); });
}

/// The PID that a kernel thread of KVM works for: "kvm-pit/296", "kvm-nx-lpage-recovery-296".
std::optional<int> served_pid(std::string_view comm) noexcept {
  for (const std::string_view prefix : {"kvm-pit/", "kvm-nx-lpage-recovery-"}) {
    if (comm.starts_with(prefix)) {
      return parse_number<int>(comm.substr(prefix.size()));
    }
  }
  return std::nullopt;
}

/// `comm` has at most 15 characters. "kvm" is Proxmox's and Debian's name for QEMU.
bool looks_like_vmm(std::string_view comm) noexcept {
  return comm.starts_with("qemu") || comm == "kvm" || comm.starts_with("cloud-hyperviso") ||
         comm == "firecracker" || comm.starts_with("crosvm") || vcpu_of_thread(comm);
}

std::vector<Thread> read_threads(const Sysfs& sysfs, int pid) {
  std::vector<Thread> threads;
  for (const auto& name : sysfs.list(fmt::format("/proc/{}/task", pid))) {
    const auto directory = fmt::format("/proc/{}/task/{}", pid, name);
    const auto tid = parse_number<int>(name);
    const auto comm = sysfs.read(directory + "/comm");
    const auto status = sysfs.read(directory + "/status");
    if (!tid || !comm || !status) {
      continue;  // Ended meanwhile.
    }
    const auto list = status_field(*status, "Cpus_allowed_list");
    threads.push_back({*tid, *comm, list ? CpuSet::parse_list(*list) : std::nullopt});
  }
  std::ranges::sort(threads, {}, &Thread::tid);
  return threads;
}

/// Clock ticks that the thread has run a guest, field 43 of its stat file: more than none proves a
/// vCPU. Source: Linux fs/proc/array.c, do_task_stat().
bool has_run_guest(const Sysfs& sysfs, int pid, int tid) {
  constexpr std::size_t kGuestTime = 43 - 3;  // The word behind "(comm)" is field 3.
  const auto stat = sysfs.read(fmt::format("/proc/{}/task/{}/stat", pid, tid));
  const auto bracket = stat ? stat->rfind(')') : std::string::npos;
  if (bracket == std::string::npos) {
    return false;
  }
  const auto fields = words(std::string_view(*stat).substr(bracket + 1));
  return fields.size() > kGuestTime &&
         parse_number<std::uint64_t>(fields[kGuestTime]).value_or(0) > 0;
}

Vcpu make_vcpu(int id, const Thread& thread) {
  Vcpu vcpu;
  vcpu.id = id;
  vcpu.cpus = thread.allowed;
  vcpu.tid = thread.tid;
  vcpu.source = "process";
  return vcpu;
}

/// vCPUs by the names of their threads, or by the thread ids that libvirt wrote down.
std::vector<Vcpu> named_vcpus(const std::vector<Thread>& threads,
                              const std::map<int, int>& tids,
                              int smp) {
  std::map<int, Vcpu> vcpus;
  for (const auto& thread : threads) {
    if (const auto id = vcpu_of_thread(thread.comm)) {
      vcpus.try_emplace(*id, make_vcpu(*id, thread));
    } else if (thread.comm.starts_with("ALL CPUs/")) {  // TCG in one thread
      for (int all = 0; all < smp; ++all) {
        vcpus.try_emplace(all, make_vcpu(all, thread));
      }
    }
  }
  if (vcpus.empty()) {
    for (const auto& thread : threads) {
      if (const auto known = tids.find(thread.tid); known != tids.end()) {
        vcpus.try_emplace(known->second, make_vcpu(known->second, thread));
      }
    }
  }
  std::vector<Vcpu> list;
  for (auto& [id, vcpu] : vcpus) {
    list.push_back(std::move(vcpu));
  }
  return list;
}

/// vCPUs of a VMM that does not name its threads: those that have run the guest, in the order they
/// were started. What is missing of `count` gets the mask that all threads share, if they share
/// one.
std::vector<Vcpu> unnamed_vcpus(const Sysfs& sysfs,
                                int pid,
                                const std::vector<Thread>& threads,
                                int count) {
  std::vector<Vcpu> vcpus;
  std::optional<CpuSet> common;
  bool shared = true;
  for (const auto& thread : threads) {
    if (thread.tid == pid || is_helper(thread.comm)) {
      continue;
    }
    if (has_run_guest(sysfs, pid, thread.tid)) {
      vcpus.push_back(make_vcpu(static_cast<int>(vcpus.size()), thread));
    } else {
      shared = shared && (!common || common == thread.allowed);
      common = thread.allowed;
    }
  }
  while (static_cast<int>(vcpus.size()) < count) {
    Vcpu vcpu;
    vcpu.id = static_cast<int>(vcpus.size());
    vcpu.cpus = shared ? common : std::nullopt;
    vcpu.source = "process";
    vcpus.push_back(std::move(vcpu));
  }
  return vcpus;
}

std::vector<IoThread> find_iothreads(const std::vector<Thread>& threads) {
  std::vector<IoThread> found;
  for (const auto& thread : threads) {
    if (thread.comm.starts_with("IO ") && thread.comm != "IO mon_iothread") {
      found.push_back({printable(thread.comm.substr(3)), thread.allowed});
    }
  }
  std::ranges::sort(found, {}, &IoThread::id);
  return found;
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
      }
    }
    found.insert(result_.vmms.begin(), result_.vmms.end());
    std::erase_if(found, [&](int pid) { return !result_.pids.contains(pid); });
    return found;
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
    const bool system = command.program.starts_with("qemu-system-") ||
                        command.program == "qemu-kvm" || command.program == "kvm";
    if (vm.vcpus.empty() && held.vcpus.empty() && !held.kvm_vm && !system) {
      return false;  // qemu-img, a guest agent, a device process of crosvm
    }
    if (vm.vcpus.empty()) {
      vm.vcpus = unnamed_vcpus(sysfs_, pid, threads, count);
    }
    vm.pid = pid;
    vm.sources = {"process"};
    vm.uuid = printable(command.uuid);
    vm.iothreads = find_iothreads(threads);
    vm.emulator = threads.front().tid == pid ? threads.front().allowed : std::nullopt;
    found.vmid = command.vmid;
    found.live = true;
    set_name(found, command, *comm);
    set_devices(found, held, command);
    result_.vms.push_back(std::move(found));
    return true;
  }

  static void set_name(VmFound& found, const VmmCommand& command, std::string_view comm) {
    found.named = !command.name.empty();
    const auto program = command.program.empty() ? comm : std::string_view(command.program);
    found.vm.name =
        printable(found.named ? command.name : fmt::format("{}-{}", program, *found.vm.pid));
  }

  void set_devices(VmFound& found, const VfioHeld& held, const VmmCommand& command) {
    auto& vm = found.vm;
    found.devices_known = !held.error;
    if (held.error) {
      unreadable_.emplace_back(vm.name, held.error);
      vm.devices = command.devices;
      return;
    }
    vm.devices = held_devices(sysfs_, held, command.devices, devices_);
    for (const auto& told : command.devices) {
      if (std::ranges::find(vm.devices, told) == vm.devices.end()) {
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
            {pid, printable(*comm), held_devices(sysfs_, held, {}, devices_)});
      }
    }
  }

  void say_unreadable() {
    if (unreadable_.empty()) {
      return;
    }
    const auto& [name, error] = unreadable_.front();
    const auto more = unreadable_.size() > 1 ? fmt::format(" and {} more", unreadable_.size() - 1)
                                             : std::string{};
    result_.warnings.push_back(fmt::format(
        "the devices of {}{} are those of their command lines: /proc/PID/fd: {}{}",
        name,
        more,
        error.message(),
        error == std::errc::permission_denied ? " (run as root to see what they hold)" : ""));
  }

  const Sysfs& sysfs_;
  const ProcessHints& hints_;
  const std::vector<PciDevice>& devices_;
  ProcessesRead result_;
  std::set<PciAddress> held_;
  std::vector<std::pair<std::string, std::error_code>> unreadable_;
};

}  // namespace

std::optional<std::string_view> status_field(std::string_view text, std::string_view key) noexcept {
  while (!text.empty()) {
    auto line = take_until(text, '\n');
    if (line.starts_with(key) && line.substr(key.size()).starts_with(':')) {
      return trimmed(line.substr(key.size() + 1));
    }
  }
  return std::nullopt;
}

ProcessesRead read_processes(const Sysfs& sysfs,
                             const ProcessHints& hints,
                             const std::vector<PciDevice>& devices) {
  return Reader(sysfs, hints, devices).run();
}

}  // namespace irqtune
