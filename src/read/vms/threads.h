// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"
#include "irqtune/sys/sysfs.h"

#include <map>
#include <string>
#include <vector>

namespace irqtune {

/// A thread of a VMM.
struct Thread {
  int tid = 0;
  std::string comm;
  std::optional<CpuSet> allowed;  ///< Cpus_allowed_list: affinity and cpuset in one.
};

/// The threads of a process, by TID; those that end meanwhile are left out.
[[nodiscard]] std::vector<Thread> read_threads(const Sysfs& sysfs, int pid);

/// vCPUs by the names of their threads or, without those, by the thread ids that libvirt or KVM
/// tell
/// (`tids`: TID -> vCPU). `count` is how many run in the one thread "ALL CPUs/TCG".
[[nodiscard]] std::vector<Vcpu> named_vcpus(const std::vector<Thread>& threads,
                                            const std::map<int, int>& tids,
                                            int count);

/// vCPUs of a VMM that does not name its threads: those that have run the guest, in the order they
/// were started. What is missing of `count` gets the mask that all other threads share, if they do.
[[nodiscard]] std::vector<Vcpu> unnamed_vcpus(const Sysfs& sysfs,
                                              int pid,
                                              const std::vector<Thread>& threads,
                                              int count);

/// QEMU's iothreads but for the monitor's, by name.
[[nodiscard]] std::vector<IoThread> find_iothreads(const std::vector<Thread>& threads);

}  // namespace irqtune
