// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include "read/settings/config_lines.h"
#include "read/settings/meddlers.h"
#include "read/settings/tuned.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "snapshot/collect.h"

namespace irqtune {

namespace {

std::string_view last_part(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

/// Lines of a configuration that are read: section headers, and these keys.
std::string kept_lines(std::string_view text) {
  constexpr std::array<std::string_view, 10> kKeys = {"include",
                                                      "replace",
                                                      "profile_dirs",
                                                      "isolated_cores",
                                                      "irq_process",
                                                      "type",
                                                      "enabled",
                                                      "irqbalance_config_file",
                                                      "set_multiqueue",
                                                      "ExecStart"};
  std::string out;
  for (const auto line : split(text, '\n')) {
    auto rest = trimmed(line);
    const bool header = rest.starts_with('[');
    const bool assigns = rest.find('=') != std::string_view::npos;
    const auto key = trimmed(take_until(rest, '='));
    if (header || (assigns && std::ranges::find(kKeys, key) != kKeys.end())) {
      out.append(trimmed(line)).append("\n");
    }
  }
  return out;
}

/// Copies what is left of a file's text, where the file really is, with the links on the way.
class ConfigCollector {
 public:
  ConfigCollector(const Sysfs& sysfs, Collector& collector, bool anonymous)
      : sysfs_(sysfs), collector_(collector), anonymous_(anonymous) {}

  void run() {
    take_tuned();
    take_kept("/etc/default/instance_configs.cfg");
    take_kept("/etc/crio/crio.conf");
    for (const auto& name : sysfs_.list("/etc/crio/crio.conf.d")) {
      take_kept(fmt::format("/etc/crio/crio.conf.d/{}", name));
    }
    take_lines();
    for (const std::string_view folder : {"/etc", "/run", "/usr/lib", "/lib"}) {
      const auto unit = fmt::format("{}/systemd/system/irqbalance.service", folder);
      take_kept(unit);
      for (const auto& name : sysfs_.list(unit + ".d")) {
        take_kept(fmt::format("{}.d/{}", unit, name));
      }
    }
    take_capabilities();
    if (const auto text = sysfs_.read("/proc/net/softnet_stat")) {
      collector_.add("/proc/net/softnet_stat", *text + "\n");  // Below a link to the reader itself.
    }
  }

 private:
  /// `text` in the place of the file at `path`; under another name if `name` is not empty.
  void put(const std::string& path, std::string text, const std::string& name = {}) {
    const auto real = sysfs_.resolve(path);
    if (!real || collector_.items().contains(*real)) {
      return;
    }
    if (!name.empty()) {
      collector_.add(fmt::format("{}/{}", path.substr(0, path.rfind('/')), name), std::move(text));
      return;
    }
    collector_.add(*real, std::move(text));
    collector_.take(path);
  }

  void take_kept(const std::string& path) {
    const auto text = sysfs_.read(path);
    if (text && !kept_lines(*text).empty()) {
      put(path, kept_lines(*text), anonymous_name(path));
    }
  }

  /// A profile of the owner's own is named by him.
  std::string profile_name(std::string_view profile) {
    const bool stock = sysfs_.exists(fmt::format("/usr/lib/tuned/{}/tuned.conf", profile)) ||
                       sysfs_.exists(fmt::format("/usr/lib/tuned/profiles/{}/tuned.conf", profile));
    if (!anonymous_ || stock) {
      return std::string(profile);
    }
    const auto number = profiles_.size() + 1;
    return profiles_.try_emplace(std::string(profile), fmt::format("profile{}", number))
        .first->second;
  }

  /// A file of variables is named after its profile: "/etc/tuned/cpu-partitioning-variables.conf".
  std::string variables_file(std::string_view path) {
    constexpr std::string_view kEnding = "-variables.conf";
    auto profile = last_part(path);
    profile.remove_suffix(profile.ends_with(kEnding) ? kEnding.size() : 0);
    const auto name = profile_name(profile);
    return name == profile ? std::string(path) : fmt::format("/etc/tuned/{}{}", name, kEnding);
  }

  std::string include_line(std::string_view line) {
    static_cast<void>(take_until(line, '='));
    std::string out = "include=";
    for (const auto word : words(line)) {
      const bool file = word.find('/') != std::string_view::npos;
      out += (file ? variables_file(word) : profile_name(word.substr(0, word.find(',')))) + " ";
    }
    return out;
  }

  std::string with_profile_names(std::string_view text) {
    std::string out;
    for (const auto line : split(text, '\n')) {
      out += line.starts_with("include") ? include_line(line) : std::string(line);
      out += "\n";
    }
    return out;
  }

  std::string active_profiles(std::string_view text) {
    std::string names;
    for (const auto word : words(text)) {
      names += names.empty() ? "" : " ";
      names += profile_name(word);
    }
    return names;
  }

  void take_tuned() {
    for (const auto& path : tuned_files(sysfs_)) {
      const auto text = sysfs_.read(path).value_or("");
      if (last_part(path).ends_with("_profile")) {  // The active ones, and one loaded after them.
        put(path, active_profiles(text) + "\n");
        continue;
      }
      if (last_part(path) != "tuned.conf") {
        const bool variables = last_part(path) != "tuned-main.conf";
        collector_.add(variables ? variables_file(path) : path, kept_lines(text));
        continue;
      }
      const auto directory = path.substr(0, path.rfind('/'));
      const auto name = profile_name(last_part(directory));
      if (name == last_part(directory)) {
        put(path, kept_lines(text));
      } else {
        collector_.add(
            fmt::format("{}/{}/tuned.conf", directory.substr(0, directory.rfind('/')), name),
            with_profile_names(kept_lines(text)));
      }
    }
  }

  /// What the devices that user space drives could interrupt by. Cut off before the extended part,
  /// which has serial numbers.
  void take_capabilities() {
    constexpr std::string_view kDevices = "/sys/bus/pci/devices";
    constexpr std::size_t kConventional = 256;
    for (const auto& name : sysfs_.list(kDevices)) {
      const auto directory = fmt::format("{}/{}", kDevices, name);
      const auto driver = sysfs_.link_target(directory + "/driver").value_or("");
      const auto path = directory + "/config";
      const auto text = last_part(driver).find("vfio") != std::string_view::npos
                            ? sysfs_.read_file(path).text
                            : std::nullopt;
      if (text) {
        put(path, text->substr(0, kConventional));
      }
    }
  }

  /// The scanned lines, each at its place in an otherwise empty file.
  void take_lines() {
    std::map<std::string, std::string> texts;
    std::map<std::string, std::size_t> lengths;
    for (const auto& line : read_config_lines(sysfs_)) {
      auto& length = lengths[line.file];
      texts[line.file] += std::string(line.line - length - 1, '\n') + text_of(line) + "\n";
      length = line.line;
    }
    for (auto& [path, text] : texts) {
      if (is_scanned_place(path)) {
        put(path, std::move(text), anonymous_name(path));
      } else if (!anonymous_) {
        put(path, "#!" + text);  // A script whose first line was left out.
      }
    }
  }

  [[nodiscard]] std::string text_of(const ConfigLine& line) const {
    if (!anonymous_) {
      return line.text;
    }
    auto text = anonymous_config_line(line.text);
    // A line that runs a script which is left out still says what it does.
    return topic_of(line.file, text) ? text : text + " irq_affinity";
  }

  /// A name that says nothing, in the order of the names; empty where it may stay.
  std::string anonymous_name(std::string_view path) {
    constexpr std::array<std::string_view, 7> kCommon = {"rc.local",
                                                         "crontab",
                                                         "sysctl.conf",
                                                         "irqbalance",
                                                         "irqbalance.service",
                                                         "crio.conf",
                                                         "instance_configs.cfg"};
    const auto name = last_part(path);
    const bool common = std::ranges::find(kCommon, name) != kCommon.end();
    if (!anonymous_ || common || path.starts_with("/usr/lib/")) {
      return {};
    }
    const auto dot = std::min(name.rfind('.'), name.size());
    return fmt::format("file{:03}{}", ++files_, name.substr(dot));
  }

  const Sysfs& sysfs_;
  Collector& collector_;
  bool anonymous_;
  std::size_t files_ = 0;
  std::map<std::string, std::string> profiles_;
};

}  // namespace

void take_config(const Sysfs& sysfs, Collector& collector, bool anonymous) {
  ConfigCollector(sysfs, collector, anonymous).run();
}

}  // namespace irqtune
