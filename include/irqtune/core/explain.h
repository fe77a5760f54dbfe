// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/plan.h"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace irqtune {

/// A CPU that could take the vector, and what it would carry.
struct CandidateFact {
  int cpu = 0;
  std::optional<NodeId> node;
  std::optional<int> distance;  ///< From the vector's home node; 10 is local.
  std::optional<int> core;      ///< As Cpu::core
  bool first_thread = true;     ///< The first thread of its core that may take vectors.
  bool shares_cache = false;    ///< The last-level cache of the VM's vCPUs.
  std::optional<double> load;   ///< With the whole plan; interrupts per second, empty: no rates.
  std::size_t vectors = 0;      ///< With the whole plan.
  bool chosen = false;
};

/// A CPU that could not, and the rule that says so: "cpu6: vCPU 2 of db1 (libvirt)",
/// "cpu1: node 1, distance 21".
struct RejectionFact {
  int cpu = 0;
  std::string rule;
};

/// Why a vector goes where it goes.
struct VectorExplanation {
  Assignment assignment;
  std::optional<NodeId> home;             ///< The node it should be on.
  std::vector<CandidateFact> candidates;  ///< The chosen one first, then the best ones first.
  std::vector<RejectionFact> rejected;    ///< By CPU.
  std::vector<std::string> why;  ///< Why the chosen one won, one line for each rule that spoke.
};

/// Who protects a CPU, and what it would carry.
struct CpuExplanation {
  int cpu = 0;
  bool online = false;
  bool housekeeping = false;
  std::vector<std::string> rules;     ///< Why it takes no vectors; empty if it may.
  std::optional<double> load_before;  ///< Interrupts per second; empty: no rates.
  std::optional<double> load_after;
  std::vector<Assignment> before;  ///< Vectors in the plan that are there now.
  std::vector<Assignment> after;   ///< Vectors in the plan that will be there.
};

/// All vectors of a device.
struct DeviceExplanation {
  PciAddress device;
  std::string vm;                          ///< Empty if no VM has it.
  std::optional<NodeId> node;              ///< Its own; see VectorExplanation::home.
  std::vector<VectorExplanation> vectors;  ///< By IRQ number.
};

}  // namespace irqtune
