// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"
#include "irqtune/read/vms/sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "snapshot/anonymize.h"

namespace irqtune {

namespace {

bool is_one_of(std::string_view word, std::string_view list) {
  return fmt::format(" {} ", list).find(fmt::format(" {} ", word)) != std::string::npos;
}

constexpr std::string_view kElements =
    "domstatus domain name uuid vcpu vcpus numad cputune vcpupin emulatorpin iothreadpin iothreads "
    "iothreadids iothread numatune memory memnode devices hostdev interface disk backingStore "
    "actual source address";

constexpr std::string_view kAttributes =
    "state reason pid id type mode managed placement current cpuset nodeset cellid enabled vcpu "
    "iothread domain bus slot function uuid";

/// Elements whose text is kept as it is.
constexpr std::string_view kTexts = "vcpu iothreads";

/// A tag taken apart: `<name attributes/>` or `</name>`.
struct Tag {
  std::string_view name;
  std::string_view attributes;
  bool closes = false;
  bool is_empty = false;
};

Tag parse_tag(std::string_view inside) {
  Tag tag;
  tag.closes = inside.starts_with('/');
  tag.is_empty = inside.ends_with('/');
  inside.remove_prefix(tag.closes ? 1 : 0);
  inside.remove_suffix(tag.is_empty && !inside.empty() ? 1 : 0);
  const auto end = std::min(inside.find_first_of(" \t\r\n"), inside.size());
  tag.name = inside.substr(0, end);
  tag.attributes = inside.substr(end);
  return tag;
}

std::string kept_attributes(std::string_view text, Aliases& aliases) {
  std::string out;
  while (true) {
    const auto name = trimmed(take_until(text, '='));
    const auto quote = text.find_first_of("'\"");
    const auto end = quote == std::string_view::npos ? quote : text.find(text[quote], quote + 1);
    if (end == std::string_view::npos) {
      return out;
    }
    const auto value = text.substr(quote + 1, end - quote - 1);
    if (is_one_of(name, kAttributes)) {
      out += fmt::format(" {}='{}'", name, aliases.replace_ids(value));
    }
    text.remove_prefix(end + 1);
  }
}

/// The characters that XML escapes.
std::string unescaped(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, char>, 5> kEntities = {
      {{"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}, {"&amp;", '&'}}};
  std::string out;
  while (!text.empty()) {
    const auto* const found = std::ranges::find_if(
        kEntities, [&](const auto& entity) { return text.starts_with(entity.first); });
    out += found != kEntities.end() ? found->second : text.front();
    text.remove_prefix(found != kEntities.end() ? found->first.size() : 1);
  }
  return out;
}

/// Walks over an XML text: calls `text(name, text)` for what stands in an element and `tag(tag)`
/// for each tag; comments and declarations are passed over.
template <typename OnText, typename OnTag>
void each_piece(std::string_view xml, OnText on_text, OnTag on_tag) {
  std::string_view element;
  while (!xml.empty()) {
    on_text(element, take_until(xml, '<'));
    if (xml.starts_with("!--")) {
      const auto end = xml.find("-->");
      xml.remove_prefix(end == std::string_view::npos ? xml.size() : end + 3);
      continue;
    }
    auto end = std::size_t{0};
    for (char quote = '\0'; end < xml.size() && (quote != '\0' || xml[end] != '>'); ++end) {
      const bool is_quote = xml[end] == '\'' || xml[end] == '"';
      quote = quote == xml[end] ? '\0' : quote == '\0' && is_quote ? xml[end] : quote;
    }
    if (end < xml.size() && !xml.starts_with('!') && !xml.starts_with('?')) {
      const auto tag = parse_tag(xml.substr(0, end));
      on_tag(tag);
      element = tag.closes || tag.is_empty ? std::string_view{} : tag.name;
    }
    xml.remove_prefix(std::min(end + 1, xml.size()));
  }
}

/// The passed-through devices that a command line names, as another that names no more.
std::string device_words(const std::vector<PciAddress>& devices,
                         std::string_view before,
                         std::string_view after) {
  std::string out;
  for (const auto& device : devices) {
    out += fmt::format("{0}-device{1}{0}vfio-pci,host={2}{1}", before, after, device.to_string());
  }
  return out;
}

/// What is left of `<qemu:commandline>`; empty if it passes no device through.
std::string command_line_of(std::string_view xml) {
  const auto domain = parse_libvirt_domain(xml, "").domain;
  const auto words = device_words(
      domain ? domain->command_devices : std::vector<PciAddress>{}, "<qemu:arg value='", "'/>");
  return words.empty() ? words : fmt::format("<qemu:commandline>{}</qemu:commandline>", words);
}

/// What is left of `args:`, likewise.
std::string args_of(std::string_view value) {
  std::vector<PciAddress> devices;
  for (const auto& device : parse_proxmox_config(fmt::format("args: {}", value)).devices) {
    devices.push_back(device.address);
  }
  const auto words = device_words(devices, " ", "");
  return words.empty() ? words : fmt::format("args:{}\n", words);
}

constexpr std::string_view kProxmoxKeys =
    "name cores sockets vcpus cpu numa affinity cpulimit cpuunits memory balloon machine template "
    "onboot smbios1";

constexpr std::string_view kMapping = "mapping=";

/// The name that a line of pci.cfg begins a mapping with; empty if it begins none.
std::string_view mapping_heading(std::string_view line) {
  const bool other = line.starts_with('\t') || line.starts_with(' ') || line.starts_with('#');
  return other ? std::string_view{} : take_word(line);
}

/// The parts of a Proxmox value that are kept, each with its own replacements.
std::string kept_parts(std::string_view key, std::string_view value, Aliases& aliases) {
  std::string kept;
  for (const auto part : split(value, ',')) {
    if (key == "smbios1" && !part.starts_with("uuid=")) {
      continue;  // Serial numbers and the like.
    }
    const bool is_mapping = key.starts_with("hostpci") && part.starts_with(kMapping);
    kept += kept.empty() ? "" : ",";
    kept += is_mapping ? fmt::format("{}{}", kMapping, aliases.name(part.substr(kMapping.size())))
                       : aliases.replace_ids(part);
  }
  return kept;
}

/// A mapped device: "id=8086:1521,node=NAME,path=0000:3b:00.0".
std::string kept_map(std::string_view value, std::string_view hostname) {
  constexpr std::string_view kNode = "node=";
  std::string kept;
  for (const auto part : split(value, ',')) {
    const bool is_node = part.starts_with(kNode);
    kept += kept.empty() ? "" : ",";
    kept += !is_node ? part : part.substr(kNode.size()) == hostname ? "node=host" : "node=other";
  }
  return kept;
}

}  // namespace

std::string name_in_domain(std::string_view xml) {
  std::string name;
  int depth = 0;
  int domain_depth = -1;
  each_piece(
      xml,
      [&](std::string_view element, std::string_view text) {
        const bool own = element == "name" && domain_depth >= 0 && depth == domain_depth + 1;
        if (own && name.empty()) {
          name = unescaped(trimmed(text));
        }
      },
      [&](const Tag& tag) {
        depth += tag.closes ? -1 : tag.is_empty ? 0 : 1;
        domain_depth =
            tag.name == "domain" && !tag.closes && domain_depth < 0 ? depth : domain_depth;
      });
  return name;
}

std::string anonymous_domain(std::string_view xml, Aliases& aliases) {
  std::string out;
  auto command_line = command_line_of(xml);
  int domains = 0;  // Open <domain> elements
  int skipped = 0;  // Depth inside an element that is left out.
  each_piece(
      xml,
      [&](std::string_view element, std::string_view text) {
        if (skipped > 0) {
          return;
        }
        if (element == "name") {
          out += aliases.name(unescaped(trimmed(text)));
        } else if (element == "uuid") {
          out += aliases.replace_ids(trimmed(text));
        } else if (is_one_of(element, kTexts)) {
          out += trimmed(text);
        }
      },
      [&](const Tag& tag) {
        const int step = tag.closes ? -1 : tag.is_empty ? 0 : 1;
        if (skipped > 0 || !is_one_of(tag.name, kElements)) {
          skipped = std::max(0, skipped + step);
          return;
        }
        domains += tag.name == "domain" ? step : 0;
        if (tag.closes && tag.name == "domain" && domains == 0) {
          out += std::exchange(command_line, {});
        }
        out += tag.closes ? fmt::format("</{}>\n", tag.name)
                          : fmt::format("<{}{}{}>",
                                        tag.name,
                                        kept_attributes(tag.attributes, aliases),
                                        tag.is_empty ? "/" : "");
      });
  return out;
}

std::vector<std::string> names_in_proxmox(std::string_view config) {
  std::vector<std::string> names;
  for (const auto line : split(config, '\n')) {
    auto value = line;
    const auto key = trimmed(take_until(value, ':'));
    if (key == "name") {
      names.emplace_back(trimmed(value));
    } else if (const auto mapping = value.find(kMapping);
               key.starts_with("hostpci") && mapping != std::string_view::npos) {
      const auto name = value.substr(mapping + kMapping.size());
      names.emplace_back(trimmed(name.substr(0, name.find(','))));
    }
  }
  return names;
}

std::vector<std::string> names_in_mappings(std::string_view config) {
  std::vector<std::string> names;
  for (const auto line : split(config, '\n')) {
    if (const auto name = mapping_heading(line); !name.empty()) {
      names.emplace_back(name);
    }
  }
  return names;
}

std::string anonymous_proxmox(std::string_view config, Aliases& aliases) {
  std::string out;
  for (const auto line : split(config, '\n')) {
    if (line.starts_with('[')) {  // Snapshots: what the VM once was.
      break;
    }
    if (line.starts_with(' ') || line.starts_with('\t')) {
      continue;  // No key: Proxmox passes over it.
    }
    auto value = line;
    const auto key = trimmed(take_until(value, ':'));
    value = trimmed(value);
    if (key == "name") {
      out += fmt::format("name: {}\n", aliases.name(value));
    } else if (key == "args") {
      out += args_of(value);
    } else if (is_one_of(key, kProxmoxKeys) || key.starts_with("hostpci") ||
               key.starts_with("numa")) {
      out += fmt::format("{}: {}\n", key, kept_parts(key, value, aliases));
    }
  }
  return out;
}

std::string anonymous_mappings(std::string_view config,
                               std::string_view hostname,
                               const Aliases& aliases) {
  std::string out;
  for (const auto line : split(config, '\n')) {
    const auto text = trimmed(line);
    if (const auto name = trimmed(mapping_heading(line)); !name.empty()) {
      out += fmt::format("{}\n", aliases.name(name));
    } else if (text.starts_with("map ")) {
      out += fmt::format("\tmap {}\n", kept_map(text.substr(4), hostname));
    }
  }
  return out;
}

}  // namespace irqtune
