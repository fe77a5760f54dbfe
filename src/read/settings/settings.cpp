// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/settings/settings.h"

#include "irqtune/core/delivery.h"
#include "irqtune/core/text.h"
#include "irqtune/read/settings/meddlers.h"

#include "read/settings/config_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>

namespace irqtune {

namespace {

template <typename Number>
std::optional<Number> read_number(const Sysfs& sysfs, std::string_view path) {
  return parse_number<Number>(trimmed(sysfs.read(path).value_or("")));
}

std::vector<IdleState> read_idle_states(const Sysfs& sysfs, const std::string& cpu) {
  std::vector<IdleState> states;
  for (int i = 0;; ++i) {
    const auto state = fmt::format("{}/cpuidle/state{}", cpu, i);
    const auto name = sysfs.read(state + "/name");
    if (!name) {
      return states;
    }
    states.push_back({std::string(trimmed(*name)),
                      read_number<int>(sysfs, state + "/latency").value_or(0),
                      read_number<int>(sysfs, state + "/disable").value_or(0) != 0});
  }
}

/// "n/a" is no latency at all and 0 is no limit.
/// Source: Documentation/ABI/testing/sysfs-devices-power, pm_qos_resume_latency_us.
std::optional<int> read_resume_latency(const Sysfs& sysfs, const std::string& cpu) {
  const auto text = sysfs.read(cpu + "/power/pm_qos_resume_latency_us").value_or("");
  if (trimmed(text) == "n/a") {
    return 0;
  }
  const auto limit = parse_number<int>(trimmed(text));
  return limit && *limit > 0 ? limit : std::nullopt;
}

CpuPower read_power(const Sysfs& sysfs, int number) {
  const auto cpu = fmt::format("/sys/devices/system/cpu/cpu{}", number);
  CpuPower power;
  power.cpu = number;
  power.governor = trimmed(sysfs.read(cpu + "/cpufreq/scaling_governor").value_or(""));
  power.driver = trimmed(sysfs.read(cpu + "/cpufreq/scaling_driver").value_or(""));
  power.idle = read_idle_states(sysfs, cpu);
  power.resume_latency_us = read_resume_latency(sysfs, cpu);
  return power;
}

std::vector<CpuPower> read_powers(const Sysfs& sysfs, const Host& host) {
  CpuSet serving;
  for (const auto& irq : host.irqs) {
    if (irq.vector) {
      serving |= delivery_of(host, irq).cpus;
    }
  }
  std::vector<CpuPower> powers;
  for (const int cpu : serving.cpus()) {
    powers.push_back(read_power(sysfs, cpu));
  }
  return powers;
}

/// Whose line number `at` is: the last column says it, since Linux 5.10; before, lines of online
/// CPUs follow each other. Source: Linux net/core/net-procfs.c, softnet_seq_show().
std::optional<int> softnet_cpu(std::span<const std::string_view> columns,
                               std::span<const int> online,
                               std::size_t at) {
  constexpr std::size_t kCpuColumn = 12;
  if (columns.size() > kCpuColumn) {
    return parse_hex<int>(columns[kCpuColumn]);
  }
  return at < online.size() ? std::optional(online[at]) : std::nullopt;
}

std::vector<SoftnetCount> parse_softnet(std::string_view text, const CpuSet& online) {
  const auto cpus = online.cpus();
  std::vector<SoftnetCount> counts;
  for (const auto line : split(trimmed(text), '\n')) {
    const auto columns = words(line);
    const auto cpu = softnet_cpu(columns, cpus, counts.size());
    const auto packets = columns.empty() ? std::nullopt : parse_hex<std::uint64_t>(columns.front());
    const auto squeezed = columns.size() < 3 ? std::nullopt : parse_hex<std::uint64_t>(columns[2]);
    if (!cpu || !packets || !squeezed) {
      return {};
    }
    counts.push_back({*cpu, *packets, *squeezed});
  }
  return counts;
}

std::vector<std::string> drivers_of(const Host& host) {
  std::set<std::string> drivers;
  for (const auto& device : host.devices) {
    if (device.passthrough) {
      drivers.insert(device.driver.empty() ? "vfio-pci" : device.driver);
    }
  }
  return {drivers.begin(), drivers.end()};
}

std::optional<bool> read_flag(const Sysfs& sysfs, std::string_view path) {
  const auto text = sysfs.read(path);
  return text ? std::optional(trimmed(*text) == "Y" || trimmed(*text) == "1") : std::nullopt;
}

}  // namespace

Settings read_settings(const Sysfs& sysfs, const Host& host) {
  Settings settings;
  settings.posting = read_posting_facts(sysfs);
  settings.kernel = parse_kernel_parameters(host.id.cmdline.value_or(""));
  settings.knows_isolation = sysfs.exists("/sys/devices/system/cpu/isolated");
  settings.power = read_powers(sysfs, host);
  settings.halt_poll_ns =
      read_number<std::uint64_t>(sysfs, "/sys/module/kvm/parameters/halt_poll_ns");
  settings.unsafe_interrupts =
      read_flag(sysfs, "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts");
  settings.netdev_budget = read_number<std::uint64_t>(sysfs, "/proc/sys/net/core/netdev_budget");
  settings.netdev_time_us =
      read_number<std::uint64_t>(sysfs, "/proc/sys/net/core/netdev_budget_usecs");
  settings.softnet =
      parse_softnet(sysfs.read("/proc/net/softnet_stat").value_or(""), host.topology.online);
  settings.meddlers = find_meddlers(sysfs, drivers_of(host));
  settings.config = read_config_lines(sysfs);
  return settings;
}

}  // namespace irqtune
