// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"
#include "irqtune/read/vms/sources.h"

#include "read/vms/options.h"
#include "read/vms/sources.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace irqtune {

namespace {

std::string_view last_component(std::string_view path) noexcept {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

/// The host's PCI device behind "/sys/bus/pci/devices/0000:3b:00.0/".
std::optional<PciAddress> address_of_path(std::string_view path) {
  while (path.ends_with('/')) {
    path.remove_suffix(1);
  }
  return PciAddress::parse(last_component(path));
}

void add_device(VmmCommand& command, const std::optional<PciAddress>& address) {
  if (address) {
    command.devices.push_back(*address);
  }
}

/// The device of "nvme://0000:04:00.0/1", which QEMU drives itself, through vfio.
/// Source: QEMU block/nvme.c, nvme_parse_filename().
std::optional<PciAddress> address_of_nvme_url(std::string_view url) {
  constexpr std::string_view kScheme = "nvme://";
  return url.starts_with(kScheme)
             ? parse_loose_address(
                   url.substr(kScheme.size(), url.find('/', kScheme.size()) - kScheme.size()))
             : std::nullopt;
}

/// The disks of -drive and -blockdev: driver=nvme with its device, or a file nvme://, at the top or
/// below a format driver ("file.driver=nvme,file.device=0000:04:00.0").
void add_disk_options(VmmCommand& command, const std::vector<OptionPair>& options) {
  constexpr std::string_view kDriver = "driver";
  std::map<std::string_view, std::string_view> first;
  for (const auto& [key, value] : options) {
    first.try_emplace(key, value);
  }
  for (const auto& [key, value] : options) {
    if (value == "nvme" && key.ends_with(kDriver)) {
      const auto device = first.find(key.substr(0, key.size() - kDriver.size()) + "device");
      add_device(command,
                 device != first.end() ? parse_loose_address(device->second) : std::nullopt);
    }
    add_device(command, address_of_nvme_url(value));
  }
}

/// Also "file=json:{...}", which QEMU takes for a file's name; not again within that: any process
/// can have any command line.
void add_qemu_disk(VmmCommand& command, std::string_view text) {
  constexpr std::string_view kJson = "json:";
  const auto options = parse_options(text);
  add_disk_options(command, options);
  for (const auto& [key, value] : options) {
    if (value.starts_with(kJson)) {
      add_disk_options(command, parse_options(std::string_view(value).substr(kJson.size())));
    }
  }
}

void add_qemu_device(VmmCommand& command, std::string_view text) {
  const auto options = parse_options(text);
  auto driver = option(options, "driver");
  if (driver.empty() && !options.empty() && options.front().second.empty()) {
    driver = options.front().first;
  }
  if (driver.starts_with("vfio-pci")) {
    const auto host = option(options, "host");
    add_device(
        command,
        host.empty() ? address_of_path(option(options, "sysfsdev")) : parse_loose_address(host));
  }
}

void set_qemu_name(VmmCommand& command, std::string_view text) {
  const auto options = parse_options(text);
  command.name = option(options, "guest");
  if (command.name.empty() && options.front().second.empty()) {
    command.name = options.front().first;
  }
}

void set_vcpus(VmmCommand& command, std::string_view text) {
  for (const auto& [key, value] : parse_options(text)) {
    const bool counts = key == "cpus" || key == "boot" || key == "num-cores";
    const auto number = parse_number<int>(counts ? value : value.empty() ? key : "");
    if (number && *number > 0 && *number < CpuSet::kMaxCpus && !command.vcpus) {
      command.vcpus = number;
    }
  }
}

/// -smp; without a number of CPUs it is the greatest one, and without that the number of threads.
/// Source: QEMU hw/core/machine-smp.c, machine_parse_smp_config().
void set_qemu_vcpus(VmmCommand& command, std::string_view text) {
  set_vcpus(command, text);
  const auto options = parse_options(text);
  const auto most = parse_number<std::int64_t>(option(options, "maxcpus"));
  std::int64_t product = most.value_or(1);
  bool given = most.has_value();
  for (const auto& [key, value] : options) {
    constexpr std::array<std::string_view, 7> kLevels = {
        "drawers", "books", "sockets", "dies", "clusters", "cores", "threads"};
    const auto number = parse_number<int>(value).value_or(0);
    if (std::ranges::find(kLevels, key) != kLevels.end() && number > 0 && !most &&
        product < CpuSet::kMaxCpus) {
      product *= number;
      given = true;
    }
  }
  if (given && !command.vcpus && product > 0 && product < CpuSet::kMaxCpus) {
    command.vcpus = static_cast<int>(product);
  }
}

/// True of a socket's name that tells nothing of the VM: "api", "clh-api".
bool is_common_socket(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 9> kNames = {
      "api", "clh-api", "ch-api", "ch", "clh", "sock", "socket", "cloud-hypervisor", "crosvm"};
  return std::ranges::find(kNames, name) != kNames.end();
}

/// "/run/ch/web.sock", "path=/run/ch/web.sock" or "/run/vc/vm/web/clh-api.sock" -> "web":
/// cloud-hypervisor's VMs have no name.
void set_socket_name(VmmCommand& command, std::string_view text) {
  const auto options = parse_options(text);
  const auto given = option(options, "path");
  const std::string_view path = given.empty() ? options.front().first : given;
  auto name = last_component(path);
  if (const auto dot = name.rfind('.'); dot != std::string_view::npos && dot > 0) {
    name = name.substr(0, dot);
  }
  const auto directory = path.substr(0, path.rfind('/'));
  if (is_common_socket(name) && directory.find_last_not_of('/') != std::string_view::npos &&
      directory.size() < path.size()) {
    name = last_component(directory);
  }
  if (command.name.empty()) {
    command.name = name;
  }
}

void take_qemu_option(VmmCommand& command, std::string_view key, std::string_view value) {
  if (key == "-name") {
    set_qemu_name(command, value);
  } else if (key == "-uuid") {
    command.uuid = lower_ascii(value);  // As libvirt writes it.
  } else if (key == "-id") {
    command.vmid = parse_number<int>(value);
  } else if (key == "-machine" || key == "-M") {
    command.probe = value == "none" || value.starts_with("none,");
  } else if (key == "-smp") {
    set_qemu_vcpus(command, value);
  } else if (key == "-device") {
    add_qemu_device(command, value);
  } else if (key == "-drive" || key == "-blockdev") {
    add_qemu_disk(command, value);
  }
}

void take_other_option(VmmCommand& command, std::string_view key, std::string_view value) {
  if (key == "--id" || key == "--name") {
    command.name = value;
  } else if (key == "--api-socket" || key == "--socket") {
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

VmmCommand parse_vmm_command(std::string_view cmdline) {
  VmmCommand command;
  command.program = last_component(take_until(cmdline, '\0'));
  command.qemu = command.program.find("qemu") != std::string::npos || command.program == "kvm";
  std::string key;
  while (!cmdline.empty()) {
    auto word = take_until(cmdline, '\0');
    if (word.starts_with('-') && word.size() > 1 && !take_option_name(key, word, command.qemu)) {
      continue;
    }
    if (command.qemu) {
      take_qemu_option(command, key, word);
    } else {
      take_other_option(command, key, word);
    }
    if (!takes_many(key)) {
      key.clear();
    }
  }
  sort_unique(command.devices);
  return command;
}

std::optional<int> vcpu_of_thread(std::string_view comm) noexcept {
  std::string_view number;
  if (comm.starts_with("CPU ")) {
    auto rest = comm.substr(4);
    number = take_until(rest, '/');
    if (rest.empty()) {
      return std::nullopt;
    }
  } else {
    for (const std::string_view prefix : {"vcpu", "fc_vcpu ", "crosvm_vcpu", "kvm-vcpu-"}) {
      number = comm.starts_with(prefix) ? comm.substr(prefix.size()) : number;
    }
  }
  const auto vcpu = parse_number<int>(number);
  return vcpu && *vcpu >= 0 ? vcpu : std::nullopt;
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
