// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"
#include "irqtune/read/vms/sources.h"

#include "read/vms/sources.h"

#include <fmt/format.h>

#include <algorithm>

namespace irqtune {

namespace {

constexpr int kMaxVcpus = 1 << 14;  // QEMU knows at most 4096; keeps a bad file cheap.

/// "0000:01:00.0;0000:01:00.1" or "01:00".
std::vector<ProxmoxAddress> parse_addresses(std::string_view text, std::vector<std::string>* bad) {
  std::vector<ProxmoxAddress> addresses;
  for (const auto part : split(text, ';')) {
    bool all_functions = false;
    if (const auto address = parse_loose_address(part, &all_functions)) {
      addresses.push_back({*address, all_functions});
    } else if (bad != nullptr) {
      bad->push_back(fmt::format("'{}' is not a PCI address", printable(part)));
    }
  }
  return addresses;
}

/// "[host=]ADDRESS[;ADDRESS...][,key=value...]" or "mapping=NAME[,key=value...]".
void take_hostpci(ProxmoxConfig& config, std::string_view text) {
  std::string_view host;
  std::string_view mapping;
  bool mediated = false;
  bool virtual_function = false;
  for (const auto part : split(text, ',')) {
    auto value = part;
    const auto key = take_until(value, '=');
    if (key.size() == part.size()) {
      host = host.empty() ? part : host;
    } else if (key == "host") {
      host = value;
    } else if (key == "mapping") {
      mapping = value;
    } else if (key == "mdev") {
      mediated = true;
      // Since 6.8's NVIDIA driver a vGPU is a function of the card that vfio has itself.
      virtual_function = value.starts_with("nvidia-");
    }
  }
  if (mediated) {
    config.functions_chosen = config.functions_chosen || virtual_function;
    return;
  }
  if (!mapping.empty()) {
    config.mappings.emplace_back(mapping);
    return;
  }
  const auto addresses = parse_addresses(host, &config.warnings);
  config.devices.insert(config.devices.end(), addresses.begin(), addresses.end());
}

/// The value of `key` in "a=b,key=value".
std::string_view member(std::string_view text, std::string_view key) {
  for (auto part : split(text, ',')) {
    if (take_until(part, '=') == key) {
      return part;
    }
  }
  return {};
}

/// The words of a command line, each behind a NUL; quotes hold blanks together.
/// Source: Proxmox pve-common, PVE::Tools::split_args().
std::string command_words(std::string_view text) {
  std::string out;
  char quote = '\0';
  bool in_word = false;
  for (const char c : text) {
    const bool blank = quote == '\0' && (c == ' ' || c == '\t');
    const bool is_quote = quote == '\0' ? c == '\'' || c == '"' : c == quote;
    out += !blank && !in_word ? std::string(1, '\0') : std::string{};
    in_word = !blank;
    if (is_quote) {
      quote = quote == '\0' ? c : '\0';
    } else if (!blank) {
      out += c;
    }
  }
  return out;
}

/// `args:`, which Proxmox hands to QEMU as it is.
void take_args(ProxmoxConfig& config, std::string_view text) {
  for (const auto& device : parse_vmm_command("kvm" + command_words(text)).devices) {
    config.devices.push_back({device, false});
  }
}

int count_of(std::string_view text) {
  const auto count = parse_number<int>(text);
  return count && *count > 0 && *count <= kMaxVcpus ? *count : 1;
}

/// Proxmox' grammar: numbers and ranges behind commas, blanks around them, and nothing else (no
/// strides). Source: pve-common, PVE::CpuSet::parse_cpuset(); qemu-server's pve-cpuset format.
std::optional<CpuSet> parse_affinity(std::string_view text) {
  CpuSet cpus;
  for (const auto part : split(text, ',')) {
    auto last_text = trimmed(part);
    const bool is_range = last_text.find('-') != std::string_view::npos;
    const auto first = parse_number<int>(trimmed(take_until(last_text, '-')));
    const auto last = is_range ? parse_number<int>(trimmed(last_text)) : first;
    if (!first || !last || *first < 0 || *last < *first || *last >= CpuSet::kMaxCpus) {
      return std::nullopt;
    }
    cpus.insert_range(*first, *last);
  }
  return cpus;
}

struct Counts {
  int sockets = 1;
  int cores = 1;
  std::optional<int> vcpus;
  std::optional<int> smp;
};

void take_line(ProxmoxConfig& config,
               Counts& counts,
               std::string_view key,
               std::string_view value) {
  if (key == "name") {
    config.name = printable(value);
  } else if (key == "smbios1") {
    config.uuid = printable(member(value, "uuid"));
  } else if (key == "sockets") {
    counts.sockets = count_of(value);
  } else if (key == "cores") {
    counts.cores = count_of(value);
  } else if (key == "smp") {  // Of old
    counts.smp = count_of(value);
  } else if (key == "vcpus") {
    counts.vcpus = count_of(value);
  } else if (key == "template") {
    config.is_template = value == "1";
  } else if (key == "affinity") {
    config.affinity = parse_affinity(value);
    if (!config.affinity || config.affinity->empty()) {
      config.warnings.push_back(fmt::format("'{}' is not a CPU list", printable(value)));
      config.affinity.reset();
    }
  } else if (key == "args") {
    take_args(config, value);
  }
}

using Mappings = std::map<std::string, std::vector<std::vector<ProxmoxAddress>>>;

/// The device, or each function of its slot; `devices` stand by address.
void add_functions(std::vector<PciAddress>& list,
                   const ProxmoxAddress& wanted,
                   const std::vector<PciDevice>& devices) {
  constexpr std::uint8_t kFunctions = 8;
  auto address = wanted.address;
  const auto before = list.size();
  for (address.function = 0; wanted.all_functions && address.function < kFunctions;
       ++address.function) {
    const auto device = std::ranges::lower_bound(devices, address, {}, &PciDevice::address);
    if (device != devices.end() && device->address == address) {
      list.push_back(address);
    }
  }
  if (list.size() == before) {
    list.push_back(wanted.address);
  }
}

/// The file and what stands around it, of one VM.
struct Context {
  const std::vector<PciDevice>& devices;
  const Mappings& mappings;
};

void set_devices(VmFound& found, const ProxmoxConfig& config, const Context& context) {
  found.devices_known = !config.functions_chosen;
  auto& list = found.vm.devices;
  for (const auto& wanted : config.devices) {
    add_functions(list, wanted, context.devices);
  }
  for (const auto& name : config.mappings) {
    const auto mapping = context.mappings.find(name);
    if (mapping == context.mappings.end() || mapping->second.size() != 1) {
      found.devices_known = false;  // Proxmox takes a free one at the start.
      continue;
    }
    for (const auto& wanted : mapping->second.front()) {
      add_functions(list, wanted, context.devices);
    }
  }
  sort_unique(list);
}

VmFound make_found(int vmid, const ProxmoxConfig& config, const Context& context) {
  VmFound found;
  found.vmid = vmid;
  found.common_mask = true;
  found.named = !config.name.empty();
  auto& vm = found.vm;
  vm.name = found.named ? config.name : fmt::format("vm{}", vmid);  // So it is started.
  vm.uuid = config.uuid;
  vm.state = VmState::defined;
  vm.sources = {"proxmox"};
  vm.emulator = config.affinity;
  for (int id = 0; id < config.vcpus; ++id) {
    Vcpu vcpu;
    vcpu.id = id;
    vcpu.cpus = config.affinity;
    vcpu.source = "proxmox";
    vm.vcpus.push_back(std::move(vcpu));
  }
  set_devices(found, config, context);
  return found;
}

std::optional<int> read_pid(const Sysfs& sysfs, int vmid) {
  for (const std::string_view run : {"/run", "/var/run"}) {
    if (const auto text = sysfs.read(fmt::format("{}/qemu-server/{}.pid", run, vmid))) {
      const auto pid = parse_number<int>(trimmed(*text));
      return pid && *pid > 0 ? pid : std::nullopt;
    }
  }
  return std::nullopt;
}

}  // namespace

ProxmoxConfig parse_proxmox_config(std::string_view text) {
  ProxmoxConfig config;
  Counts counts;
  std::map<std::string, std::string_view, std::less<>> hostpci;  // Of two, the last counts.
  while (!text.empty()) {
    const auto line = take_until(text, '\n');
    if (line.starts_with('[')) {
      break;
    }
    if (line.starts_with('#') || line.starts_with(' ') || line.starts_with('\t')) {
      continue;  // A key stands at the start of its line.
    }
    auto value = trimmed(line);
    const auto key = take_until(value, ':');
    if (key.starts_with("hostpci")) {
      hostpci.insert_or_assign(std::string(key), trimmed(value));
    } else {
      take_line(config, counts, key, trimmed(value));
    }
  }
  for (const auto& [key, value] : hostpci) {
    take_hostpci(config, value);
  }
  counts.cores = counts.smp.value_or(counts.cores);
  config.vcpus = counts.vcpus.value_or(std::min(counts.sockets * counts.cores, kMaxVcpus));
  return config;
}

Mappings parse_proxmox_mappings(std::string_view text, std::string_view node) {
  Mappings mappings;
  std::string name;
  while (!text.empty()) {
    const auto line = take_until(text, '\n');
    const bool indented = line.starts_with('\t') || line.starts_with(' ');
    auto rest = trimmed(line);
    if (rest.empty() || rest.starts_with('#')) {
      continue;
    }
    if (!indented) {
      name = rest.substr(0, rest.find_first_of(" \t"));
    } else if (take_word(rest) == "map" && member(trimmed(rest), "node") == node) {
      mappings[name].push_back(parse_addresses(member(trimmed(rest), "path"), nullptr));
    }
  }
  return mappings;
}

FilesRead read_proxmox(const Sysfs& sysfs, const std::vector<PciDevice>& devices) {
  constexpr std::string_view kDirectory = "/etc/pve/qemu-server";
  FilesRead result;
  std::error_code error;
  const auto names = sysfs.list(kDirectory, &error);
  if (error) {
    result.note_unreadable(std::string(kDirectory), error);
  }
  Mappings mappings;
  if (!names.empty()) {
    // A node is called by the first part of its host name. Source: PVE::INotify::nodename().
    const auto host = sysfs.read("/proc/sys/kernel/hostname").value_or("");
    mappings = parse_proxmox_mappings(sysfs.read("/etc/pve/mapping/pci.cfg").value_or(""),
                                      host.substr(0, host.find('.')));
  }
  VcpuBudget budget;
  for (const auto& name : names) {
    const auto dot = name.find('.');
    const auto vmid = parse_number<int>(std::string_view(name).substr(0, dot));
    if (!vmid || !name.ends_with(".conf")) {
      continue;
    }
    const auto path = fmt::format("{}/{}", kDirectory, name);
    const auto file = sysfs.read_file(path);
    if (!file.text) {
      result.note_unreadable(path, file.error);
      continue;
    }
    const auto config = parse_proxmox_config(*file.text);
    for (const auto& warning : config.warnings) {
      result.warnings.push_back(fmt::format("{}: {}", path, warning));
    }
    if (config.is_template || !budget.take(static_cast<std::size_t>(config.vcpus))) {
      continue;
    }
    auto found = make_found(*vmid, config, {devices, mappings});
    found.path = path;
    if (const auto pid = read_pid(sysfs, *vmid)) {
      found.vm.state = VmState::running;
      found.vm.pid = pid;
      found.by_manager = true;
      result.hints.pids.insert(*pid);
      result.hints.devices[*pid] = found.vm.devices;
    }
    result.vms.push_back(std::move(found));
  }
  budget.say_left_out(result.warnings);
  result.say_unreadable("what Proxmox configures");
  return result;
}

}  // namespace irqtune
