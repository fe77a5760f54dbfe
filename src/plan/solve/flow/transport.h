// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

namespace irqtune::planning {

/// A way from a source to a sink.
struct Lane {
  std::size_t source = 0;
  std::size_t sink = 0;
  std::size_t capacity = 0;
  long cost = 0;         ///< Per unit
  std::size_t flow = 0;  ///< What goes this way.
};

/// Sends as much as possible from the sources to the sinks, at the least total cost, and sets the
/// flow of each lane. Successive shortest paths: cost grows with lanes and sources, not with units.
void transport(std::vector<std::size_t> supply,
               std::vector<std::size_t> room,
               std::vector<Lane>& lanes);

}  // namespace irqtune::planning
