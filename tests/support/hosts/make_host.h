// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace irqtune::test {

/// The shape of a host's CPUs. Numbers as Linux gives them on x86: first threads of all nodes
/// first, then their siblings.
struct Grid {
  int nodes = 1;
  int cores = 4;    ///< Per node
  int threads = 1;  ///< Per core
  int llcs = 1;     ///< Per node
};

/// A NIC on node 0.
inline const std::string kNic = "0000:3b:00.0";

/// A host with online CPUs, nodes at distance 21 from each other, and nothing else.
[[nodiscard]] Host make_host(const Grid& grid);

[[nodiscard]] PciAddress address(const std::string& text);

/// Adds a passed-through device. The host's devices stay by address.
PciDevice& add_device(Host& host, const std::string& text, std::optional<NodeId> node);

/// Adds one MSI-X vector of a device, headed to the CPUs of `mask`, delivered to the lowest of
/// them. The number is the next free one.
Irq& add_vector(Host& host, const std::string& device, const std::string& mask, double rate = 0);

/// Adds an interrupt of the host's own, by the handler's name.
Irq& add_host_irq(Host& host, const std::string& name, const std::string& mask, double rate = 0);

/// Adds a running VM whose vCPU i is pinned to pins[i], a CPU list; "" is a vCPU that floats.
Vm& add_vm(Host& host,
           const std::string& name,
           const std::vector<std::string>& pins,
           const std::vector<std::string>& devices);

[[nodiscard]] CpuSet cpus(const std::string& list);

/// Two nodes of four cores with two threads (0-3 and 8-11 on node 0); vm1 pins cores 2 and 3, and
/// has kNic. So 0, 1, 8, 9 may take its vectors.
[[nodiscard]] Host two_nodes();

}  // namespace irqtune::test
