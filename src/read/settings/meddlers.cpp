// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/settings/meddlers.h"

#include "irqtune/core/text.h"

#include "read/settings/meddlers.h"
#include "read/settings/tuned.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>

namespace irqtune {

namespace {

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

std::vector<Meddler> find_meddlers(const Sysfs& sysfs, const std::vector<std::string>& drivers) {
  std::vector<Meddler> found;
  for (const auto& name : sysfs.list("/proc")) {
    const auto pid = parse_number<int>(name);
    const auto comm = pid ? sysfs.read(fmt::format("/proc/{}/comm", *pid)) : std::nullopt;
    if (comm == "irqbalance") {
      found.push_back(read_irqbalance(sysfs, *pid, drivers, sysfs.live() ? "/run/irqbalance" : ""));
    } else if (comm == "tuned") {
      found.push_back(read_tuned(sysfs, *pid));
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
