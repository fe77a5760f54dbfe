// SPDX-License-Identifier: Apache-2.0
#include "read/settings/config_lines.h"

#include "irqtune/core/text.h"

#include "read/settings/script_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <set>
#include <tuple>

namespace irqtune {

namespace {

constexpr std::size_t kLargestFile = std::size_t{64} << 10;
constexpr std::size_t kMostFiles = 200;     // Of one directory.
constexpr std::size_t kMostLines = 3;       // Of one script.
constexpr std::size_t kMostLinkLines = 32;  // Of a .link file: all of them count together.

/// Where distributions and administrators keep what runs by itself; `name` is a pattern, and so may
/// be the last part of `directory`.
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
    Place{"/etc/cron.weekly", "*"},
    Place{"/etc", "anacrontab"},
    Place{"/etc/sysctl.d", "*.conf"},
    Place{"/etc/modprobe.d", "*.conf"},
    Place{"/etc/udev/rules.d", "*.rules"},
    Place{"/run/udev/rules.d", "*.rules"},
    Place{"/usr/lib/udev/rules.d", "*.rules"},
    Place{"/lib/udev/rules.d", "*.rules"},
    Place{"/etc/systemd/system", "*.service"},
    Place{"/etc/systemd/system/*.service.d", "*.conf"},
    Place{"/run/systemd/system", "*.service"},
    Place{"/run/systemd/system/*.service.d", "*.conf"},
    Place{"/usr/local/lib/systemd/system", "*.service"},
    Place{"/usr/lib/systemd/system/*.service.d", "*.conf"},
    Place{"/lib/systemd/system/*.service.d", "*.conf"},
    Place{"/lib/systemd/system", "*irq*.service"},
    Place{"/lib/systemd/system", "*affinity*.service"},
    Place{"/lib/systemd/system", "*tun*.service"},
    Place{"/lib/systemd/system-sleep", "*"},
    Place{"/usr/lib/systemd/system", "*irq*.service"},
    Place{"/usr/lib/systemd/system", "*affinity*.service"},
    Place{"/usr/lib/systemd/system", "*tun*.service"},
    Place{"/usr/lib/systemd/system-sleep", "*"},
    Place{"/etc/systemd/network", "*.link"},
    Place{"/etc/systemd/network/*.link.d", "*.conf"},
    Place{"/run/systemd/network", "*.link"},
    Place{"/usr/local/lib/systemd/network", "*.link"},
    Place{"/usr/lib/systemd/network", "*.link"},
    Place{"/etc/network", "interfaces"},
    Place{"/etc/network/interfaces.d", "*"},
    Place{"/run/systemd/network/*.link.d", "*.conf"},
    Place{"/usr/lib/systemd/network/*.link.d", "*.conf"},
    Place{"/etc/network/if-pre-up.d", "*"},
    Place{"/etc/network/if-up.d", "*"},
    Place{"/etc/NetworkManager/dispatcher.d", "*"},
    Place{"/usr/lib/NetworkManager/dispatcher.d", "*"},
    Place{"/etc/networkd-dispatcher/*.d", "*"},
    Place{"/usr/lib/networkd-dispatcher/*.d", "*"},
    Place{"/sbin", "ifup-local"},
    Place{"/etc/init.d", "*"},
    Place{"/etc/rc.d/init.d", "*"},
    Place{"/etc/local.d", "*"},
    Place{"/etc/tuned/*", "*.sh"},
    Place{"/etc/tuned/profiles/*", "*.sh"},
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
  return file.ends_with(".service") || has(file, ".service.d/");
}

bool is_link(std::string_view file) {
  return file.ends_with(".link") || has(file, ".link.d/");
}

/// Reading is no harm; a name of a script has to be run, or written to.
bool sets_affinity(std::string_view line, const std::vector<std::string_view>& lines) {
  if (runs_tuna(line)) {
    return true;
  }
  const bool named = std::ranges::any_of(kScripts, [&](auto name) { return has(line, name); });
  const bool only_reads = has(line, "smp_affinity") && !writes_mask(line, lines) &&
                          !has(line, "'w'") && !has(line, "\"w\"") && !has(line, "write");
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
    if (merged_ && place.directory.starts_with("/lib/")) {
      return;  // The same files as below /usr/lib.
    }
    for (const auto& directory : directories_of(place.directory)) {
      files_in(directory, place.name);
    }
  }

  /// What a pattern in the last part stands for.
  [[nodiscard]] std::vector<std::string> directories_of(std::string_view pattern) const {
    if (!has(pattern, "*")) {
      return {std::string(pattern)};
    }
    const auto slash = pattern.rfind('/');
    std::vector<std::string> directories;
    for (const auto& name : sysfs_.list(pattern.substr(0, slash))) {
      if (matches_glob(pattern.substr(slash + 1), name) && directories.size() < kMostFiles) {
        directories.push_back(fmt::format("{}/{}", pattern.substr(0, slash), name));
      }
    }
    return directories;
  }

  void files_in(const std::string& directory, std::string_view pattern) {
    std::size_t taken = 0;
    const bool links = pattern == "*.link";
    for (const auto& name : sysfs_.list(directory)) {
      // Of .link files of one name, the first place's counts. Source: systemd.link(5)
      const bool hidden = links && !link_names_.insert(name).second;
      if (matches_glob(pattern, name) && !hidden && ++taken <= kMostFiles) {
        file(fmt::format("{}/{}", directory, name));
      }
    }
  }

  void file(const std::string& path) {
    const auto text =
        seen_.insert(path).second ? small_file(sysfs_, path).value_or("") : std::string{};
    const auto lines = split(text, '\n');
    std::map<std::size_t, ConfigTopic> found;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      auto topic = topic_of(path, lines[i], lines);
      if (!topic && runs_affinity_script(path, lines[i])) {
        topic = ConfigTopic::irq_affinity;
      }
      if (topic) {
        found.emplace(i, *topic);
      }
    }
    for (const auto i : is_script(path) ? writing_lines(lines) : std::vector<std::size_t>()) {
      found.emplace(i, ConfigTopic::irq_affinity);
    }
    for (const auto i : worst_of(path, lines, found)) {
      lines_.push_back({found.at(i), path, i + 1, printable(trimmed(lines[i]))});
    }
  }

  /// A shell's or another language's program, of which lines mean something together.
  [[nodiscard]] static bool is_script(std::string_view path) {
    constexpr std::array<std::string_view, 3> kOthers = {".conf", ".rules", ".link"};
    return !is_unit(path) && std::ranges::none_of(kOthers, [&](std::string_view ending) {
      return path.ends_with(ending);
    });
  }

  /// The lines of a file that say most, by number.
  [[nodiscard]] static std::vector<std::size_t> worst_of(
      std::string_view path,
      const std::vector<std::string_view>& lines,
      const std::map<std::size_t, ConfigTopic>& found) {
    std::vector<std::size_t> numbers;
    numbers.reserve(found.size());
    for (const auto& [number, topic] : found) {
      numbers.push_back(number);
    }
    std::ranges::stable_sort(
        numbers, std::greater<>(), [&](std::size_t number) { return reach_of(lines[number]); });
    numbers.resize(std::min(numbers.size(), is_link(path) ? kMostLinkLines : kMostLines));
    std::ranges::sort(numbers);
    return numbers;
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
    return !writing_lines(own).empty() || std::ranges::any_of(own, [&](auto line) {
      return topic_of(path, line, own).has_value();
    });
  }

  const Sysfs& sysfs_;
  bool merged_ = sysfs_.link_name("/lib").has_value();
  std::set<std::string> seen_;
  std::map<std::string, bool> scripts_;  // Whether they set affinities.
  std::vector<std::string> pending_;     // Of these, what is still to be read.
  std::set<std::string> link_names_;
  std::vector<ConfigLine> lines_;
};

/// The part of a word that says something: "/opt/acme/set_irq_affinity.sh" -> "set_irq_affinity".
std::string known_part(std::string_view word) {
  if (const auto known = tuna_word(word); !known.empty()) {
    return fmt::format("{}{}", word.starts_with("Exec") ? "ExecStart=" : "", known);
  }
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
  constexpr std::array<std::string_view, 6> kWrites = {
      "write(", "write_text(", "of=", "\"w\"", "'w'", "find"};
  const auto* const writes =
      std::ranges::find_if(kWrites, [&](auto name) { return has(word, name); });
  if (const bool mask = has(word, "smp_affinity"); !mask && writes != kWrites.end()) {
    return fmt::format("{}{}", *writes, *writes == "of=" && has(word, "$") ? "$x" : "");
  }
  if (has(word, "'>',") || has(word, "\">\",")) {
    return "'>',";  // Perl's open.
  }
  const bool unknown = has(word, "$") || has(word, "{}") || has(word, "/proc/irq/");
  if (unknown && !has(word, "affinity")) {
    return has(word, ">") ? ">$x" : "$x";
  }
  if (has(word, "smp_affinity") && has(word, "write")) {
    return "write smp_affinity";
  }
  const auto* const script =
      std::ranges::find_if(kScripts, [&](auto name) { return has(word, name); });
  return script != kScripts.end() ? std::string(*script) : "x";
}

}  // namespace

std::optional<ConfigTopic> topic_of(std::string_view file, std::string_view line) {
  return topic_of(file, line, {line});
}

std::optional<ConfigTopic> topic_of(std::string_view file,
                                    std::string_view line,
                                    const std::vector<std::string_view>& lines) {
  line = trimmed(line);
  if (is_comment(line) || has(line, "irqtune")) {
    return std::nullopt;
  }
  if (is_link(file)) {
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
  return sets_affinity(line, lines) ? std::optional(ConfigTopic::irq_affinity) : std::nullopt;
}

bool is_scanned_place(std::string_view file) {
  const auto slash = file.rfind('/');
  return std::ranges::any_of(kPlaces, [&](const Place& place) {
    return matches_glob(place.directory, file.substr(0, slash)) &&
           matches_glob(place.name, file.substr(slash + 1));
  });
}

std::vector<ConfigLine> read_config_lines(const Sysfs& sysfs) {
  return Scan(sysfs).run();
}

std::string anonymous_config_line(std::string_view text) {
  constexpr std::array<std::string_view, 13> kKept = {"-X",
                                                      "hkey",
                                                      "equal",
                                                      "weight",
                                                      "default",
                                                      "start",
                                                      "=",
                                                      ">",
                                                      "tee",
                                                      "echo",
                                                      "write",
                                                      "cp",
                                                      "install"};
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
