// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/cpu_set.h"
#include "irqtune/core/kernel_parameters.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace irqtune {

/// What the kernel says about posting device interrupts to running vCPUs. Empty: the file is
/// absent.
struct PostingFacts {
  std::optional<bool> device_posted_irqs;  ///< kvm_intel or kvm_amd: enable_device_posted_irqs
  std::optional<bool> apicv;               ///< kvm_intel: enable_apicv
  std::optional<bool> avic;                ///< kvm_amd: avic
  std::optional<bool> iommu;               ///< Every Intel IOMMU can post.

  /// False if the kernel has no posted MSIs of its own (no row PMN in /proc/interrupts); looked at
  /// only where the command line asks for them.
  std::optional<bool> posted_msi;
};

/// Whether KVM may post device interrupts at all; empty optional if nothing tells. The kernel
/// parameters can take it away.
[[nodiscard]] std::optional<bool> may_post(const PostingFacts& facts,
                                           const KernelParameters& parameters);

/// One idle state of a CPU. Source: Documentation/ABI/testing/sysfs-devices-system-cpu, cpuidle.
struct IdleState {
  std::string name;  ///< "C6"
  int latency_us = 0;
  bool disabled = false;
};

/// What decides how long a CPU that serves vectors takes to wake up.
struct CpuPower {
  int cpu = 0;
  std::string governor;                  ///< scaling_governor; empty if unknown.
  std::string driver;                    ///< scaling_driver; empty if unknown.
  std::vector<IdleState> idle;           ///< Shallow first.
  std::optional<int> resume_latency_us;  ///< PM QoS limit, 0 for "none at all"; empty: no limit.
};

/// Packets of one CPU since boot. Source: Linux net/core/net-procfs.c, softnet_seq_show().
struct SoftnetCount {
  int cpu = 0;
  std::uint64_t packets = 0;
  std::uint64_t squeezed = 0;  ///< Rounds that ended with work left: out of budget or time.
};

/// A program that moves interrupts too.
struct Meddler {
  std::string name;  ///< "irqbalance", "tuned", "crio", "google-guest-agent"
  int pid = 0;
  std::string detail;  ///< What it was told: its options, the variables it reads. May be empty.

  /// It will set the vectors' masks again by itself: true unless it was told to keep off them.
  bool would_undo = true;

  /// One line for people, and then exactly what keeps it off vfio's vectors, line by line.
  std::vector<std::string> advice;

  /// CPUs that irqbalance keeps off; empty for the others.
  CpuSet banned_cpus;

  /// Who told irqbalance these CPUs, "IRQBALANCE_BANNED_CPULIST" or "IRQBALANCE_BANNED_CPUS": then
  /// it does not look at isolcpus= and nohz_full=. Empty if nobody did.
  std::string banned_by;
  std::string banned_value;     ///< What stands there: "2-7".
  bool banned_readable = true;  ///< False of one that irqbalance cannot read: it bans nothing then.

  std::string config;  ///< The file where it is told: "/etc/default/irqbalance". May be empty.
};

/// What a configuration line is about.
enum class ConfigTopic : std::uint8_t {
  irq_affinity,  ///< Sets interrupt affinities, or runs what does.
  link,          ///< systemd.link(5): IRQAffinityPolicy=, IRQAffinity=, IRQAffinityNUMA=
  numa_aware,    ///< irqbalance --numa_aware
  netdev_budget,
  ethtool_hash,  ///< ethtool -X
};

/// A line of a script or a configuration file that bears on interrupts.
struct ConfigLine {
  ConfigTopic topic{};
  std::string file;
  std::size_t line = 0;  ///< From 1.
  std::string text;      ///< Trimmed and printable.
};

/// What decides how a host serves interrupts, beside the interrupts themselves: module parameters,
/// sysctls, services and their configuration. Only `diagnose` looks at it.
struct Settings {
  PostingFacts posting;
  KernelParameters kernel;
  bool knows_isolation = false;                 ///< /sys/devices/system/cpu/isolated can be read.
  std::vector<CpuPower> power;                  ///< Of the CPUs that serve vectors, by CPU.
  std::optional<std::uint64_t> halt_poll_ns;    ///< kvm: how long a vCPU polls before it sleeps.
  std::optional<bool> unsafe_interrupts;        ///< vfio_iommu_type1: allow_unsafe_interrupts
  std::optional<std::uint64_t> netdev_budget;   ///< Packets per softirq round.
  std::optional<std::uint64_t> netdev_time_us;  ///< netdev_budget_usecs
  std::vector<SoftnetCount> softnet;            ///< By CPU.
  std::vector<Meddler> meddlers;                ///< Those that run, by PID.
  std::vector<ConfigLine> config;               ///< By file, then line.
};

}  // namespace irqtune
