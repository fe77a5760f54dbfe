// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/settings/meddlers.h"

#include "irqtune/core/text.h"

#include "read/settings/meddlers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string_view>

namespace irqtune {

namespace {

constexpr std::string_view kActiveProfile = "/etc/tuned/active_profile";

/// The file of a TuneD profile; where administrators put theirs comes first. Empty if it has none.
std::string profile_file(const Sysfs& sysfs, std::string_view profile) {
  constexpr std::array kDirs = {
      "/etc/tuned/profiles", "/etc/tuned", "/usr/lib/tuned/profiles", "/usr/lib/tuned"};
  for (const std::string_view dir : kDirs) {
    auto path = fmt::format("{}/{}/tuned.conf", dir, profile);
    if (sysfs.exists(path)) {
      return path;
    }
  }
  return {};
}

/// What a profile and those it includes say of interrupts.
struct TunedIrqs {
  bool isolates = false;        ///< [scheduler] isolated_cores
  std::optional<bool> process;  ///< [scheduler] irq_process, true if nobody says
  bool plugin = false;          ///< An [irq] section

  /// A later line wins, as in TuneD.
  void add(const TunedIrqs& later) {
    isolates = isolates || later.isolates;
    process = later.process ? later.process : process;
    plugin = plugin || later.plugin;
  }
};

/// Reads profiles, each once: a file may name itself, or thousands of others.
class TunedProfiles {
 public:
  explicit TunedProfiles(const Sysfs& sysfs) : sysfs_(sysfs) {}

  TunedIrqs read_all(std::string_view names) {
    TunedIrqs irqs;
    for (const auto name : words(names)) {
      irqs.add(read(std::string(name)));
    }
    return irqs;
  }

  [[nodiscard]] std::vector<std::string> take_files() { return std::move(files_); }

 private:
  TunedIrqs read(const std::string& profile) {
    constexpr std::size_t kMostProfiles = 100;
    if (const auto known = known_.find(profile); known != known_.end()) {
      return known->second;  // Nothing yet, of one that includes itself.
    }
    if (known_.size() >= kMostProfiles || profile.find('/') != std::string::npos) {
      return {};
    }
    known_[profile] = {};
    files_.push_back(profile_file(sysfs_, profile));
    const auto text = sysfs_.read(files_.back()).value_or("");
    auto parents = assigned(text, "include").value_or("");
    std::ranges::replace(parents, ',', ' ');
    auto irqs = read_all(parents);
    irqs.add(own_irqs(text));
    known_[profile] = irqs;
    return irqs;
  }

  static TunedIrqs own_irqs(std::string_view text) {
    TunedIrqs irqs;
    irqs.isolates = !assigned(text, "isolated_cores").value_or("").empty();
    irqs.plugin = text.find("[irq]") != std::string_view::npos || assigned(text, "type") == "irq";
    const auto process = assigned(text, "irq_process").value_or("");
    if (!process.empty()) {
      irqs.process = process == "true" || process == "1" || process == "yes";
    }
    return irqs;
  }

  const Sysfs& sysfs_;
  std::map<std::string, TunedIrqs> known_;
  std::vector<std::string> files_;
};

/// Where an administrator's profile goes: since TuneD 2.23 below profiles/.
std::string own_profile(const Sysfs& sysfs) {
  const bool newer = sysfs.exists("/usr/lib/tuned/profiles") || sysfs.exists("/etc/tuned/profiles");
  return newer ? "/etc/tuned/profiles/irqtune/tuned.conf" : "/etc/tuned/irqtune/tuned.conf";
}

/// A profile that includes the active ones and leaves interrupts alone.
/// Source: TuneD profiles/loader.py (`include` takes commas), plugins/plugin_scheduler.py.
std::vector<std::string> tuned_advice(const Meddler& meddler,
                                      std::string_view active,
                                      bool has_plugin) {
  std::vector<std::string> advice = {
      fmt::format(
          "TuneD (PID {}, {}) sets interrupt affinities whenever its profile is applied. To "
          "keep it off them, mkdir -p {}, and in {}:",
          meddler.pid,
          meddler.detail,
          meddler.config.substr(0, meddler.config.rfind('/')),
          meddler.config),
      "[main]",
      printable(fmt::format("include={}", fmt::join(words(active), ","))),
      "[scheduler]",
      "irq_process=false",
      "default_irq_smp_affinity=ignore"};
  if (has_plugin) {
    advice.insert(advice.end(), {"[irq]", "enabled=false"});
  }
  advice.emplace_back("tuned-adm profile irqtune");
  return advice;
}

Meddler tuned(const Sysfs& sysfs, int pid) {
  const auto active = sysfs.read(kActiveProfile).value_or("");
  const auto irqs = TunedProfiles(sysfs).read_all(active);
  Meddler meddler;
  meddler.name = "tuned";
  meddler.pid = pid;
  meddler.detail = fmt::format("profile {}", printable(trimmed(active)));
  meddler.would_undo = irqs.plugin || (irqs.isolates && irqs.process.value_or(true));
  if (meddler.would_undo) {
    meddler.config = own_profile(sysfs);
    meddler.advice = tuned_advice(meddler, active, irqs.plugin);
  }
  return meddler;
}

/// CRI-O takes the CPUs of pods with this annotation out of default_smp_affinity, and bans them in
/// irqbalance's file. Source: CRI-O internal/runtimehandlerhooks/high_performance_hooks_linux.go
Meddler crio(const Sysfs& sysfs, int pid) {
  std::string config = "/etc/sysconfig/irqbalance";
  std::vector<std::string> files = {"/etc/crio/crio.conf"};
  for (const auto& name : sysfs.list("/etc/crio/crio.conf.d")) {
    files.push_back(fmt::format("/etc/crio/crio.conf.d/{}", name));
  }
  for (const auto& file : files) {
    const auto value = assigned(sysfs.read(file).value_or(""), "irqbalance_config_file");
    config = value.value_or("").empty() ? config : *value;
  }
  Meddler meddler;
  meddler.name = "crio";
  meddler.pid = pid;
  meddler.detail = fmt::format("irqbalance_config_file {}", printable(config));
  meddler.would_undo = false;
  meddler.advice = {
      "leave the annotation irq-load-balancing.crio.io off pods, or take it out of "
      "allowed_annotations of their runtime in /etc/crio/crio.conf.d; then CRI-O touches neither "
      "/proc/irq/default_smp_affinity nor irqbalance's file"};
  meddler.config = std::move(config);
  return meddler;
}

/// The agent runs google_set_multiqueue, which sets the queues' affinities of the host's network
/// devices. Source: GoogleCloudPlatform/guest-configs src/usr/bin/google_set_multiqueue
Meddler google_agent(const Sysfs& sysfs, int pid) {
  constexpr std::string_view kConfig = "/etc/default/instance_configs.cfg";
  const auto text = sysfs.read(kConfig).value_or("");
  const auto value = assigned(text, "set_multiqueue").value_or("");
  Meddler meddler;
  meddler.name = "google-guest-agent";
  meddler.pid = pid;
  meddler.would_undo = false;
  meddler.config = kConfig;
  if (value != "false" && value != "0") {
    meddler.advice = {fmt::format("in {}:", kConfig),
                      "[InstanceSetup]",
                      "set_multiqueue = false",
                      "systemctl restart google-guest-agent"};
  }
  return meddler;
}

}  // namespace

std::vector<std::string> tuned_files(const Sysfs& sysfs) {
  TunedProfiles profiles(sysfs);
  profiles.read_all(sysfs.read(kActiveProfile).value_or(""));
  auto files = profiles.take_files();
  files.emplace_back(kActiveProfile);
  std::erase(files, std::string{});
  return files;
}

std::vector<Meddler> find_meddlers(const Sysfs& sysfs, const std::vector<std::string>& drivers) {
  std::vector<Meddler> found;
  for (const auto& name : sysfs.list("/proc")) {
    const auto pid = parse_number<int>(name);
    const auto comm = pid ? sysfs.read(fmt::format("/proc/{}/comm", *pid)) : std::nullopt;
    if (comm == "irqbalance") {
      found.push_back(read_irqbalance(sysfs, *pid, drivers));
    } else if (comm == "tuned") {
      found.push_back(tuned(sysfs, *pid));
    } else if (comm == "crio") {
      found.push_back(crio(sysfs, *pid));
    } else if (comm && comm->starts_with("google_guest_ag")) {  // A comm has 15 characters.
      found.push_back(google_agent(sysfs, *pid));
    }
  }
  std::ranges::sort(found, {}, &Meddler::pid);
  return found;
}

}  // namespace irqtune
