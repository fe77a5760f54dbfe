// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"
#include "irqtune/sys/sysfs.h"

namespace irqtune {

/// Adds the threads of its vectors' handlers to each VM, where the kernel makes all handlers
/// threads: PREEMPT_RT and `threadirqs`. Elsewhere no vfio handler has one, and nothing is read.
void read_handler_threads(const Sysfs& sysfs, Host& host);

}  // namespace irqtune
