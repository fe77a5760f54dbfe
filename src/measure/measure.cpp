// SPDX-License-Identifier: Apache-2.0
#include "irqtune/measure/measure.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "measure/interval.h"

namespace irqtune {

namespace {

using measuring::Interval;

/// Over the CPUs whose share is known; empty if there is none.
std::optional<double> deviation(const std::vector<CpuMeasure>& cpus,
                                const CpuSet& among,
                                std::optional<double> Shares::*share) {
  double sum = 0;
  double squares = 0;
  std::size_t known = 0;
  for (const auto& cpu : cpus) {
    if (among.contains(cpu.cpu) && cpu.shares.*share) {
      const auto value = *(cpu.shares.*share);
      sum += value;
      squares += value * value;
      ++known;
    }
  }
  if (known == 0) {
    return std::nullopt;
  }
  const auto count = static_cast<double>(known);
  return std::sqrt(std::max(0.0, (squares / count) - (sum / count) * (sum / count)));
}

Shares deviations(const std::vector<CpuMeasure>& cpus, const CpuSet& among) {
  return {deviation(cpus, among, &Shares::busy),
          deviation(cpus, among, &Shares::irq),
          deviation(cpus, among, &Shares::softirq)};
}

/// CPUs that a vCPU protects: of the VM of that name, or, if that is empty, of any.
CpuSet cores_of(const ProtectionMap& protections, std::string_view vm) {
  CpuSet cores;
  for (const auto& [cpu, reasons] : protections) {
    const bool is_core = std::ranges::any_of(reasons, [&](const Protection& reason) {
      const bool by_vcpu =
          reason.kind == ProtectionKind::vcpu || reason.kind == ProtectionKind::sibling;
      return by_vcpu && (vm.empty() || reason.vm == vm);
    });
    if (is_core) {
      cores.insert(cpu);
    }
  }
  return cores;
}

InterruptRates on_cores(const Interval& interval, const CpuSet& cores) {
  InterruptRates sum;
  for (const auto& [cpu, rates] : interval.interrupts) {
    if (cores.contains(cpu)) {
      sum.passthrough += rates.passthrough;
      sum.host += rates.host;
      sum.fixed += rates.fixed;
    }
  }
  return sum;
}

double sum_on(const std::vector<CpuRate>& rates, const CpuSet& cpus) {
  double sum = 0;
  for (const auto& rate : rates) {
    sum += cpus.contains(rate.cpu) ? rate.rate : 0;
  }
  return sum;
}

double sum_of(const std::vector<CpuRate>& rates) {
  double sum = 0;
  for (const auto& rate : rates) {
    sum += rate.rate;
  }
  return sum;
}

/// What the VM's own vectors, and others', raised on its cores.
void add_vectors(const Host& host, const Interval& interval, const CpuSet& cores, VmMeasure& out) {
  for (const auto& [vector, rates] : interval.vectors) {
    const auto* owner = find_owner(host, vector.device);
    const bool own = owner != nullptr && owner->name == out.name;
    const auto on_cores = rates ? sum_on(*rates, cores) : 0;
    (own ? out.own : out.other_vms) += on_cores;
    if (own) {
      out.vectors.push_back({vector, rates ? std::optional(sum_of(*rates)) : std::nullopt});
    }
  }
}

VmMeasure measure_vm(const Host& host,
                     const ProtectionMap& protections,
                     const Vm& vm,
                     const Interval& interval) {
  constexpr double kNanoToMilli = 1e-6;
  VmMeasure out;
  out.name = vm.name;
  const auto cores = cores_of(protections, vm.name);
  add_vectors(host, interval, cores, out);
  const auto rates = on_cores(interval, cores);
  out.host = rates.host;
  out.fixed = rates.fixed;
  if (const auto found = interval.vms.find(vm.name); found != interval.vms.end()) {
    const auto& counters = found->second;
    out.run_delay = counters.run_delay;
    if (out.run_delay) {
      *out.run_delay *= kNanoToMilli;
    }
    out.exits = counters.exits;
    out.irq_exits = counters.irq_exits;
  }
  return out;
}

/// The rows that interrupt the CPU most, busiest first.
std::vector<IrqNumber> busiest_on(const Interval& interval, int cpu) {
  constexpr std::size_t kMost = 5;
  std::vector<std::pair<double, IrqNumber>> rows;
  for (const auto& [number, rates] : interval.rows) {
    const auto found = std::ranges::find(rates, cpu, &CpuRate::cpu);
    if (found != rates.end()) {
      rows.emplace_back(-found->rate, number);
    }
  }
  std::ranges::sort(rows);
  rows.resize(std::min(rows.size(), kMost));
  std::vector<IrqNumber> numbers;
  std::ranges::transform(
      rows, std::back_inserter(numbers), [](const auto& row) { return row.second; });
  return numbers;
}

std::vector<SoftirqAlarm> softirq_alarms(const Interval& whole,
                                         const std::vector<Interval>& slices) {
  constexpr double kMostSlices = 0.8;
  std::vector<SoftirqAlarm> alarms;
  for (const auto& [cpu, shares] : whole.shares) {
    const auto above = std::ranges::count_if(slices, [&, number = cpu](const Interval& slice) {
      const auto found = slice.shares.find(number);
      return found != slice.shares.end() && found->second.softirq.value_or(0) > kSoftirqAlarm;
    });
    if (above > 0 &&
        static_cast<double>(above) >= kMostSlices * static_cast<double>(slices.size())) {
      alarms.push_back({cpu,
                        shares.softirq.value_or(0),
                        static_cast<std::size_t>(above),
                        busiest_on(whole, cpu)});
    }
  }
  return alarms;
}

std::vector<CpuMeasure> measure_cpus(const Host& host, const Interval& interval) {
  std::vector<CpuMeasure> cpus;
  for (const auto cpu : host.topology.online.cpus()) {
    CpuMeasure out;
    out.cpu = cpu;
    if (const auto found = interval.shares.find(cpu); found != interval.shares.end()) {
      out.shares = found->second;
    }
    if (const auto found = interval.interrupts.find(cpu); found != interval.interrupts.end()) {
      out.interrupts = found->second;
    }
    if (const auto found = interval.squeezed.find(cpu); found != interval.squeezed.end()) {
      out.squeezed = found->second;
    }
    cpus.push_back(out);
  }
  return cpus;
}

/// Collects one figure after the other, slice by slice.
class Samples {
 public:
  void add(const std::string& path, const std::optional<double>& value) {
    if (!value) {
      return;
    }
    auto found = std::ranges::find(samples_, path, &Sample::path);
    if (found == samples_.end()) {
      found = samples_.insert(found, {path, {}});
    }
    found->slices.push_back(*value);
  }

  /// Those that every slice has.
  [[nodiscard]] std::vector<Sample> take(std::size_t slices) {
    std::erase_if(samples_, [&](const Sample& sample) { return sample.slices.size() != slices; });
    return std::move(samples_);
  }

 private:
  std::vector<Sample> samples_;
};

void add_shares(Samples& samples, const std::string& path, const Shares& shares) {
  samples.add(path + ".busy", shares.busy);
  samples.add(path + ".irq", shares.irq);
  samples.add(path + ".softirq", shares.softirq);
}

/// What a comparison may speak of: the totals, and each VM's.
void add_slice(Samples& samples, const Measurement& slice) {
  samples.add("totals.on_vcpu_cores.passthrough", slice.on_vcpu_cores.passthrough);
  samples.add("totals.on_vcpu_cores.host", slice.on_vcpu_cores.host);
  samples.add("totals.on_vcpu_cores.fixed", slice.on_vcpu_cores.fixed);
  add_shares(samples, "totals.stdev.all", slice.stdev_all);
  add_shares(samples, "totals.stdev.housekeeping", slice.stdev_housekeeping);
  for (const auto& vm : slice.vms) {
    const auto path = fmt::format("vms.{}.", vm.name);
    samples.add(path + "interrupts_on_cores.own", vm.own);
    samples.add(path + "interrupts_on_cores.other_vms", vm.other_vms);
    samples.add(path + "interrupts_on_cores.host", vm.host);
    samples.add(path + "run_delay_ms_per_s", vm.run_delay);
    samples.add(path + "exits.all", vm.exits);
    samples.add(path + "exits.interrupt", vm.irq_exits);
  }
}

void measure_interval(const Host& host,
                      const ProtectionMap& protections,
                      const Interval& interval,
                      Measurement& out) {
  out.cpus = measure_cpus(host, interval);
  out.on_vcpu_cores = on_cores(interval, out.vcpu_cores);
  out.stdev_all = deviations(out.cpus, host.topology.online);
  out.stdev_housekeeping = deviations(out.cpus, out.housekeeping);
  for (const auto& vm : host.vms) {
    if (is_running(vm)) {
      out.vms.push_back(measure_vm(host, protections, vm, interval));
    }
  }
}

void name_missing(const Measurement& out,
                  Interval const& whole,
                  std::vector<MissingFact>& missing) {
  if (whole.shares.empty()) {
    missing.push_back({"shares of CPU time", "/proc/stat"});
  } else if (!whole.irq_time_known) {
    missing.push_back({"irq and softirq shares",
                       "a kernel that accounts interrupt time (CONFIG_IRQ_TIME_ACCOUNTING)"});
  }
  const auto lacks = [&](std::optional<double> VmMeasure::*figure) {
    return std::ranges::any_of(out.vms, [&](const VmMeasure& vm) { return !(vm.*figure); });
  };
  if (lacks(&VmMeasure::run_delay)) {
    missing.push_back({"run delay of vCPUs", "/proc/PID/task/TID/schedstat of each vCPU thread"});
  }
  if (lacks(&VmMeasure::exits)) {
    missing.push_back({"guest exits", "root, and debugfs: /sys/kernel/debug/kvm"});
  } else if (lacks(&VmMeasure::irq_exits)) {
    missing.push_back({"guest exits for interrupts", "a kernel that counts irq_exits (x86)"});
  }
}

double range_of(const std::vector<double>& values) {
  const auto [least, most] = std::ranges::minmax(values);
  return most - least;
}

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const auto value : values) {
    sum += value;
  }
  return sum / static_cast<double>(values.size());
}

}  // namespace

Measurement measure(const Host& host,
                    const ProtectionMap& protections,
                    const CpuSet& housekeeping,
                    std::span<const LoadReading> readings) {
  Measurement out;
  out.host = host.id;
  out.vcpu_cores = cores_of(protections, {});
  out.housekeeping = housekeeping;
  out.warnings = host.warnings;
  if (readings.size() < 2) {
    return out;
  }
  auto slice_of = out;
  const auto whole = measuring::between(host, readings.front(), readings.back());
  out.seconds = whole.seconds;
  out.slices = readings.size() - 1;
  measure_interval(host, protections, whole, out);
  Samples samples;
  std::vector<Interval> slices;
  for (std::size_t i = 1; i < readings.size(); ++i) {
    slices.push_back(measuring::between(host, readings[i - 1], readings[i]));
    auto slice = slice_of;
    measure_interval(host, protections, slices.back(), slice);
    add_slice(samples, slice);
  }
  out.samples = samples.take(out.slices);
  out.softirq_above = softirq_alarms(whole, slices);
  name_missing(out, whole, out.missing);
  return out;
}

std::vector<Comparison> compare(const std::vector<Sample>& before,
                                const std::vector<Sample>& after) {
  std::vector<Comparison> comparisons;
  for (const auto& sample : after) {
    const auto earlier = std::ranges::find(before, sample.path, &Sample::path);
    if (earlier == before.end() || earlier->slices.empty() || sample.slices.empty()) {
      continue;
    }
    Comparison out;
    out.path = sample.path;
    out.before = mean_of(earlier->slices);
    out.after = mean_of(sample.slices);
    if (out.before > 0) {
      out.ratio = out.after / out.before;
    }
    if (earlier->slices.size() > 1 && sample.slices.size() > 1) {
      out.spread = std::max(range_of(earlier->slices), range_of(sample.slices));
      out.differs = std::abs(out.after - out.before) > *out.spread;
    }
    comparisons.push_back(std::move(out));
  }
  return comparisons;
}

}  // namespace irqtune
