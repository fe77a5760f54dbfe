// SPDX-License-Identifier: Apache-2.0
#include "read/settings/tuned.h"

#include "irqtune/core/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

namespace irqtune {

namespace {

constexpr std::string_view kActive = "/etc/tuned/active_profile";
constexpr std::string_view kPostLoaded = "/etc/tuned/post_loaded_profile";
constexpr std::string_view kMainConfig = "/etc/tuned/tuned-main.conf";
constexpr std::string_view kOwnName = "irqtune";

using Options = std::map<std::string, std::string>;

std::string value_of(const Options& options, const std::string& key, std::string_view otherwise) {
  const auto found = options.find(key);
  return found == options.end() ? std::string(otherwise) : found->second;
}

/// Source: TuneD utils/commands.py, get_bool().
bool is_on(std::string_view value) {
  constexpr std::array<std::string_view, 5> kOn = {"y", "yes", "t", "true", "1"};
  const auto word = lower_ascii(trimmed(value));
  return std::ranges::find(kOn, word) != kOn.end();
}

/// Names that commas, semicolons or blanks part.
std::vector<std::string> names_of(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return c == ',' || c == ';'; }, ' ');
  std::vector<std::string> names;
  for (const auto name : words(text)) {
    names.emplace_back(name);
  }
  return names;
}

/// The value of an inline comment's line, without it: a `#` after a blank.
std::string_view without_comment(std::string_view line) {
  for (auto at = line.find('#'); at != std::string_view::npos; at = line.find('#', at + 1)) {
    if (at == 0 || line[at - 1] == ' ' || line[at - 1] == '\t') {
      return line.substr(0, at);
    }
  }
  return line;
}

/// A section of the merged profile that a plugin carries out.
struct Unit {
  std::string type;
  bool enabled = true;
  Options options;
};

/// The active profiles and those that they include, merged. Each file counts once: one may name
/// itself, or thousands of others.
class Profiles {
 public:
  explicit Profiles(const Sysfs& sysfs) : sysfs_(sysfs) {
    for (const auto& dir : names_of(
             value_of(parse_tuned(sysfs.read(kMainConfig).value_or(""))[""], "profile_dirs", {}))) {
      dirs_.insert(dirs_.begin(), dir);  // The last is looked into first.
    }
    if (dirs_.empty()) {
      dirs_ = {"/etc/tuned/profiles", "/etc/tuned", "/usr/lib/tuned/profiles", "/usr/lib/tuned"};
    }
  }

  void load(const std::vector<std::string>& names) {
    for (const auto& name : names) {
      load_one(name);
    }
  }

  /// What `name` includes by itself.
  [[nodiscard]] std::vector<std::string> included_by(const std::string& name) const {
    auto sections = parse_tuned(sysfs_.read(file_of(name)).value_or(""));
    return names_of(value_of(sections["main"], "include", {}));
  }

  [[nodiscard]] const std::map<std::string, Unit>& units() const noexcept { return units_; }

  [[nodiscard]] const std::vector<std::string>& files() const noexcept { return files_; }

  /// `text` with the variables that profiles set in the place of ${name}.
  [[nodiscard]] std::string expanded(std::string text) const {
    constexpr std::size_t kMostSteps = 20;  // They may name each other in a circle.
    for (std::size_t step = 0; step < kMostSteps; ++step) {
      const auto from = text.find("${");
      const auto to = text.find('}', from);
      const auto known = from == std::string::npos || to == std::string::npos
                             ? variables_.end()
                             : variables_.find(text.substr(from + 2, to - from - 2));
      if (known == variables_.end()) {
        break;
      }
      text.replace(from, to + 1 - from, known->second);
    }
    return text;
  }

  /// Where an administrator's profile goes: since TuneD 2.23 below profiles/.
  [[nodiscard]] std::string own_file() const {
    const bool newer = std::ranges::any_of(dirs_, [&](const std::string& dir) {
      return dir.ends_with("/profiles") && sysfs_.exists(dir);
    });
    const bool configured = dirs_.size() != 4;
    const auto dir = configured ? dirs_.front() : newer ? "/etc/tuned/profiles" : "/etc/tuned";
    return fmt::format("{}/{}/tuned.conf", dir, kOwnName);
  }

 private:
  [[nodiscard]] std::string file_of(std::string_view profile) const {
    for (const auto& dir : dirs_) {
      auto path = fmt::format("{}/{}/tuned.conf", dir, profile);
      if (sysfs_.exists(path)) {
        return path;
      }
    }
    return {};
  }

  void load_one(const std::string& listed) {
    constexpr std::size_t kMostProfiles = 100;
    const auto profile = listed.starts_with('-') ? listed.substr(1) : listed;  // May be missing.
    const bool named = !profile.empty() && profile.find('/') == std::string::npos;
    if (!named || known_.size() >= kMostProfiles || !known_.insert(profile).second) {
      return;
    }
    const auto path = file_of(profile);
    if (path.empty()) {
      return;
    }
    files_.push_back(path);
    auto sections = parse_tuned(sysfs_.read(path).value_or(""));
    load(names_of(expanded(value_of(sections["main"], "include", {}))));
    add_variables(sections["variables"]);
    for (const auto& [name, options] : sections) {
      if (!name.empty() && name != "main" && name != "variables") {
        add_unit(name, options);
      }
    }
  }

  void add_variables_of(const std::string& file) {
    files_.push_back(file);
    for (const auto& [section, values] : parse_tuned(sysfs_.read(file).value_or(""))) {
      for (const auto& [name, value] : values) {
        variables_[name] = value;
      }
    }
  }

  /// Source: TuneD profiles/variables.py: `include` names a file of them.
  void add_variables(const Options& own) {
    const auto file = value_of(own, "include", {});
    if (!file.empty()) {
      add_variables_of(file);
    }
    for (const auto& [name, value] : own) {
      const bool itself = trimmed(value) == fmt::format("${{{}}}", name);
      if (name != "include" && !itself) {
        variables_[name] = value;
      }
    }
  }

  /// Source: TuneD profiles/merger.py, profiles/unit.py.
  void add_unit(const std::string& name, const Options& options) {
    auto& unit = units_[name];
    if (is_on(value_of(options, "replace", {}))) {
      unit = {};
    }
    unit.type = value_of(options, "type", name);
    unit.enabled = is_on(value_of(options, "enabled", "true"));
    for (const auto& [key, value] : options) {
      unit.options[key] = value;
    }
  }

  const Sysfs& sysfs_;
  std::vector<std::string> dirs_;
  std::set<std::string> known_;
  std::map<std::string, Unit> units_;
  Options variables_;
  std::vector<std::string> files_;
};

/// True if the plugin of this section sets interrupt affinities. isolated_cores elsewhere
/// ([variables], [bootloader]) moves nothing. Source: TuneD plugins/plugin_{scheduler,irq}.py
bool moves_interrupts(const Profiles& profiles, const Unit& unit) {
  if (!unit.enabled) {
    return false;
  }
  const auto isolated = profiles.expanded(value_of(unit.options, "isolated_cores", {}));
  return unit.type == "irq" || (unit.type == "scheduler" && !trimmed(isolated).empty() &&
                                is_on(value_of(unit.options, "irq_process", "true")));
}

std::vector<std::string> active_names(const Sysfs& sysfs) {
  auto names = names_of(sysfs.read(kActive).value_or(""));
  for (auto& name : names_of(sysfs.read(kPostLoaded).value_or(""))) {
    names.push_back(std::move(name));
  }
  return names;
}

/// What irqtune's own profile is to include: the active ones; of itself, what it includes already.
std::vector<std::string> included(const Profiles& profiles,
                                  const std::vector<std::string>& active) {
  std::vector<std::string> names;
  for (const auto& name : active) {
    const auto parts = name == kOwnName ? profiles.included_by(name) : std::vector{name};
    std::ranges::copy_if(parts, std::back_inserter(names), [&](const std::string& part) {
      return part != kOwnName && std::ranges::find(names, part) == names.end();
    });
  }
  return names;
}

/// The lines that switch one section's interrupts off.
void switch_off(const std::string& name, const Unit& unit, std::vector<std::string>& advice) {
  advice.push_back(printable(fmt::format("[{}]", name)));
  if (name != unit.type) {
    advice.push_back(printable(fmt::format("type={}", unit.type)));  // Merging sets it anew.
  }
  if (unit.type == "scheduler") {
    advice.insert(advice.end(), {"irq_process=false", "default_irq_smp_affinity=ignore"});
  } else {
    advice.emplace_back("enabled=false");
  }
}

/// A profile that includes the active ones and leaves interrupts alone.
std::vector<std::string> advice_for(const Meddler& meddler,
                                    const Profiles& profiles,
                                    const std::vector<std::string>& active) {
  std::vector<std::string> advice = {
      fmt::format(
          "TuneD (PID {}, {}) sets interrupt affinities whenever its profile is applied. To "
          "keep it off them, mkdir -p {}, and in {}:",
          meddler.pid,
          meddler.detail,
          meddler.config.substr(0, meddler.config.rfind('/')),
          meddler.config),
      "[main]",
      printable(fmt::format("include={}", fmt::join(included(profiles, active), ",")))};
  for (const auto& [name, unit] : profiles.units()) {
    const bool off = std::ranges::find(active, kOwnName) != active.end() &&
                     (unit.type == "irq" || unit.type == "scheduler");  // What it switched off.
    if (moves_interrupts(profiles, unit) || off) {
      switch_off(name, unit, advice);
    }
  }
  advice.emplace_back("tuned-adm profile irqtune");
  return advice;
}

}  // namespace

TunedSections parse_tuned(std::string_view text) {
  TunedSections sections;
  auto* section = &sections[""];
  std::string* value = nullptr;
  for (const auto line : split(text, '\n')) {
    const bool indented = line.starts_with(' ') || line.starts_with('\t');
    auto rest = trimmed(without_comment(line));
    if (rest.empty() || rest.starts_with(';')) {
      continue;
    }
    if (indented && value != nullptr) {
      value->append(" ").append(rest);
    } else if (rest.starts_with('[') && rest.ends_with(']')) {
      section = &sections[std::string(rest.substr(1, rest.size() - 2))];
      value = nullptr;
    } else if (rest.find('=') != std::string_view::npos) {
      const auto key = trimmed(take_until(rest, '='));
      value = &((*section)[std::string(key)] = std::string(trimmed(rest)));
    }
  }
  return sections;
}

Meddler read_tuned(const Sysfs& sysfs, int pid) {
  const auto active = active_names(sysfs);
  Profiles profiles(sysfs);
  profiles.load(active);
  Meddler meddler;
  meddler.name = "tuned";
  meddler.pid = pid;
  meddler.detail = printable(fmt::format("profile {}", fmt::join(active, " ")));
  meddler.would_undo = std::ranges::any_of(profiles.units(), [&](const auto& entry) {
    return moves_interrupts(profiles, entry.second);
  });
  if (meddler.would_undo) {
    meddler.config = profiles.own_file();
    meddler.advice = advice_for(meddler, profiles, active);
  }
  return meddler;
}

std::vector<std::string> tuned_files(const Sysfs& sysfs) {
  Profiles profiles(sysfs);
  profiles.load(active_names(sysfs));
  auto files = profiles.files();
  for (const auto name : {kMainConfig, kPostLoaded, kActive}) {
    if (sysfs.exists(name)) {
      files.emplace_back(name);
    }
  }
  return files;
}

}  // namespace irqtune
