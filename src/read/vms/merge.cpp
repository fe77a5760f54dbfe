// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/vms/vms.h"

#include "read/vms/compare.h"
#include "read/vms/sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace irqtune {

namespace {

bool contradict(const std::string& a, const std::string& b) {
  return !a.empty() && !b.empty() && a != b;
}

bool contradict(const std::optional<int>& a, const std::optional<int>& b) {
  return a && b && *a != *b;
}

bool have_same_id(const VmFound& a, const VmFound& b) {
  return (!a.vm.uuid.empty() && a.vm.uuid == b.vm.uuid) || (a.vmid && a.vmid == b.vmid);
}

/// True if they cannot be the same VM, although both are said to be the same process. Names tell
/// only where nothing better does: a VM may have been renamed since it was started.
bool contradict(const VmFound& a, const VmFound& b) {
  return contradict(a.vm.uuid, b.vm.uuid) || contradict(a.vmid, b.vmid) ||
         (!have_same_id(a, b) && a.named && b.named && a.vm.name != b.vm.name);
}

/// A VM, and what it was before anything written was added to it.
struct Merged {
  VmFound found;
  std::optional<VmFound> process;
  bool told_live = false;  ///< By a manager's status file.
};

/// Finds VMs by what tells them apart, of several that fit the one added first.
class VmIndex {
 public:
  /// Once more for a VM that more is known of.
  void add(const VmFound& found, std::size_t at) {
    note(by_pid_, found.vm.pid, at);
    note(by_vmid_, found.vmid, at);
    if (!found.vm.uuid.empty()) {
      note(by_uuid_, std::optional(found.vm.uuid), at);
      note(by_uuid_and_name_, std::optional(std::pair(found.vm.uuid, found.vm.name)), at);
    }
    if (found.named) {
      by_name_[found.vm.name].insert(at);
    }
  }

  [[nodiscard]] std::optional<std::size_t> by_pid(const VmFound& vm) const {
    return find(by_pid_, vm.vm.pid);
  }

  [[nodiscard]] std::optional<std::size_t> by_vmid(const VmFound& vm) const {
    return find(by_vmid_, vm.vmid);
  }

  [[nodiscard]] std::optional<std::size_t> by_uuid(const VmFound& vm) const {
    return find(by_uuid_, std::optional(vm.vm.uuid));
  }

  [[nodiscard]] std::optional<std::size_t> by_uuid_and_name(const VmFound& vm) const {
    return find(by_uuid_and_name_, std::optional(std::pair(vm.vm.uuid, vm.vm.name)));
  }

  /// Several VMs may have one name.
  [[nodiscard]] std::set<std::size_t> by_name(const VmFound& vm) const {
    const auto found = vm.named ? by_name_.find(vm.vm.name) : by_name_.end();
    return found != by_name_.end() ? found->second : std::set<std::size_t>{};
  }

 private:
  template <typename Key>
  static void note(std::map<Key, std::size_t>& map, const std::optional<Key>& key, std::size_t at) {
    if (key) {
      const auto place = map.try_emplace(*key, at).first;
      place->second = std::min(place->second, at);
    }
  }

  template <typename Key>
  static std::optional<std::size_t> find(const std::map<Key, std::size_t>& map,
                                         const std::optional<Key>& key) {
    const auto found = key ? map.find(*key) : map.end();
    return found != map.end() ? std::optional(found->second) : std::nullopt;
  }

  std::map<int, std::size_t> by_pid_;
  std::map<int, std::size_t> by_vmid_;
  std::map<std::string, std::size_t> by_uuid_;
  std::map<std::pair<std::string, std::string>, std::size_t> by_uuid_and_name_;
  std::map<std::string, std::set<std::size_t>> by_name_;
};

/// Puts what the sources tell of the same VM together, in the order in which they are believed.
class Merger {
 public:
  Merger(const Topology& topology, const ProcessesRead& processes)
      : topology_(topology), processes_(processes) {}

  void add_process(VmFound found) {
    auto copy = found;
    add({std::move(found), std::move(copy), false});
  }

  void add_written(VmFound written) {
    if (written.vm.pid && !may_run(written)) {
      written.vm.pid.reset();
      written.vm.state = VmState::defined;
      if (written.live) {
        return;  // A status file that was left behind
      }
    }
    const auto at = find(written);
    if (!at) {
      add({std::move(written), std::nullopt, false});
      return;
    }
    auto* same = &merged_[*at];
    fill(same->found, written);
    index_.add(same->found, *at);
    same->told_live = same->told_live || written.live;
    // Where a manager says how the VM runs, its definition tells of the next start.
    if (same->process && (written.live || !same->told_live)) {
      same->process->vm.name = same->found.vm.name;
      compare(*same->process, written, topology_.online, differences_);
    }
  }

  VmsRead finish(const Sysfs& sysfs, const CpuSet& default_set, const VmTrust& trust) {
    VmsRead result;
    std::vector<VmFound*> running;
    for (auto& merged : merged_) {
      if (merged.process) {
        running.push_back(&merged.found);
      }
    }
    mark_unvouched(sysfs, running, trust, differences_.warnings);
    for (auto& merged : merged_) {
      auto& found = merged.found;
      std::ranges::sort(found.vm.sources);
      found.vm.vmid = found.vmid;
      result.vms.push_back(std::move(found.vm));
    }
    result.warnings = std::move(differences_.warnings);
    std::ranges::sort(result.vms, {}, [](const Vm& vm) { return std::tie(vm.name, vm.pid); });
    mark_pins(result.vms, topology_, default_set);
    say_namesakes(result.vms, result.warnings);
    for (const auto& vm : result.vms) {
      say_unsure(vm, result.warnings);
      say_unknown(vm, result.warnings);
      say_absent(vm, topology_.online, result.warnings);
    }
    return result;
  }

 private:
  /// False if the PID that a file names is no VM's any more, or another's. A tree without processes
  /// cannot tell.
  [[nodiscard]] bool may_run(const VmFound& written) const {
    if (processes_.pids.empty()) {
      return true;
    }
    const auto at = index_.by_pid(written);
    if (!at || !merged_[*at].process) {
      return processes_.vmms.contains(*written.vm.pid);
    }
    return !contradict(merged_[*at].found, written);
  }

  void add(Merged merged) {
    index_.add(merged.found, merged_.size());
    merged_.push_back(std::move(merged));
  }

  /// By PID, then Proxmox's number, then UUID (a copied command line has that of its original, so
  /// first with the name), then name.
  [[nodiscard]] std::optional<std::size_t> find(const VmFound& written) const {
    for (const auto& at : {index_.by_pid(written),
                           index_.by_vmid(written),
                           index_.by_uuid_and_name(written),
                           index_.by_uuid(written)}) {
      if (at) {
        return at;
      }
    }
    for (const auto at : index_.by_name(written)) {
      const auto& found = merged_[at].found;
      if (!contradict(found.vm.uuid, written.vm.uuid) && !contradict(found.vmid, written.vmid) &&
          !contradict(found.vm.pid, written.vm.pid)) {
        return at;
      }
    }
    return std::nullopt;
  }

  /// Adds what is not known yet.
  static void fill(VmFound& found, const VmFound& written) {
    auto& vm = found.vm;
    if (!found.named && written.named) {
      vm.name = written.vm.name;
      found.named = true;
    }
    vm.uuid = vm.uuid.empty() ? written.vm.uuid : vm.uuid;
    found.vmid = found.vmid ? found.vmid : written.vmid;
    vm.sources.push_back(written.vm.sources.front());
    if (vm.vcpus.empty()) {
      vm.vcpus = written.vm.vcpus;
    }
    for (auto& vcpu : vm.vcpus) {
      const auto same = std::ranges::find(written.vm.vcpus, vcpu.id, &Vcpu::id);
      if (!vcpu.cpus && same != written.vm.vcpus.end() && same->cpus) {
        vcpu.cpus = same->cpus;
        vm.unsure_vcpus = vm.unsure_vcpus - CpuSet{vcpu.id};
        vcpu.source = same->source;
      }
    }
    found.by_manager = found.by_manager || written.by_manager;
    if (is_running(vm) && written.vm.state == VmState::paused) {
      vm.state = VmState::paused;
    }
    vm.emulator = vm.emulator ? vm.emulator : written.vm.emulator;
    if (vm.iothreads.empty()) {
      vm.iothreads = written.vm.iothreads;
    }
    if (!found.devices_known) {
      vm.devices.insert(vm.devices.end(), written.vm.devices.begin(), written.vm.devices.end());
      sort_unique(vm.devices);
    }
    const auto repeated = std::ranges::find(vm.sources, written.vm.sources.front());
    if (repeated != std::prev(vm.sources.end())) {
      vm.sources.pop_back();
    }
  }

  /// `vms` are by name.
  static void say_namesakes(const std::vector<Vm>& vms, std::vector<std::string>& warnings) {
    std::map<std::string_view, std::size_t> running;
    for (const auto& vm : vms) {
      running[vm.name] += is_running(vm) ? 1U : 0U;
    }
    for (const auto& [name, count] : running) {
      if (count > 1) {
        warnings.push_back(fmt::format(
            "{} VMs that run are called {}: --vm and --vm-policy mean all of them", count, name));
      }
    }
  }

  /// Pins to CPUs that are not there or not online.
  static void say_absent(const Vm& vm, const CpuSet& online, std::vector<std::string>& warnings) {
    for (const auto& vcpu : online.empty() ? std::vector<Vcpu>() : vm.vcpus) {
      if (vcpu.cpus && !vcpu.cpus->empty() && !vcpu.cpus->intersects(online)) {
        warnings.push_back(fmt::format("{}: vCPU {} is pinned to {}, none of which is online",
                                       vm.name,
                                       vcpu.id,
                                       vcpu.cpus->to_list()));
        return;  // Once a VM: the finding has the rest.
      }
    }
  }

  static void say_unsure(const Vm& vm, std::vector<std::string>& warnings) {
    if (vm.unsure_vcpus.empty()) {
      return;
    }
    const bool one = vm.unsure_vcpus.size() == 1;
    warnings.push_back(fmt::format(
        "{}: which thread runs {} {} is not certain (no thread is named, and {} not run the guest "
        "yet): the vectors of its devices stay where they are",
        vm.name,
        one ? "vCPU" : "vCPUs",
        vm.unsure_vcpus.to_list(),
        one ? "it has" : "they have"));
  }

  static void say_unknown(const Vm& vm, std::vector<std::string>& warnings) {
    CpuSet unknown;
    for (const auto& vcpu : vm.vcpus) {
      if (!vcpu.cpus && !vm.unsure_vcpus.contains(vcpu.id)) {
        unknown.insert(vcpu.id);
      }
    }
    if (!is_running(vm) || (!vm.vcpus.empty() && unknown.empty())) {
      return;
    }
    const bool some = !unknown.empty() && unknown.size() < vm.vcpus.size();
    warnings.push_back(fmt::format(
        "{}: where {} may run is not known",
        vm.name,
        some ? fmt::format("vCPU{} {}", unknown.size() > 1 ? "s" : "", unknown.to_list())
             : "its vCPUs"));
  }

  const Topology& topology_;
  const ProcessesRead& processes_;
  std::vector<Merged> merged_;
  VmIndex index_;
  Differences differences_;
};

void move_to(std::vector<std::string>& from, std::vector<std::string>& to) {
  std::ranges::move(from, std::back_inserter(to));
}

}  // namespace

VmsRead read_vms(const Sysfs& sysfs,
                 const Topology& topology,
                 const std::vector<PciDevice>& devices,
                 const std::optional<CpuSet>& default_set,
                 const VmTrust& trust) {
  auto libvirt = read_libvirt(sysfs);
  auto proxmox = read_proxmox(sysfs, devices);
  auto hints = std::move(libvirt.hints);
  hints.pids.merge(proxmox.hints.pids);
  hints.devices.merge(proxmox.hints.devices);
  auto processes = read_processes(sysfs, hints, devices);
  std::vector<std::string> warnings = std::move(processes.warnings);
  Merger merger(topology, processes);
  for (auto& found : processes.vms) {
    read_cgroups(sysfs, topology, found, warnings);
    merger.add_process(std::move(found));
  }
  for (auto* files : {&libvirt, &proxmox}) {
    for (auto& found : files->vms) {
      merger.add_written(std::move(found));
    }
    move_to(files->warnings, warnings);
  }
  const auto usual = default_set ? DefaultSet{*default_set & topology.online, {"--default-set"}}
                                 : read_default_set(sysfs, topology);
  auto result = merger.finish(sysfs, usual.cpus, trust);
  result.default_set = usual;
  move_to(result.warnings, warnings);
  result.vfio_users = std::move(processes.vfio_users);
  result.vdpa_devices = std::move(processes.vdpa_devices);
  if (topology.online.empty() && !result.vms.empty()) {
    warnings.emplace_back("which CPUs are online is not known: no vCPU counts as pinned");
  }
  result.warnings = condensed(warnings);
  return result;
}

}  // namespace irqtune
