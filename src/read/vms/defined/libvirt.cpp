// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"
#include "irqtune/read/vms/sources.h"

#include "read/vms/sources.h"

#include <fmt/format.h>

#include <algorithm>

namespace irqtune {

namespace {

/// Where a thread runs that has no pin of its own; empty optional where the files do not tell.
std::optional<CpuSet> default_cpus(const LibvirtDomain& domain) {
  // Without its own placement, <vcpu> takes that of numatune, unless it has a cpuset.
  const bool by_memory = !domain.placement && !domain.cpuset && domain.numatune &&
                         domain.numatune->placement == "auto";
  return domain.placement == "auto" || by_memory ? domain.numad : domain.cpuset;
}

std::optional<CpuSet> pin_of(const std::map<int, CpuSet>& pins,
                             int id,
                             const std::optional<CpuSet>& otherwise) {
  const auto found = pins.find(id);
  return found != pins.end() ? std::optional(found->second) : otherwise;
}

std::vector<int> running_ids(const LibvirtDomain& domain) {
  if (!domain.enabled.empty()) {
    return domain.enabled;
  }
  std::vector<int> ids;
  for (int id = 0; id < std::min(domain.current.value_or(domain.vcpus), domain.vcpus); ++id) {
    ids.push_back(id);
  }
  return ids;
}

VmFound make_found(const LibvirtDomain& domain, const std::string& path) {
  VmFound found;
  found.path = path;
  found.live = domain.live;
  found.devices_known = !domain.vdpa;  // Of these it says a node, and no address.
  auto& vm = found.vm;
  vm.name = domain.name;
  vm.uuid = domain.uuid;
  vm.sources = {"libvirt"};
  const bool paused = domain.state == "paused" || domain.state == "pmsuspended";
  vm.state = !domain.live ? VmState::defined : paused ? VmState::paused : VmState::running;
  vm.pid = domain.live ? domain.pid : std::nullopt;
  const auto otherwise = default_cpus(domain);
  for (const int id : running_ids(domain)) {
    Vcpu vcpu;
    vcpu.id = id;
    vcpu.cpus = pin_of(domain.vcpupin, id, otherwise);
    vcpu.source = "libvirt";
    if (const auto tid = domain.vcpu_tids.find(id); tid != domain.vcpu_tids.end()) {
      vcpu.tid = tid->second;
    }
    vm.vcpus.push_back(std::move(vcpu));
  }
  vm.emulator = domain.emulatorpin ? domain.emulatorpin : otherwise;
  for (const int id : domain.iothread_ids) {
    vm.iothreads.push_back(
        {fmt::format("iothread{}", id), pin_of(domain.iothreadpin, id, otherwise), std::nullopt});
  }
  for (const auto* list : {&domain.hostdevs,
                           &domain.interface_hostdevs,
                           &domain.nvme_disks,
                           &domain.command_devices}) {
    vm.devices.insert(vm.devices.end(), list->begin(), list->end());
  }
  sort_unique(vm.devices);
  return found;
}

/// A status file of a VM that does not run any more tells nothing.
bool has_ended(const LibvirtDomain& domain) {
  return domain.live && (!domain.pid || *domain.pid == 0 || domain.state == "shutoff" ||
                         domain.state == "crashed");
}

void read_domain(const Sysfs& sysfs,
                 const std::string& path,
                 FilesRead& result,
                 VcpuBudget& budget) {
  const auto file = sysfs.read_file(path);
  if (!file.text) {
    result.note_unreadable(path, file.error);
    return;
  }
  auto parsed = parse_libvirt_domain(*file.text, printable(path));
  std::ranges::move(parsed.warnings, std::back_inserter(result.warnings));
  if (!parsed.domain || has_ended(*parsed.domain) ||
      !budget.take(static_cast<std::size_t>(parsed.domain->vcpus))) {
    return;
  }
  const auto& domain = *parsed.domain;
  auto found = make_found(domain, path);
  constexpr std::uint32_t kRoot = 0;
  found.by_manager = domain.live && sysfs.owner(path).value_or(kRoot) == kRoot;
  if (domain.live) {
    result.hints.devices[*domain.pid] = found.vm.devices;
    result.hints.pids.insert(*domain.pid);
    auto& tids = result.hints.vcpu_tids[*domain.pid];
    for (const auto& [vcpu, tid] : domain.vcpu_tids) {
      tids.emplace(tid, vcpu);
    }
  }
  result.vms.push_back(std::move(found));
}

void read_directory(const Sysfs& sysfs,
                    const std::string& directory,
                    FilesRead& result,
                    VcpuBudget& budget) {
  std::error_code error;
  for (const auto& name : sysfs.list(directory, &error)) {
    if (name.ends_with(".xml")) {  // libvirt loads ".name.xml", too.
      read_domain(sysfs, fmt::format("{}/{}", directory, name), result, budget);
    }
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    result.note_unreadable(directory, error);
  }
}

/// True of the file that libvirt itself writes for the domain.
bool has_own_name(const VmFound& found) {
  return found.path.ends_with(fmt::format("/{}.xml", found.vm.name));
}

/// Joins what two files define if it is one domain: that called as the domain counts. True if the
/// second is to go.
bool settle_double(VmFound& kept, VmFound& other, std::vector<std::string>& warnings) {
  if (kept.vm.name == other.vm.name) {
    if (!has_own_name(kept) && has_own_name(other)) {
      std::swap(kept, other);
    }
    warnings.push_back(fmt::format("{} defines {}, as {} does, which counts",
                                   printable(other.path),
                                   kept.vm.name,
                                   printable(kept.path)));
    return true;
  }
  if (!kept.vm.uuid.empty() && kept.vm.uuid == other.vm.uuid) {
    warnings.push_back(fmt::format("{} and {} have one UUID: libvirt takes only one",
                                   printable(kept.path),
                                   printable(other.path)));
  }
  return false;
}

/// libvirt goes by the files' content, not by how they are called.
void settle_doubles(FilesRead& result, std::size_t first) {
  auto& vms = result.vms;
  for (std::size_t i = first; i < vms.size(); ++i) {
    for (std::size_t k = vms.size() - 1; k > i; --k) {
      const auto other = vms.begin() + static_cast<std::ptrdiff_t>(k);
      vms.erase(other, other + (settle_double(vms[i], vms[k], result.warnings) ? 1 : 0));
    }
  }
}

}  // namespace

FilesRead read_libvirt(const Sysfs& sysfs) {
  FilesRead result;
  VcpuBudget budget;
  // What runs first. libvirtd and virtqemud use the same directories.
  for (const auto& vmm : vmms()) {
    const auto there = std::ranges::find_if(
        vmm.status_dirs, [&](std::string_view path) { return sysfs.exists(path); });
    if (there != vmm.status_dirs.end()) {
      read_directory(sysfs, std::string(*there), result, budget);
    }
  }
  const auto first_defined = result.vms.size();
  read_directory(sysfs, "/etc/libvirt/qemu", result, budget);
  read_directory(sysfs, "/etc/libvirt/ch", result, budget);
  settle_doubles(result, first_defined);
  budget.say_left_out(result.warnings);
  result.say_unreadable("what libvirt pins and passes through");
  return result;
}

void FilesRead::note_unreadable(const std::string& path, std::error_code error) {
  if (error == std::errc::no_such_file_or_directory) {
    return;  // Gone since it was listed.
  }
  if (error != std::errc::permission_denied) {
    warnings.push_back(fmt::format("{}: {}", printable(path), error.message()));
  } else if (denied++ == 0) {
    first_denied = printable(path);
  }
}

void FilesRead::say_unreadable(std::string_view what) {
  if (denied > 0) {
    const auto more = denied > 1 ? fmt::format(" and {} more", denied - 1) : std::string{};
    warnings.push_back(
        fmt::format("{}{}: Permission denied (run as root to see {})", first_denied, more, what));
  }
}

}  // namespace irqtune
