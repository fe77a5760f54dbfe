// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/cpu_set.h"
#include "irqtune/core/host.h"
#include "irqtune/core/protection.h"

#include <optional>
#include <string_view>
#include <vector>

namespace irqtune {

// On PREEMPT_RT and with `threadirqs` the kernel runs handlers in threads, "irq/80-vfio-msi". Those
// of a VM's vectors are among Vm::threads.

/// 80 of "irq/80-vfio-msi"; "irq/80-s-..." is a second thread of its handler. Empty of any other
/// name. Source: Linux kernel/irq/manage.c, setup_irq_thread()
[[nodiscard]] std::optional<IrqNumber> irq_of_thread(std::string_view name) noexcept;

/// The threads that run the handler of a passed-through device's vector, by TID.
[[nodiscard]] std::vector<OwnThread> handler_threads(const Host& host, const Irq& irq);

/// CPUs that a vCPU protects and on which a handler's thread may run, though its interrupt is
/// delivered elsewhere: someone moved it, or the kernel did when an isolated cpuset partition came
/// or went. Writing the mask again brings it back. Empty of an interrupt that does not come: its
/// thread follows a new mask only when it runs.
/// Source: Linux kernel/irq/manage.c, irq_thread_check_affinity(); kernel/cgroup/cpuset.c
[[nodiscard]] CpuSet threads_astray_on(const Host& host,
                                       const Irq& irq,
                                       const ProtectionMap& protections);

}  // namespace irqtune
