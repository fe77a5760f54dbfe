// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"
#include "irqtune/read/vms/sources.h"

#include "read/vms/options.h"
#include "read/vms/qemu_options.h"
#include "read/vms/sources.h"

#include <algorithm>
#include <utility>

namespace irqtune {

namespace {

std::string_view last_component(std::string_view path) noexcept {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

void add_device(VmmCommand& command, const std::optional<PciAddress>& address) {
  if (address) {
    command.devices.push_back(*address);
  }
}

/// "/run/ch/web.sock", "path=/run/ch/web.sock" or "/run/vc/vm/web/clh-api.sock" -> "web":
/// cloud-hypervisor's VMs have no name.
void set_socket_name(VmmCommand& command, std::string_view text) {
  const auto options = parse_options(text);
  const auto given = option(options, "path");
  const std::string_view path = given.empty() ? options.front().first : given;
  if (given.empty() && !options.front().second.empty()) {
    return;  // "fd=23": libvirt's driver opened it.
  }
  auto name = last_component(path);
  if (const auto dot = name.rfind('.'); dot != std::string_view::npos && dot > 0) {
    name = name.substr(0, dot);
  }
  const auto directory = path.substr(0, path.rfind('/'));
  const auto tells_nothing = [&](const Vmm& vmm) {
    return std::ranges::find(vmm.no_names, name) != vmm.no_names.end();
  };
  if (std::ranges::any_of(vmms(), tells_nothing) &&
      directory.find_last_not_of('/') != std::string_view::npos && directory.size() < path.size()) {
    name = last_component(directory);
  }
  if (command.name.empty()) {
    command.name = name;
  }
}

/// --cpus of the others: "4", "boot=4", "num-cores=4"; of two the first.
void set_vcpus(VmmCommand& command, std::string_view text) {
  for (const auto& [key, value] : parse_options(text)) {
    const bool counts = key == "cpus" || key == "boot" || key == "num-cores";
    const auto number = parse_number<int>(counts ? value : value.empty() ? key : "");
    if (number && *number > 0 && *number < CpuSet::kMaxCpus && !command.vcpus) {
      command.vcpus = number;
      command.vcpus_told = true;
    }
  }
}

bool names_vm(std::string_view key) noexcept {
  return std::ranges::any_of(vmms(), [&](const Vmm& vmm) {
    return key.starts_with("--") && std::ranges::find(vmm.names, key) != vmm.names.end();
  });
}

bool names_socket(std::string_view key) noexcept {
  return std::ranges::any_of(vmms(), [&](const Vmm& vmm) {
    return std::ranges::find(vmm.sockets, key) != vmm.sockets.end();
  });
}

void take_other_option(VmmCommand& command, std::string_view key, std::string_view value) {
  if (names_vm(key)) {
    command.name = value;
  } else if (names_socket(key)) {
    set_socket_name(command, value);
  } else if (key == "--cpus") {
    set_vcpus(command, value);
  } else if (key == "--platform") {
    command.uuid = lower_ascii(option(parse_options(value), "uuid"));
  } else if (key == "--device") {
    add_device(command, address_of_path(option(parse_options(value), "path")));
  } else if (key == "--vfio") {
    const auto options = parse_options(value);
    const auto path = option(options, "path");
    add_device(command, address_of_path(path.empty() ? options.front().first : path));
  } else if (key == "--vfio-pci") {
    add_device(command, parse_loose_address(value));
  }
}

/// cloud-hypervisor takes several values for one option.
bool takes_many(std::string_view key) noexcept {
  return key == "--device";
}

/// Sets `key` to the option that `word` names. True if the word holds the value, too; `word` is
/// that then. QEMU takes both "-name" and "--name", and no "--name=value".
bool take_option_name(std::string& key, std::string_view& word, bool qemu) {
  const auto dashes = word.starts_with("--") ? 2U : 1U;
  const auto equals = qemu ? std::string_view::npos : word.find('=');
  key = qemu ? "-" : "--";
  key += word.substr(dashes, equals - dashes);
  if (equals == std::string_view::npos) {
    return false;
  }
  word = word.substr(equals + 1);
  return true;
}

}  // namespace

VmmCommand parse_vmm_command(std::string_view cmdline, std::string_view comm) {
  VmmCommand command;
  command.program = last_component(take_until(cmdline, '\0'));
  const auto* vmm = vmm_of_program(command.program);
  vmm = vmm != nullptr ? vmm : vmm_of_comm(comm);
  command.qemu = vmm != nullptr ? is_qemu(vmm) : command.program == "qemu";
  QemuOptions qemu;
  std::string key;
  while (!cmdline.empty()) {
    auto word = take_until(cmdline, '\0');
    if (word.starts_with('-') && word.size() > 1 && !take_option_name(key, word, command.qemu)) {
      continue;
    }
    if (command.qemu) {
      qemu.take(key, word);
    } else {
      take_other_option(command, key, word);
    }
    if (!takes_many(key)) {
      key.clear();
    }
  }
  if (command.qemu) {
    qemu.finish(command);
  }
  sort_unique(command.devices);
  return command;
}

/// The host's PCI device behind "/sys/bus/pci/devices/0000:3b:00.0/".
std::optional<PciAddress> address_of_path(std::string_view path) {
  while (path.ends_with('/')) {
    path.remove_suffix(1);
  }
  return PciAddress::parse(last_component(path));
}

std::optional<PciAddress> parse_loose_address(std::string_view text, bool* any_function) noexcept {
  text = trimmed(text);
  const auto colons = std::ranges::count(text, ':');
  if (colons != 1 && colons != 2) {
    return std::nullopt;
  }
  const auto domain = colons == 2 ? parse_hex<std::uint32_t>(take_until(text, ':'))
                                  : std::optional<std::uint32_t>(0);
  const auto bus = parse_hex<std::uint8_t>(take_until(text, ':'));
  const bool has_function = text.find('.') != std::string_view::npos;
  const auto device = parse_hex<std::uint8_t>(take_until(text, '.'));
  const auto function =
      has_function ? parse_hex<std::uint8_t>(text) : std::optional<std::uint8_t>(std::uint8_t{0});
  constexpr std::uint8_t kMaxDevice = 31;
  constexpr std::uint8_t kMaxFunction = 7;
  if (!domain || !bus || !device || !function || *device > kMaxDevice || *function > kMaxFunction ||
      (!has_function && any_function == nullptr)) {
    return std::nullopt;
  }
  if (any_function != nullptr) {
    *any_function = !has_function;
  }
  return PciAddress{*domain, *bus, *device, *function};
}

}  // namespace irqtune
