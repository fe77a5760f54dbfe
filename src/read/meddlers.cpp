// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/meddlers.h"

#include "irqtune/core/text.h"

#include "read/meddlers_parts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
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

/// What a profile and those it includes say of interrupts; a later line wins, as in TuneD.
struct TunedIrqs {
  bool isolates = false;  ///< [scheduler] isolated_cores
  bool process = true;    ///< [scheduler] irq_process
  bool plugin = false;    ///< An [irq] section
  std::vector<std::string> files;
};

void read_profile(const Sysfs& sysfs, std::string_view profile, int depth, TunedIrqs& irqs) {
  constexpr int kDeepest = 10;
  if (depth > kDeepest || profile.find('/') != std::string_view::npos) {
    return;
  }
  irqs.files.push_back(profile_file(sysfs, profile));
  const auto text = sysfs.read(irqs.files.back()).value_or("");
  auto parents = assigned(text, "include").value_or("");
  std::ranges::replace(parents, ',', ' ');
  for (const auto parent : words(parents)) {
    read_profile(sysfs, parent, depth + 1, irqs);
  }
  irqs.isolates = irqs.isolates || !assigned(text, "isolated_cores").value_or("").empty();
  irqs.plugin =
      irqs.plugin || text.find("[irq]") != std::string::npos || assigned(text, "type") == "irq";
  const auto process = assigned(text, "irq_process").value_or("");
  if (!process.empty()) {
    irqs.process = process == "true" || process == "1" || process == "yes";
  }
}

TunedIrqs read_profiles(const Sysfs& sysfs, std::string_view active) {
  TunedIrqs irqs;
  for (const auto profile : words(active)) {
    read_profile(sysfs, profile, 0, irqs);
  }
  return irqs;
}

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
  const auto irqs = read_profiles(sysfs, active);
  Meddler meddler;
  meddler.name = "tuned";
  meddler.pid = pid;
  meddler.detail = fmt::format("profile {}", printable(trimmed(active)));
  meddler.would_undo = irqs.plugin || (irqs.isolates && irqs.process);
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
  auto files = read_profiles(sysfs, sysfs.read(kActiveProfile).value_or("")).files;
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
