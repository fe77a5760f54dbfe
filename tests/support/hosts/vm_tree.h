// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"
#include "irqtune/read/vms/vms.h"

#include "support/hosts/fake_tree.h"

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace irqtune::test {

/// Adds a process: comm, a command line of words, and its main thread on CPUs `cpus`.
void add_process(FakeTree& tree,
                 int pid,
                 std::string_view comm,
                 const std::vector<std::string_view>& words,
                 std::string_view cpus);

/// Adds a thread that has run a guest for `guest_time` ticks, and was started at tick `started`.
void add_thread(FakeTree& tree,
                int pid,
                int tid,
                std::string_view comm,
                std::string_view cpus,
                int guest_time = 0,
                int started = 22);

/// Gives the process open descriptors that lead to `targets`, from 0 on.
void add_descriptors(FakeTree& tree, int pid, std::initializer_list<std::string_view> targets);

/// A device in IOMMU group `group`, bound to vfio-pci or not.
PciDevice make_device(std::string_view address, int group, bool passthrough = true);

/// Adds QEMU with named vCPU threads, one for each of `pins`.
void add_qemu(FakeTree& tree,
              int pid,
              std::string_view name,
              std::initializer_list<std::string_view> pins,
              std::string_view others = "0-15");

/// A host of 16 CPUs, all online.
Topology sixteen_cpus();

/// The VM of this name; fails the test if there is none.
const Vm& require_vm(const VmsRead& read, std::string_view name);

/// "0:2 1:3": each vCPU with its CPUs, "?" where unknown, "*" behind a pool's, "!" a dedicated
/// one's.
std::string pins_text(const Vm& vm);

/// "0000:22:00.0 0000:24:00.0"
std::string devices_text(const Vm& vm);

/// True if one of the warnings holds `text`.
bool warns(const VmsRead& read, std::string_view text);

}  // namespace irqtune::test
