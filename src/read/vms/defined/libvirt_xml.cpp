// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"
#include "irqtune/read/vms/sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include <pugixml.hpp>

namespace irqtune {

namespace {

constexpr std::size_t kMaxSize = std::size_t{4} << 20;
constexpr int kMaxDepth = 256;
constexpr int kMaxVcpus = 1 << 14;  // QEMU knows at most 4096; keeps a bad file cheap.

/// A number as strtoul(3) reads it in base 0: "25", "0x19", "031".
template <std::integral Number>
std::optional<Number> any_base(std::string_view text, Number limit) {
  text = trimmed(text);
  text.remove_prefix(text.starts_with('+') ? 1U : 0U);
  std::optional<Number> value;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    value = parse_hex<Number>(text);
  } else if (text.size() > 1 && text.starts_with('0')) {
    value = parse_number<Number>(text, 8);
  } else {
    value = parse_number<Number>(text);
  }
  return value && *value <= limit ? value : std::nullopt;
}

/// True if elements nest deeper than anything libvirt writes. pugixml walks without recursion,
/// which is what a bad file would be after.
class DepthCheck : public pugi::xml_tree_walker {
 public:
  bool for_each(pugi::xml_node& /*node*/) override { return depth() <= kMaxDepth; }
};

/// The elements below `parent` with the name, of whatever prefix.
std::vector<pugi::xml_node> children_named(pugi::xml_node parent, std::string_view name) {
  std::vector<pugi::xml_node> found;
  for (const auto child : parent.children()) {
    const std::string_view full = child.name();
    if (full.substr(full.find(':') + 1) == name) {
      found.push_back(child);
    }
  }
  return found;
}

/// The elements that a path of names leads to, of all sections that are repeated.
std::vector<pugi::xml_node> all_at(pugi::xml_node parent, const char* section, const char* name) {
  std::vector<pugi::xml_node> found;
  for (const auto part : parent.children(section)) {
    for (const auto child : part.children(name)) {
      found.push_back(child);
    }
  }
  return found;
}

/// All text of an element, which comments may break.
std::string text_of(pugi::xml_node node) {
  std::string text;
  for (const auto part : node.children()) {
    text += part.value();
  }
  return text;
}

/// A number as libvirt reads it: "2", " +2", and nothing behind it.
std::optional<int> count_in(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  text.remove_prefix(text.starts_with('+') ? 1U : 0U);
  return parse_number<int>(text);
}

/// Turns the elements of one domain into values, and notes what cannot be read.
class DomainParser {
 public:
  DomainParser(LibvirtDomain& domain, std::vector<std::string>& warnings, std::string_view path)
      : domain_(domain), warnings_(warnings), path_(path) {}

  void parse(pugi::xml_node node) {
    const auto name = text_of(node.child("name"));
    if (name.find('\n') != std::string::npos) {
      warn("a name of several lines, which libvirt refuses");
    }
    domain_.name = printable(trimmed(name));
    domain_.uuid = printable(trimmed(text_of(node.child("uuid"))));
    parse_vcpus(node);
    parse_pins(node);
    parse_iothreads(node);
    if (const auto memory = node.child("numatune").child("memory")) {
      domain_.numatune =
          LibvirtMemory{printable(memory.attribute("mode").value()),
                        printable(memory.attribute("placement").value()),
                        list(memory.attribute("nodeset"), "list of nodes").value_or(CpuSet{})};
    }
    for (const auto devices : node.children("devices")) {
      parse_devices(devices);
    }
    parse_command_line(node);
  }

  void parse_status(pugi::xml_node status) {
    domain_.live = true;
    domain_.state = printable(status.attribute("state").value());
    domain_.pid = number(status.attribute("pid"), std::numeric_limits<int>::max());
    for (const auto vcpu : status.child("vcpus").children("vcpu")) {
      const auto id = number(vcpu.attribute("id"), kMaxVcpus);
      const auto tid = number(vcpu.attribute("pid"), std::numeric_limits<int>::max());
      if (id && tid && *tid > 0) {
        domain_.vcpu_tids.emplace(*id, *tid);
      }
    }
    domain_.numad = list(status.child("numad").attribute("cpuset"));
  }

 private:
  void warn(std::string_view what) { warnings_.push_back(fmt::format("{}: {}", path_, what)); }

  std::optional<CpuSet> list(pugi::xml_attribute attribute, std::string_view noun = "CPU list") {
    if (!attribute) {
      return std::nullopt;
    }
    auto numbers = parse_libvirt_list(attribute.value());
    if (!numbers) {
      warn(fmt::format("'{}' is not a {}", printable(attribute.value()), noun));
    }
    return numbers;
  }

  std::optional<int> number(pugi::xml_attribute attribute, int limit) {
    if (!attribute) {
      return std::nullopt;
    }
    const auto value = count_in(attribute.value());
    if (!value || *value < 0 || *value > limit) {
      warn(fmt::format("'{}' is not a number that can stand for {}",
                       printable(attribute.value()),
                       attribute.name()));
      return std::nullopt;
    }
    return value;
  }

  void parse_vcpus(pugi::xml_node node) {
    if (const auto vcpu = node.child("vcpu")) {
      const auto count = count_in(text_of(vcpu));
      if (!count || *count < 1 || *count > kMaxVcpus) {
        warn(fmt::format("'{}' is not a number of vCPUs", printable(text_of(vcpu))));
      }
      domain_.vcpus = count && *count >= 1 && *count <= kMaxVcpus ? *count : 1;
      domain_.current = number(vcpu.attribute("current"), kMaxVcpus);
      domain_.cpuset = list(vcpu.attribute("cpuset"));
      parse_placement(vcpu.attribute("placement"));
    }
    for (const auto vcpu : all_at(node, "vcpus", "vcpu")) {
      const auto id = number(vcpu.attribute("id"), kMaxVcpus);
      if (id && std::string_view(vcpu.attribute("enabled").value()) == "yes") {
        domain_.enabled.push_back(*id);
      }
    }
    std::ranges::sort(domain_.enabled);
    if (domain_.enabled.empty() && domain_.current.value_or(0) > domain_.vcpus) {
      warn("more vCPUs at the start than at most, which libvirt refuses");
    }
  }

  /// With "auto", libvirt forgets the cpuset that stands beside it.
  void parse_placement(pugi::xml_attribute attribute) {
    const std::string_view placement = attribute.value();
    if (placement == "auto") {
      domain_.cpuset.reset();
    } else if (attribute && placement != "static") {
      warn(fmt::format("'{}' is no placement of vCPUs", printable(placement)));
      return;
    }
    if (attribute) {
      domain_.placement = placement;
    }
  }

  void add_pin(pugi::xml_node node, const char* key, std::map<int, CpuSet>& pins) {
    if (!node.attribute(key) || !node.attribute("cpuset")) {
      warn(fmt::format("a {} without its {}", node.name(), node.attribute(key) ? "cpuset" : key));
    }
    const auto id = number(node.attribute(key), kMaxVcpus);
    const auto cpus = list(node.attribute("cpuset"));
    if (id && cpus && !pins.insert_or_assign(*id, *cpus).second) {
      warn(fmt::format("two {}s of {}, which libvirt refuses", node.name(), *id));
    }
  }

  /// Of one that is no thread of the domain; of such vCPUs libvirt only forgets the pin.
  void check_iothread_pins() {
    for (const auto& [id, cpus] : domain_.iothreadpin) {
      if (std::ranges::find(domain_.iothread_ids, id) == domain_.iothread_ids.end()) {
        warn(fmt::format("pins iothread {}, which it has not: libvirt refuses that", id));
      }
    }
  }

  void parse_emulator_pins(const std::vector<pugi::xml_node>& pins) {
    for (const auto pin : pins) {
      if (!pin.attribute("cpuset")) {
        warn("an emulatorpin without its cpuset");
      }
      domain_.emulatorpin = list(pin.attribute("cpuset"));
    }
    if (pins.size() > 1) {
      warn("several emulatorpins, which libvirt refuses");
    }
  }

  void parse_pins(pugi::xml_node node) {
    for (const auto pin : all_at(node, "cputune", "vcpupin")) {
      add_pin(pin, "vcpu", domain_.vcpupin);
    }
    for (const auto pin : all_at(node, "cputune", "iothreadpin")) {
      add_pin(pin, "iothread", domain_.iothreadpin);
    }
    parse_emulator_pins(all_at(node, "cputune", "emulatorpin"));
  }

  /// `<iothreads>4</iothreads>` makes 1 to 4, but for what `<iothreadids>` names instead.
  void parse_iothreads(pugi::xml_node node) {
    auto& ids = domain_.iothread_ids;
    for (const auto thread : all_at(node, "iothreadids", "iothread")) {
      if (const auto id = number(thread.attribute("id"), kMaxVcpus)) {
        ids.push_back(*id);
      }
    }
    if (const auto count = node.child("iothreads")) {
      domain_.iothreads = count_in(text_of(count));
      if (!domain_.iothreads || *domain_.iothreads < 0 || *domain_.iothreads > kMaxVcpus) {
        warn(fmt::format("'{}' is not a number of iothreads", printable(text_of(count))));
        domain_.iothreads.reset();
      }
    }
    const auto wanted = static_cast<std::size_t>(domain_.iothreads.value_or(0));
    for (int id = 1; ids.size() < wanted; ++id) {
      if (std::ranges::find(ids, id) == ids.end()) {
        ids.push_back(id);
      }
    }
    std::ranges::sort(ids);
    if (std::ranges::adjacent_find(ids) != ids.end()) {
      warn("two iothreads of one id, which libvirt refuses");
    }
    check_iothread_pins();
  }

  /// The host's side: the address inside `<source>`, not the one beside it.
  void add_source(pugi::xml_node device, std::vector<PciAddress>& addresses) {
    const auto node = device.child("source").child("address");
    if (!node) {
      return;
    }
    const auto field = [&](const char* name, auto limit) {
      const auto attribute = node.attribute(name);
      return attribute ? any_base(attribute.value(), limit) : std::optional(decltype(limit){});
    };
    constexpr std::uint8_t kMaxBus = 0xff;
    constexpr std::uint8_t kMaxSlot = 31;
    constexpr std::uint8_t kMaxFunction = 7;
    const auto domain = field("domain", std::numeric_limits<std::uint32_t>::max());
    const auto bus = field("bus", kMaxBus);
    const auto slot = field("slot", kMaxSlot);
    const auto function = field("function", kMaxFunction);
    if (!domain || !bus || !slot || !function) {
      warn(fmt::format("a {} has no valid host address", device.name()));
      return;
    }
    addresses.push_back({*domain, *bus, *slot, *function});
  }

  /// A disk's images: its own, and those below it.
  void add_nvme(pugi::xml_node image) {
    for (; image; image = image.child("backingStore")) {
      if (std::string_view(image.attribute("type").value()) == "nvme") {
        add_source(image, domain_.nvme_disks);
      }
      const auto data = image.child("source").child("dataStore");
      if (std::string_view(data.attribute("type").value()) == "nvme") {
        add_source(data, domain_.nvme_disks);
      }
    }
  }

  void parse_devices(pugi::xml_node devices) {
    const auto type = [](pugi::xml_node node) {
      return std::string_view(node.attribute("type").value());
    };
    for (const auto device : devices.children()) {
      const std::string_view element = device.name();
      if (element == "hostdev" && type(device) == "pci") {
        add_source(device, domain_.hostdevs);
      } else if (element == "disk") {
        add_nvme(device);
        domain_.vdpa = domain_.vdpa || type(device) == "vhostvdpa";
      } else if (element == "interface" &&
                 (type(device) == "vdpa" || type(device.child("actual")) == "vdpa")) {
        domain_.vdpa = true;
      } else if (element == "interface" && type(device) == "hostdev") {
        add_source(device, domain_.interface_hostdevs);
      } else if (element == "interface" && type(device.child("actual")) == "hostdev") {
        add_source(device.child("actual"), domain_.interface_hostdevs);  // From a network's pool
      }
    }
  }

  /// `<qemu:commandline>`, of whatever prefix: words that libvirt hands to QEMU as they are.
  /// Source: libvirt docs/drvqemu.rst, "Pass-through of arbitrary QEMU commands".
  void parse_command_line(pugi::xml_node node) {
    std::string words("qemu");
    for (const auto& line : children_named(node, "commandline")) {
      for (const auto& arg : children_named(line, "arg")) {
        words += '\0';
        words += arg.attribute("value").value();
      }
    }
    domain_.command_devices = parse_vmm_command(words).devices;
  }

  LibvirtDomain& domain_;
  std::vector<std::string>& warnings_;
  std::string path_;
};

}  // namespace

LibvirtText parse_libvirt_domain(std::string_view text, std::string_view path) {
  LibvirtText result;
  const auto refuse = [&](std::string_view why) {
    result.domain.reset();
    result.warnings.push_back(fmt::format("{}: {}", path, why));
    return result;
  };
  if (text.size() > kMaxSize) {
    return refuse("too large for a libvirt domain");
  }
  if (text.find("<!ENTITY") != std::string_view::npos) {
    return refuse("defines entities, which are not expanded: libvirt reads it otherwise");
  }
  pugi::xml_document document;
  const auto parsed = document.load_buffer(text.data(), text.size());
  if (!parsed) {
    return refuse(fmt::format("not XML: {} at byte {}", parsed.description(), parsed.offset));
  }
  DepthCheck check;
  if (!document.traverse(check)) {
    return refuse("elements nest too deep for a libvirt domain");
  }
  const auto status = document.child("domstatus");
  const auto node = status ? status.child("domain") : document.child("domain");
  if (!node) {
    return refuse("not a libvirt domain");
  }
  if (!std::string_view(node.attribute("xmlns").value()).empty()) {
    return refuse("in a namespace, in which libvirt finds nothing of a domain");
  }
  LibvirtDomain domain;
  DomainParser parser(domain, result.warnings, path);
  parser.parse(node);
  if (status) {
    parser.parse_status(status);
  }
  if (domain.name.empty()) {
    return refuse("a libvirt domain without a name");
  }
  result.domain = std::move(domain);
  return result;
}

}  // namespace irqtune
