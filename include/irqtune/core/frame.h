// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/delivery.h"
#include "irqtune/core/host.h"
#include "irqtune/core/measurement.h"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace irqtune {

/// One CPU of a frame.
struct FrameCpu {
  CpuMeasure load;
  std::size_t vectors = 0;     ///< Of passed-through devices, delivered to it.
  std::size_t collisions = 0;  ///< Of those, how many collide.
};

/// One interrupt of a frame.
struct FrameRow {
  IrqNumber irq{};
  std::optional<VectorId> vector;  ///< Empty of the host's own.
  std::string handlers;            ///< As /proc/interrupts names them, comma between two.
  std::string vm;                  ///< Of its device; empty if no VM has it.
  std::optional<double> rate;      ///< Interrupts a second; empty if it came or went meanwhile.
  Delivery delivery;
  Standing standing = Standing::unknown;
  std::string vcpus;  ///< Of a collision: "vCPU 2 of db1"
};

/// What `top` shows of one interval.
struct Frame {
  HostId host;
  double seconds = 0;
  std::optional<std::string> time;  ///< When it ended, UTC; empty of a tree.
  std::vector<FrameCpu> cpus;       ///< Online ones, by number.
  std::vector<FrameRow> rows;       ///< What is no CPU's own, by number.
  InterruptRates interrupts;
  InterruptRates on_vcpu_cores;
  std::size_t vectors = 0;  ///< Of passed-through devices
  Tally tally;              ///< Of those
  bool outdated = false;    ///< The rows are not those of the host as it was last looked at.
  std::vector<std::string> warnings;
};

}  // namespace irqtune
