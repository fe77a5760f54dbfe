// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plan/solve/balance.h"

#include <vector>

namespace irqtune::test {

/// One core a bin, all on one node; primaries of these weights that may go anywhere.
inline planning::Problem problem_of(std::size_t bins, const std::vector<double>& weights) {
  planning::Problem problem;
  for (std::size_t i = 0; i < bins; ++i) {
    auto& bin = problem.bins.emplace_back();
    bin.cpu = static_cast<int>(i);
    bin.core = bin.cpu;
  }
  for (const auto weight : weights) {
    problem.balls.emplace_back().weight = weight;
  }
  problem.reaches = {{planning::Reach{}}};
  return problem;
}

}  // namespace irqtune::test
