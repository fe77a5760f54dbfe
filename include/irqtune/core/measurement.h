// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace irqtune {

/// What a CPU did since boot, in clock ticks.
struct CpuTicks {
  std::uint64_t busy = 0;     ///< All but idle and waiting for I/O.
  std::uint64_t irq = 0;      ///< Hard interrupts
  std::uint64_t softirq = 0;  ///< Soft interrupts
  std::uint64_t total = 0;
};

/// What a VM's vCPUs and KVM counted since they began.
struct VmCounters {
  std::optional<std::uint64_t> run_delay;  ///< Nanoseconds all vCPU threads waited for a CPU.
  std::optional<std::uint64_t> exits;      ///< Guest exits of all vCPUs.
  std::optional<std::uint64_t> irq_exits;  ///< Those for an interrupt of the host.
};

/// Everything that a measurement compares, at one moment.
struct LoadReading {
  double at = 0;                          ///< Seconds since any fixed moment; see read_loads().
  std::map<int, CpuTicks> cpus;           ///< By CPU; empty where /proc/stat does not tell.
  std::vector<Irq> irqs;                  ///< By number: actions and counts.
  std::vector<CounterRow> counters;       ///< Timer, IPIs, ...
  std::map<int, std::uint64_t> squeezed;  ///< By CPU: softnet rounds that ran out of budget.
  std::map<std::string, VmCounters> vms;  ///< By name; running VMs only.
};

/// Interrupts a second by who caused them.
struct InterruptRates {
  double passthrough = 0;  ///< Vectors of passed-through devices
  double host = 0;         ///< Devices of the host
  double fixed = 0;        ///< What nobody can move: timer, IPIs, a CPU's own counters.
};

/// Shares of time, 0 to 1, or their standard deviation; empty where the kernel does not tell.
struct Shares {
  std::optional<double> busy;
  std::optional<double> irq;
  std::optional<double> softirq;
};

struct CpuMeasure {
  int cpu = 0;
  Shares shares;
  InterruptRates interrupts;
  std::optional<double> squeezed;  ///< Softnet rounds a second that ran out of budget.
};

struct VectorRate {
  VectorId vector;
  std::optional<double> rate;  ///< Interrupts a second; empty if it came or went meanwhile.
};

/// What interrupts cost one VM.
struct VmMeasure {
  std::string name;
  double own = 0;                   ///< Interrupts a second of its own vectors on its vCPUs' cores,
  double other_vms = 0;             ///< of other VMs' vectors,
  double host = 0;                  ///< of the host's devices,
  double fixed = 0;                 ///< of what nobody can move.
  std::optional<double> run_delay;  ///< Milliseconds a second that its vCPUs waited for a CPU.
  std::optional<double> exits;      ///< A second
  std::optional<double> irq_exits;  ///< A second, for an interrupt of the host
  std::vector<VectorRate> vectors;  ///< By key
};

/// A CPU whose time in soft interrupts is above the alarm's threshold.
struct SoftirqAlarm {
  int cpu = 0;
  double share = 0;             ///< Over the whole measurement
  std::size_t slices = 0;       ///< In how many slices it was above.
  std::vector<IrqNumber> irqs;  ///< The rows that interrupt it most, busiest first.
};

/// What could not be read, and what it takes.
struct MissingFact {
  std::string what;
  std::string needs;
};

/// One figure over the slices of a measurement.
struct Sample {
  std::string path;            ///< "totals.on_vcpu_cores.passthrough"
  std::vector<double> slices;  ///< In time's order
};

/// One figure before and after.
struct Comparison {
  std::string path;
  double before = 0;
  double after = 0;
  std::optional<double> ratio;   ///< after / before; empty where `before` is 0.
  std::optional<double> spread;  ///< The wider range of the two's slices; empty with one slice.
  std::optional<bool> differs;   ///< Further apart than `spread`; empty if that is not known.
};

/// What interrupts cost the guests: made of two or more readings.
struct Measurement {
  HostId host;
  double seconds = 0;
  std::size_t slices = 0;
  std::vector<CpuMeasure> cpus;  ///< Online ones, by number.
  CpuSet vcpu_cores;             ///< CPUs that a vCPU protects.
  CpuSet housekeeping;
  InterruptRates on_vcpu_cores;
  Shares stdev_all;                         ///< Standard deviation of the CPUs' shares,
  Shares stdev_housekeeping;                ///< and of the housekeeping CPUs'.
  std::vector<VmMeasure> vms;               ///< Running ones, by name.
  std::vector<SoftirqAlarm> softirq_above;  ///< By CPU
  std::vector<Sample> samples;              ///< What comparisons are made of.
  std::vector<Comparison> compare;          ///< Empty without an earlier measurement.
  std::vector<MissingFact> missing;
  std::vector<std::string> warnings;
};

}  // namespace irqtune
