// SPDX-License-Identifier: Apache-2.0
#include "read/settings/config_lines.h"

#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>

namespace irqtune {

namespace {

constexpr std::size_t kLargestFile = std::size_t{64} << 10;
constexpr std::size_t kMostFiles = 200;  // Of one directory.
constexpr std::size_t kMostLines = 3;    // Of one file: enough to find the place.

/// Where distributions and administrators keep what runs by itself; `name` is a pattern.
struct Place {
  std::string_view directory;
  std::string_view name;
};

constexpr std::array kPlaces = {
    Place{"/etc", "rc.local"},
    Place{"/etc", "crontab"},
    Place{"/etc", "sysctl.conf"},
    Place{"/etc/rc.d", "rc.local"},
    Place{"/etc/cron.d", "*"},
    Place{"/etc/cron.hourly", "*"},
    Place{"/etc/cron.daily", "*"},
    Place{"/etc/sysctl.d", "*.conf"},
    Place{"/etc/modprobe.d", "*.conf"},
    Place{"/etc/udev/rules.d", "*.rules"},
    Place{"/run/udev/rules.d", "*.rules"},
    Place{"/usr/lib/udev/rules.d", "*.rules"},
    Place{"/etc/systemd/system", "*.service"},
    Place{"/etc/systemd/network", "*.link"},
    Place{"/run/systemd/network", "*.link"},
    Place{"/usr/local/lib/systemd/network", "*.link"},
    Place{"/usr/lib/systemd/network", "*.link"},
    Place{"/etc/network", "interfaces"},
    Place{"/etc/network/interfaces.d", "*"},
    Place{"/etc/network/if-up.d", "*"},
    Place{"/etc/NetworkManager/dispatcher.d", "*"},
    Place{"/etc/libvirt/hooks", "*"},
    Place{"/etc/libvirt/hooks/qemu.d", "*"},
    Place{"/etc/default", "irqbalance"},
    Place{"/etc/sysconfig", "irqbalance"},
    Place{"/var/lib/vz/snippets", "*"},
    Place{"/var/spool/cron/crontabs", "*"},
    Place{"/var/spool/cron", "root"},
};

/// Names under which such scripts go. Source: mlnx-tools, Intel's drivers, seastar, guest-configs.
constexpr std::array<std::string_view, 8> kScripts = {"smp_affinity",
                                                      "irq_affinity",
                                                      "irq-affinity",
                                                      "irqaffinity",
                                                      "mlnx_affinity",
                                                      "mlnx_tune",
                                                      "perftune",
                                                      "google_set_multiqueue"};

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool is_unit(std::string_view file) {
  return file.ends_with(".service");
}

/// True of "echo 3 > $dir/smp_affinity" and "> $file", false of "cat smp_affinity > /tmp/x".
bool redirects_into_mask(std::string_view line) {
  for (auto at = line.find('>'); at != std::string_view::npos; at = line.find('>', at + 1)) {
    auto rest = line.substr(at + 1);
    rest.remove_prefix(std::min(rest.find_first_not_of("> \t\"'"), rest.size()));
    const auto target = rest.substr(0, rest.find_first_of(" \t;&|"));
    if (has(target, "smp_affinity") || target.starts_with('$')) {
      return true;
    }
  }
  return false;
}

/// Reading is no harm; a name of a script has to be run, or written to.
bool sets_affinity(std::string_view line) {
  const bool named = std::ranges::any_of(kScripts, [&](auto name) { return has(line, name); });
  const bool only_reads = has(line, "smp_affinity") && !redirects_into_mask(line) &&
                          !has(line, "tee ") && !has(line, "'w'") && !has(line, "\"w\"") &&
                          !has(line, "write");
  return named && !only_reads;
}

std::optional<std::string> small_file(const Sysfs& sysfs, const std::string& path) {
  auto file = sysfs.read_file(path, kLargestFile);
  const bool text = file.text && file.text->find('\0') == std::string::npos;
  return text ? std::move(file.text) : std::nullopt;
}

/// Collects the lines of files, and of the scripts that these run.
class Scan {
 public:
  explicit Scan(const Sysfs& sysfs) : sysfs_(sysfs) {}

  std::vector<ConfigLine> run() {
    for (const auto& place : kPlaces) {
      files_of(place);
    }
    while (!pending_.empty()) {  // What they run, and what that runs; no chain is too long.
      const auto path = std::move(pending_.back());
      pending_.pop_back();
      file(path);
    }
    std::ranges::sort(
        lines_, {}, [](const ConfigLine& line) { return std::tie(line.file, line.line); });
    return std::move(lines_);
  }

 private:
  void files_of(const Place& place) {
    std::size_t taken = 0;
    const bool links = place.name == "*.link";
    for (const auto& name : sysfs_.list(place.directory)) {
      // Of .link files of one name, the first place's counts. Source: systemd.link(5)
      const bool hidden = links && !link_names_.insert(name).second;
      if (matches_glob(place.name, name) && !hidden && ++taken <= kMostFiles) {
        file(fmt::format("{}/{}", place.directory, name));
      }
    }
  }

  void file(const std::string& path) {
    const auto text =
        seen_.insert(path).second ? small_file(sysfs_, path).value_or("") : std::string{};
    std::size_t number = 0;
    std::size_t taken = 0;
    for (const auto line : split(text, '\n')) {
      ++number;
      auto topic = topic_of(path, line);
      if (!topic && runs_affinity_script(path, line)) {
        topic = ConfigTopic::irq_affinity;
      }
      if (topic && ++taken <= kMostLines) {
        lines_.push_back({*topic, path, number, printable(trimmed(line))});
      }
    }
  }

  /// True if the line names a script that sets affinities; its lines are then taken too.
  bool runs_affinity_script(const std::string& path, std::string_view line) {
    line = trimmed(line);
    if (line.starts_with('#') || (is_unit(path) && !line.starts_with("Exec"))) {
      return false;
    }
    std::string text(line);
    std::ranges::replace_if(
        text, [](char c) { return has("=\"';&|`()", std::string_view(&c, 1)); }, ' ');
    bool found = false;
    for (const auto word : words(text)) {
      found = is_affinity_script(std::string(word)) || found;
    }
    return found;
  }

  bool is_affinity_script(const std::string& path) {
    const auto [known, first] = scripts_.try_emplace(path, false);
    if (first) {
      known->second = sets_affinities(path);
      if (known->second) {
        pending_.push_back(path);
      }
    }
    return known->second;
  }

  [[nodiscard]] bool sets_affinities(const std::string& path) const {
    const bool may_be = path.starts_with('/') && !path.starts_with("/proc/") &&
                        !path.starts_with("/sys/") && !path.starts_with("/dev/");
    const auto script = may_be ? small_file(sysfs_, path) : std::nullopt;
    if (!script || !script->starts_with("#!")) {
      return false;
    }
    const auto own = split(*script, '\n');
    return std::ranges::any_of(own, [&](auto line) { return topic_of(path, line).has_value(); });
  }

  const Sysfs& sysfs_;
  std::set<std::string> seen_;
  std::map<std::string, bool> scripts_;  // Whether they set affinities.
  std::vector<std::string> pending_;     // Of these, what is still to be read.
  std::set<std::string> link_names_;
  std::vector<ConfigLine> lines_;
};

/// The part of a word that says something: "/opt/acme/set_irq_affinity.sh" -> "set_irq_affinity".
std::string known_part(std::string_view word) {
  constexpr std::array<std::string_view, 8> kNames = {"netdev_budget_usecs",
                                                      "netdev_budget",
                                                      "--numa_aware",
                                                      "ethtool",
                                                      "IRQAffinityPolicy",
                                                      "IRQAffinityNUMA",
                                                      "IRQAffinity",
                                                      "ExecStart"};
  const auto is_plain = [](char c) {
    return (c >= '0' && c <= '9') || c == '=' || c == ',' || c == '-' || c == '>';
  };
  for (const auto name : kNames) {
    if (const auto at = word.find(name); at != std::string_view::npos) {
      const auto rest = word.substr(at + name.size());
      const auto end = std::ranges::find_if_not(rest, is_plain) - rest.begin();
      return fmt::format("{}{}", name, rest.substr(0, static_cast<std::size_t>(end)));
    }
  }
  const auto* const script =
      std::ranges::find_if(kScripts, [&](auto name) { return has(word, name); });
  return script != kScripts.end() ? std::string(*script) : "x";
}

}  // namespace

std::optional<ConfigTopic> topic_of(std::string_view file, std::string_view line) {
  line = trimmed(line);
  if (line.empty() || line.starts_with('#') || line.starts_with(';') || has(line, "irqtune")) {
    return std::nullopt;
  }
  if (file.ends_with(".link")) {
    return line.starts_with("IRQAffinity") ? std::optional(ConfigTopic::link) : std::nullopt;
  }
  if (is_unit(file) && !line.starts_with("Exec")) {
    return std::nullopt;
  }
  if (has(line, "--numa_aware")) {
    return ConfigTopic::numa_aware;
  }
  if (has(line, "netdev_budget") && !has(line, "netdev_budget_usecs")) {
    return ConfigTopic::netdev_budget;
  }
  if (has(line, "ethtool") && (has(line, " -X ") || has(line, " --set-rxfh-indir "))) {
    return ConfigTopic::ethtool_hash;
  }
  return sets_affinity(line) ? std::optional(ConfigTopic::irq_affinity) : std::nullopt;
}

bool is_scanned_place(std::string_view file) {
  const auto slash = file.rfind('/');
  return std::ranges::any_of(kPlaces, [&](const Place& place) {
    return file.substr(0, slash) == place.directory &&
           matches_glob(place.name, file.substr(slash + 1));
  });
}

std::vector<ConfigLine> read_config_lines(const Sysfs& sysfs) {
  return Scan(sysfs).run();
}

std::string anonymous_config_line(std::string_view text) {
  constexpr std::array<std::string_view, 11> kKept = {
      "-X", "hkey", "equal", "weight", "default", "start", "=", ">", "tee", "echo", "write"};
  constexpr std::array<std::string_view, 2> kPolicies = {"IRQAffinityPolicy=spread",
                                                         "IRQAffinityPolicy=single"};
  std::string out;
  for (const auto word : words(text)) {
    const bool kept = parse_number<std::uint64_t>(word) ||
                      std::ranges::find(kPolicies, word) != kPolicies.end() ||
                      std::ranges::find(kKept, word) != kKept.end();
    out += out.empty() ? "" : " ";
    out += kept ? std::string(word) : known_part(word);
  }
  return out;
}

}  // namespace irqtune
