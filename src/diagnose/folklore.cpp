// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "diagnose/command_line.h"
#include "diagnose/parts.h"

namespace irqtune::diagnosis {

namespace {

/// The configuration lines about `topic` of which `is_wrong` holds, with their places.
template <typename Predicate>
std::vector<std::string> lines_about(const Settings& settings,
                                     ConfigTopic topic,
                                     Predicate is_wrong) {
  std::vector<std::string> lines;
  for (const auto& line : settings.config) {
    if (line.topic == topic && is_wrong(line.text)) {
      lines.push_back(line_text(line));
    }
  }
  return lines;
}

/// A finding that rests on lines of configuration; the caller adds the remedy.
Finding& add_finding(std::string_view id,
                     Severity severity,
                     std::string title,
                     std::vector<std::string> lines,
                     std::vector<Finding>& findings) {
  constexpr std::size_t kShown = 4;
  auto& finding = findings.emplace_back(make_finding(id, severity, std::move(title)));
  shorten(lines, kShown);
  finding.evidence = std::move(lines);
  return finding;
}

void find_nox2apic(const DiagnosisInput& input, std::vector<Finding>& findings) {
  if (find_parameter(input.settings.kernel, "nox2apic") == nullptr) {
    return;
  }
  auto finding = make_finding("folklore-nox2apic",
                              Severity::warning,
                              "nox2apic is on the kernel command line, and does not help");
  finding.cost =
      "CPUs with an APIC ID above 254 are dropped at boot, and each IPI is a memory access instead "
      "of one WRMSR";
  finding.evidence = {
      "/proc/cmdline: nox2apic",
      "where an interrupt may go is decided by interrupt remapping, which x2APIC needs anyhow; "
      "xAPIC mode routes nothing better"};
  finding.remedy = drop_token("nox2apic");
  finding.remedy.front() = "unless it works around a broken firmware, " + finding.remedy.front();
  findings.push_back(std::move(finding));
}

void find_max_cstate(const DiagnosisInput& input, std::vector<Finding>& findings) {
  for (const std::string_view name : {"intel_idle.max_cstate", "processor.max_cstate"}) {
    const auto* parameter = find_parameter(input.settings.kernel, name);
    if (parameter == nullptr) {
      continue;
    }
    auto finding = make_finding(
        "folklore-max-cstate",
        Severity::info,
        fmt::format("{}={} keeps every CPU of the host out of deep idle", name, parameter->value));
    finding.cost = "power, and on many CPUs the turbo headroom of the cores that work";
    finding.evidence = {fmt::format("/proc/cmdline: {}={}", name, parameter->value)};
    if (name == "intel_idle.max_cstate" && parameter->value == "0") {
      finding.evidence.emplace_back("0 does not stop deep idle: it hands over to acpi_idle");
    }
    CpuSet serving;
    for (const auto& power : input.settings.power) {
      serving.insert(power.cpu);
    }
    if (!serving.empty()) {
      finding.remedy = {"limit the CPUs that serve vectors instead, at run time:",
                        for_each_cpu(serving, "20", "power/pm_qos_resume_latency_us")};
    }
    std::ranges::move(drop_token(parameter_text(*parameter)), std::back_inserter(finding.remedy));
    findings.push_back(std::move(finding));
  }
}

void find_numa_aware(const DiagnosisInput& input, std::vector<Finding>& findings) {
  auto lines =
      lines_about(input.settings, ConfigTopic::numa_aware, [](const auto&) { return true; });
  for (const auto& meddler : input.settings.meddlers) {
    if (meddler.detail.find("--numa_aware") != std::string::npos) {
      lines.push_back(fmt::format("pid {}: {}", meddler.pid, printable(meddler.detail)));
    }
  }
  if (lines.empty()) {
    return;
  }
  auto& finding = add_finding("folklore-numa-aware",
                              Severity::warning,
                              "irqbalance is told --numa_aware, an option that it never had",
                              std::move(lines),
                              findings);
  finding.cost = "irqbalance prints its usage and ends, or ignores it; it looks at nodes by itself";
  finding.remedy = {"take --numa_aware out of there", "systemctl restart irqbalance"};
}

/// The number behind "netdev_budget" and '=' or a blank; empty optional if there is none.
std::optional<std::uint64_t> budget_in(std::string_view text) {
  constexpr std::string_view kName = "netdev_budget";
  const auto at = text.find(kName);
  if (at == std::string_view::npos) {
    return std::nullopt;
  }
  text.remove_prefix(at + kName.size());
  const auto from = std::min(text.find_first_of("0123456789"), text.size());
  const auto to = std::min(text.find_first_not_of("0123456789", from), text.size());
  return parse_number<std::uint64_t>(text.substr(from, to - from));
}

void find_budget(const DiagnosisInput& input, std::vector<Finding>& findings) {
  constexpr std::uint64_t kMuch = 3000;  // Ten times the default.
  const auto much = [](const std::string& text) { return budget_in(text).value_or(0) >= kMuch; };
  auto lines = lines_about(input.settings, ConfigTopic::netdev_budget, much);
  const bool written = !lines.empty();
  if (input.settings.netdev_budget.value_or(0) >= kMuch) {
    lines.insert(
        lines.begin(),
        fmt::format("/proc/sys/net/core/netdev_budget: {}", *input.settings.netdev_budget));
  }
  if (lines.empty()) {
    return;
  }
  auto& finding = add_finding("folklore-netdev-budget",
                              Severity::info,
                              "netdev_budget is set so high that it limits nothing",
                              std::move(lines),
                              findings);
  finding.cost =
      "longer softirq bursts of the host's own NICs; no effect on passed-through devices, whose "
      "packets never enter the host's network stack";
  finding.evidence.push_back(fmt::format(
      "a round ends after netdev_budget_usecs anyhow{}",
      input.settings.netdev_time_us ? fmt::format(" ({} us)", *input.settings.netdev_time_us)
                                    : std::string{}));
  finding.remedy = {"sysctl -w net.core.netdev_budget=300"};
  if (written) {
    finding.remedy.emplace_back("remove the lines named above");
  }
  finding.remedy.emplace_back(
      "judge by the third column of /proc/net/softnet_stat (see time-squeeze)");
}

/// True if "hkey" stands without a key behind it: "ethtool -X eth0 hkey".
bool is_bare_hkey(std::string_view text) {
  const auto parts = words(text);
  const auto hkey = std::ranges::find(parts, "hkey");
  return hkey != parts.end() &&
         (hkey + 1 == parts.end() || (hkey + 1)->find_first_of(":$") == std::string_view::npos);
}

void find_hash_key(const DiagnosisInput& input, std::vector<Finding>& findings) {
  auto lines = lines_about(input.settings, ConfigTopic::ethtool_hash, is_bare_hkey);
  if (lines.empty()) {
    return;
  }
  auto& finding = add_finding("folklore-ethtool-hkey",
                              Severity::info,
                              "ethtool -X ... hkey without a key is a syntax error",
                              std::move(lines),
                              findings);
  finding.cost = "the line does nothing; and ethtool does not reach a device that a guest has";
  finding.remedy = {"to spread a host NIC's flows over N queues: ethtool -X DEV equal N"};
}

}  // namespace

void find_folklore(const DiagnosisInput& input, std::vector<Finding>& findings) {
  find_nox2apic(input, findings);
  find_max_cstate(input, findings);
  find_numa_aware(input, findings);
  find_budget(input, findings);
  find_hash_key(input, findings);
}

}  // namespace irqtune::diagnosis
