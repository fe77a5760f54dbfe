// SPDX-License-Identifier: Apache-2.0
#include "read/vms/qemu_options.h"

#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace irqtune {

namespace {

/// Puts the members into `values`, the last of a key counting; `implied` is the key of a first
/// member that has none.
template <typename Map>
void join(std::string_view text, std::string_view prefix, std::string_view implied, Map& values) {
  const auto options = parse_options(text);
  bool first = true;
  for (const auto& [key, value] : options) {
    const bool bare = first && value.empty() && text.substr(key.size(), 1) != "=";
    values.insert_or_assign(std::string(prefix) + (bare ? std::string(implied) : key),
                            bare ? key : value);
    first = false;
  }
}

/// A number as strtol(3) reads it in base 0: "4", "+4", "0x4", "04".
std::optional<int> any_base(std::string_view text) {
  text = trimmed(text);
  text.remove_prefix(text.starts_with('+') ? 1U : 0U);
  if (text.starts_with("0x") || text.starts_with("0X")) {
    return parse_hex<int>(text);
  }
  constexpr int kOctal = 8;
  return text.size() > 1 && text.starts_with('0') ? parse_number<int>(text, kOctal)
                                                  : parse_number<int>(text);
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

/// Options whose whole value is a drive's file.
bool is_drive_file(std::string_view key) noexcept {
  constexpr std::array<std::string_view, 10> kKeys = {
      "-hda", "-hdb", "-hdc", "-hdd", "-cdrom", "-fda", "-fdb", "-mtdblock", "-sd", "-pflash"};
  return std::ranges::find(kKeys, key) != kKeys.end();
}

}  // namespace

void QemuOptions::take(std::string_view key, std::string_view value) {
  if (key == "-name") {
    take_name(value);
  } else if (key == "-uuid") {
    uuid_ = lower_ascii(value);  // As libvirt writes it.
  } else if (key == "-id") {
    vmid_ = parse_number<int>(value);
  } else if (key == "-machine" || key == "-M") {
    join(value, "", "type", machine_);
  } else if (key == "-smp") {
    join(value, "smp.", "cpus", machine_);
  } else if (key == "-readconfig") {
    config_file_ = true;
  } else if (key == "-device") {
    devices_.push_back(parse_options(value));
    take_node(devices_.back());
  } else if (key == "-netdev") {
    take_node(parse_options(value));
  } else if (key == "-drive" || key == "-blockdev") {
    take_drive(value);
  } else if (is_drive_file(key)) {
    take_disk({{"file", std::string(value)}});
  } else if (key == "-object") {
    take_object(value);
  } else if (key == "-set") {
    take_set(value);
  }
}

void QemuOptions::take_name(std::string_view value) {
  if (value.empty()) {
    return;
  }
  std::map<std::string, std::string> values;
  join(value, "", "guest", values);
  const auto guest = values.find("guest");
  name_ = guest != values.end() ? guest->second : name_;
}

/// Also "file=json:{...}", which QEMU takes for a file's name; not again within that: any process
/// can have any command line.
void QemuOptions::take_drive(std::string_view value) {
  take_disk(parse_options(value));
}

/// driver=nvme with its device, or a file nvme://, at the top or below a format driver
/// ("file.driver=nvme,file.device=0000:04:00.0").
void QemuOptions::take_disk(const std::vector<OptionPair>& options) {
  constexpr std::string_view kDriver = "driver";
  constexpr std::string_view kJson = "json:";
  std::vector<OptionPair> all = options;
  for (const auto& [key, value] : options) {
    const auto json = value.starts_with(kJson) ? std::string_view(value).substr(kJson.size()) : "";
    for (const auto& [inner, text] :
         json.empty() ? std::vector<OptionPair>() : parse_options(json)) {
      all.emplace_back(fmt::format("{}/{}", key, inner), text);
    }
  }
  take_node(all);
  for (const auto& [key, value] : all) {
    auto address = address_of_nvme_url(value);
    if (value == "nvme" && key.ends_with(kDriver)) {
      const auto device = option(all, key.substr(0, key.size() - kDriver.size()) + "device");
      address = parse_loose_address(device);
    }
    if (address) {
      disks_.push_back(*address);
    }
  }
}

/// A node of a vDPA device, "/dev/vhost-vdpa-0", in whatever option.
void QemuOptions::take_node(const std::vector<OptionPair>& options) {
  constexpr std::string_view kNode = "/dev/vhost-vdpa-";
  constexpr std::size_t kDev = 5;
  for (const auto& [key, value] : options) {
    if (value.starts_with(kNode) && parse_number<int>(value.substr(kNode.size()))) {
      vdpa_.push_back(value.substr(kDev));
    }
  }
}

void QemuOptions::take_object(std::string_view value) {
  const auto options = parse_options(value);
  auto type = option(options, "qom-type");
  if (type.empty() && options.front().second.empty()) {
    type = options.front().first;
  }
  const auto id = option(options, "id");
  if (type == "iothread" && !id.empty()) {
    iothreads_.push_back(id);
  }
}

/// "device.hostdev0.host=0000:3b:00.0"
void QemuOptions::take_set(std::string_view value) {
  auto rest = value;
  const auto group = take_until(rest, '.');
  const auto equals = rest.find('=');
  const auto dot = rest.substr(0, equals).rfind('.');
  if (group == "device" && equals != std::string_view::npos && dot != std::string_view::npos) {
    set_[std::string(rest.substr(0, dot))].insert_or_assign(
        std::string(rest.substr(dot + 1, equals - dot - 1)), std::string(rest.substr(equals + 1)));
  }
}

std::optional<int> QemuOptions::smp_number(std::string_view key) const {
  const auto found = machine_.find("smp." + std::string(key));
  const auto number = found != machine_.end() ? any_base(found->second) : std::nullopt;
  return number && *number > 0 && *number < CpuSet::kMaxCpus ? number : std::nullopt;
}

std::optional<int> QemuOptions::vcpus() const {
  for (const auto& [key, value] : machine_) {
    if (key.starts_with("smp.") && !smp_number(key.substr(4))) {
      return std::nullopt;  // QEMU does not start so.
    }
  }
  if (const auto cpus = smp_number("cpus")) {
    return cpus;
  }
  if (const auto most = smp_number("maxcpus")) {
    return most;
  }
  constexpr std::array<std::string_view, 8> kLevels = {
      "drawers", "books", "sockets", "dies", "clusters", "modules", "cores", "threads"};
  std::int64_t product = 1;
  for (const auto level : kLevels) {
    product *= smp_number(level).value_or(1);
    if (product >= CpuSet::kMaxCpus) {
      return std::nullopt;
    }
  }
  return static_cast<int>(product);
}

void QemuOptions::finish_device(const std::vector<OptionPair>& device, VmmCommand& command) const {
  auto driver = option(device, "driver");
  if (driver.empty() && device.front().second.empty()) {
    driver = device.front().first;
  }
  if (!driver.starts_with("vfio-pci")) {
    return;
  }
  const auto changed = set_.find(option(device, "id"));
  const auto value = [&](const std::string& key) {
    const auto set = changed != set_.end() ? changed->second.find(key) : Values::const_iterator{};
    return changed != set_.end() && set != changed->second.end() ? set->second
                                                                 : option(device, key);
  };
  const auto host = value("host");
  const auto address =
      host.empty() ? address_of_path(value("sysfsdev")) : parse_loose_address(host);
  if (address) {
    command.devices.push_back(*address);
  }
}

void QemuOptions::finish(VmmCommand& command) const {
  command.name = name_;
  command.uuid = uuid_;
  command.vmid = vmid_;
  command.iothreads = iothreads_;
  command.vdpa = vdpa_;
  const auto type = machine_.find("type");
  command.probe = type != machine_.end() && type->second == "none";
  const bool told = std::ranges::any_of(
      machine_, [](const auto& member) { return member.first.starts_with("smp."); });
  command.vcpus_told = told;
  command.vcpus = told || !config_file_ ? vcpus() : std::nullopt;
  for (const auto& device : devices_) {
    finish_device(device, command);
  }
  command.devices.insert(command.devices.end(), disks_.begin(), disks_.end());
}

}  // namespace irqtune
