// SPDX-License-Identifier: Apache-2.0
#include "plan/solve/flow/transport.h"

#include <algorithm>
#include <limits>
#include <optional>

namespace irqtune::planning {

namespace {

constexpr long kNever = std::numeric_limits<long>::max() / 2;

/// The cheapest way from any source with supply to each source and sink, in the residual network.
struct Ways {
  std::vector<long> to_source;
  std::vector<long> to_sink;
  std::vector<std::optional<std::size_t>> source_lane;  // The lane that came back to the source.
  std::vector<std::optional<std::size_t>> sink_lane;
};

/// Whether going along the lane, or back along its flow, makes a way cheaper.
bool relax(const std::vector<Lane>& lanes, std::size_t i, Ways& ways) {
  const auto& lane = lanes[i];
  bool changed = false;
  const long there = ways.to_source[lane.source] + lane.cost;
  if (lane.flow < lane.capacity && there < ways.to_sink[lane.sink]) {
    ways.to_sink[lane.sink] = there;
    ways.sink_lane[lane.sink] = i;
    changed = true;
  }
  const long back = ways.to_sink[lane.sink] - lane.cost;
  if (lane.flow > 0 && ways.to_sink[lane.sink] < kNever && back < ways.to_source[lane.source]) {
    ways.to_source[lane.source] = back;
    ways.source_lane[lane.source] = i;
    changed = true;
  }
  return changed;
}

Ways cheapest_ways(const std::vector<std::size_t>& supply,
                   std::size_t sinks,
                   const std::vector<Lane>& lanes) {
  Ways ways{std::vector<long>(supply.size(), kNever),
            std::vector<long>(sinks, kNever),
            std::vector<std::optional<std::size_t>>(supply.size()),
            std::vector<std::optional<std::size_t>>(sinks)};
  for (std::size_t i = 0; i < supply.size(); ++i) {
    ways.to_source[i] = supply[i] > 0 ? 0 : kNever;
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = 0; i < lanes.size(); ++i) {
      changed = relax(lanes, i, ways) || changed;
    }
  }
  return ways;
}

/// The sink with room that is cheapest to get to; empty optional if there is no way to any.
std::optional<std::size_t> cheapest_sink(const Ways& ways, const std::vector<std::size_t>& room) {
  std::optional<std::size_t> best;
  for (std::size_t sink = 0; sink < room.size(); ++sink) {
    const bool open = room[sink] > 0 && ways.to_sink[sink] < kNever;
    if (open && (!best || ways.to_sink[sink] < ways.to_sink[*best])) {
      best = sink;
    }
  }
  return best;
}

}  // namespace

void transport(std::vector<std::size_t> supply,
               std::vector<std::size_t> room,
               std::vector<Lane>& lanes) {
  while (true) {
    const auto ways = cheapest_ways(supply, room.size(), lanes);
    const auto best = cheapest_sink(ways, room);
    if (!best) {
      return;
    }
    // Twice along the way: how much fits, then sending it.
    std::size_t amount = room[*best];
    auto lane = *ways.sink_lane[*best];
    amount = std::min(amount, lanes[lane].capacity - lanes[lane].flow);
    auto source = lanes[lane].source;
    while (ways.source_lane[source]) {
      const auto back = *ways.source_lane[source];
      amount = std::min(amount, lanes[back].flow);
      lane = *ways.sink_lane[lanes[back].sink];
      amount = std::min(amount, lanes[lane].capacity - lanes[lane].flow);
      source = lanes[lane].source;
    }
    amount = std::min(amount, supply[source]);
    supply[source] -= amount;
    room[*best] -= amount;
    lane = *ways.sink_lane[*best];
    lanes[lane].flow += amount;
    for (source = lanes[lane].source; ways.source_lane[source]; source = lanes[lane].source) {
      const auto back = *ways.source_lane[source];
      lanes[back].flow -= amount;
      lane = *ways.sink_lane[lanes[back].sink];
      lanes[lane].flow += amount;
    }
  }
}

}  // namespace irqtune::planning
