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

/// vCPUs that no thread is named after.
struct UnnamedVcpus {
  std::vector<Vcpu> vcpus;
  CpuSet unsure;  ///< Ids of those whose thread is not known for certain.
};

/// vCPUs of a VMM that does not name its threads: those that have run the guest, if all `count`
/// have, in the order they were started. Else a VMM makes them one after the other: they are the
/// one run of `count` threads that has all that ran the guest, or that alone is bound otherwise
/// than the main thread. What is missing of `count` gets the mask that all other threads share, if
/// they do. Guest time is 0 for most idle vCPUs, and for all where the kernel accounts by ticks.
[[nodiscard]] UnnamedVcpus unnamed_vcpus(const Sysfs& sysfs,
                                         int pid,
                                         const std::vector<Thread>& threads,
                                         int count);

/// QEMU's iothreads but for the monitor's, by name. `told` are ids of the command line: those too
/// long for a thread's name have none, and the mask that all unnamed threads share, if they do.
[[nodiscard]] std::vector<IoThread> find_iothreads(const std::vector<Thread>& threads,
                                                   const std::vector<std::string>& told);

/// All threads that are not the main one, no vCPU's and no I/O thread's, by TID.
[[nodiscard]] std::vector<OwnThread> find_own_threads(const Vm& vm,
                                                      const std::vector<Thread>& threads);

/// True if threads of the process have run a guest, but not its main one: VMMs give each vCPU a
/// thread of its own.
[[nodiscard]] bool thread_ran(const Sysfs& sysfs, int pid);

}  // namespace irqtune
