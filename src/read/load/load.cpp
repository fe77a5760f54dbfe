// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/load/load.h"

#include "irqtune/core/error.h"
#include "irqtune/core/text.h"

#include "read/interrupts/rates.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace irqtune {

namespace {

constexpr std::string_view kKvm = "/sys/kernel/debug/kvm";

/// Adds; a part that is not known makes the sum unknown.
void add(std::optional<std::uint64_t>& sum, std::optional<std::uint64_t> part) {
  sum = sum && part ? std::optional(*sum + *part) : std::nullopt;
}

/// How long the VM's vCPU threads waited for a CPU; unknown if that of one is.
std::optional<std::uint64_t> run_delay_of(const Sysfs& sysfs,
                                          std::string_view prefix,
                                          const Vm& vm) {
  if (!vm.pid || vm.vcpus.empty()) {
    return std::nullopt;
  }
  std::optional<std::uint64_t> sum = 0;
  for (const auto& vcpu : vm.vcpus) {
    const auto text =
        vcpu.tid
            ? sysfs.read(fmt::format("{}/proc/{}/task/{}/schedstat", prefix, *vm.pid, *vcpu.tid))
            : std::nullopt;
    add(sum, text ? parse_run_delay(*text) : std::nullopt);
  }
  return sum;
}

/// One of KVM's counters of a process, over all its guests; unknown where the directory is absent.
std::optional<std::uint64_t> kvm_counter(const Sysfs& sysfs,
                                         const std::vector<std::string>& guests,
                                         std::string_view name) {
  if (guests.empty()) {
    return std::nullopt;
  }
  std::optional<std::uint64_t> sum = 0;
  for (const auto& guest : guests) {
    const auto text = sysfs.read(fmt::format("{}/{}", guest, name));
    add(sum, text ? parse_number<std::uint64_t>(trimmed(*text)) : std::nullopt);
  }
  return sum;
}

VmCounters read_vm(const Sysfs& sysfs,
                   std::string_view prefix,
                   const Vm& vm,
                   const std::vector<std::string>& kvm) {
  VmCounters counters;
  counters.run_delay = run_delay_of(sysfs, prefix, vm);
  std::vector<std::string> guests;
  for (const auto& name : kvm) {
    if (vm.pid && name.starts_with(fmt::format("{}-", *vm.pid))) {
      guests.push_back(fmt::format("{}{}/{}", prefix, kKvm, name));
    }
  }
  counters.exits = kvm_counter(sysfs, guests, "exits");
  counters.irq_exits = kvm_counter(sysfs, guests, "irq_exits");
  return counters;
}

/// A tree's own two readings.
std::vector<LoadReading> readings_of_tree(const Sysfs& sysfs, const Host& host) {
  if (!sysfs.exists("/sample2/proc/interrupts")) {
    throw Error(ErrorKind::usage,
                fmt::format("{}: has no second reading (sample2/): nothing to measure",
                            sysfs.root().string()),
                "take one with: irqtune snapshot --sample 10 -o FILE.tar.gz");
  }
  std::vector readings{read_load(sysfs, "", host), read_load(sysfs, "/sample2", host)};
  if (readings.back().at <= readings.front().at) {
    throw Error(ErrorKind::usage,
                "/sample2/proc/uptime: no time between the two readings",
                "take another snapshot");
  }
  return readings;
}

}  // namespace

std::map<int, CpuTicks> parse_cpu_ticks(std::string_view text) {
  enum : std::size_t { idle = 3, iowait = 4, irq = 5, softirq = 6, fields = 8 };

  std::map<int, CpuTicks> cpus;
  while (text.starts_with("cpu")) {
    const auto line = words(take_until(text, '\n'));
    const auto cpu = parse_number<int>(line.front().substr(3));
    std::array<std::uint64_t, fields> ticks{};
    for (std::size_t i = 0; i + 1 < line.size() && i < ticks.size(); ++i) {
      ticks.at(i) = parse_number<std::uint64_t>(line[i + 1]).value_or(0);
    }
    CpuTicks sum{0, ticks.at(irq), ticks.at(softirq), 0};
    for (const auto part : ticks) {
      sum.total += part;
    }
    sum.busy = sum.total - ticks.at(idle) - ticks.at(iowait);
    if (cpu) {
      cpus.emplace(*cpu, sum);
    }
  }
  return cpus;
}

std::optional<std::uint64_t> parse_run_delay(std::string_view text) {
  const auto fields = words(text);
  return fields.size() >= 3 ? parse_number<std::uint64_t>(fields[1]) : std::nullopt;
}

std::map<int, std::uint64_t> parse_softnet(std::string_view text) {
  constexpr std::size_t kSqueezed = 2;
  constexpr std::size_t kCpu = 12;
  constexpr int kHexadecimal = 16;
  std::map<int, std::uint64_t> squeezed;
  while (!text.empty()) {
    const auto line = words(take_until(text, '\n'));
    if (line.size() <= kCpu) {
      continue;
    }
    const auto cpu = parse_number<int>(line[kCpu], kHexadecimal);
    const auto count = parse_number<std::uint64_t>(line[kSqueezed], kHexadecimal);
    if (cpu && count) {
      squeezed.emplace(*cpu, *count);
    }
  }
  return squeezed;
}

LoadReading read_counts(const Sysfs& sysfs, std::string_view prefix) {
  LoadReading reading;
  reading.at = read_uptime(sysfs, prefix).value_or(0);
  auto table = read_interrupt_table(sysfs, prefix);
  reading.irqs = std::move(table.irqs);
  reading.counters = std::move(table.counters);
  reading.cpus = parse_cpu_ticks(sysfs.read(fmt::format("{}/proc/stat", prefix)).value_or(""));
  return reading;
}

LoadReading read_load(const Sysfs& sysfs, std::string_view prefix, const Host& host) {
  auto reading = read_counts(sysfs, prefix);
  reading.squeezed =
      parse_softnet(sysfs.read(fmt::format("{}/proc/net/softnet_stat", prefix)).value_or(""));
  const auto kvm = sysfs.list(fmt::format("{}{}", prefix, kKvm));
  for (const auto& vm : host.vms) {
    if (is_running(vm)) {
      reading.vms.emplace(vm.name, read_vm(sysfs, prefix, vm, kvm));
    }
  }
  return reading;
}

std::vector<LoadReading> read_loads(const Sysfs& sysfs,
                                    const Host& host,
                                    const LoadOptions& options) {
  if (!sysfs.live()) {
    return readings_of_tree(sysfs, host);
  }
  const auto& clock = options.clock;
  const auto start = clock.now();
  const auto since = [&] { return std::chrono::duration<double>(clock.now() - start).count(); };
  const auto tell = [&](double) {
    if (options.on_wait) {
      options.on_wait(options.seconds - since());
    }
  };
  std::vector<LoadReading> readings;
  for (std::size_t i = 0; i <= options.slices; ++i) {
    const auto due = options.seconds * static_cast<double>(i) / static_cast<double>(options.slices);
    wait_seconds(std::max(0.0, due - since()), tell, clock);
    const auto at = since();
    readings.push_back(read_load(sysfs, "", host));
    readings.back().at = at;
  }
  return readings;
}

}  // namespace irqtune
