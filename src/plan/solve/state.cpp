// SPDX-License-Identifier: Apache-2.0
#include "plan/solve/state.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace irqtune::planning {

namespace {

/// One of each kind.
void add_cells(const Bin& bin, std::vector<Cell>& cells) {
  for (const auto kind : {BinKind::open, BinKind::covered, BinKind::sibling}) {
    cells.push_back({bin.group, bin.llc, kind, bin.per_weight, {}});
  }
}

/// The cells of the groups in the reach, as indices.
std::vector<std::size_t> cells_within(const std::vector<Reach>& reach,
                                      const std::vector<Cell>& cells) {
  std::vector<std::size_t> within;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (std::ranges::find(reach, cells[i].group, &Reach::group) != reach.end()) {
      within.push_back(i);
    }
  }
  return within;
}

}  // namespace

State::State(const Problem& problem)
    : problem_(&problem), bins_(problem.bins.size()), at_(problem.balls.size()) {
  std::map<std::tuple<std::size_t, int, double>, std::size_t> first_cells;
  for (std::size_t i = 0; i < bins_.size(); ++i) {
    const auto& bin = problem.bins[i];
    const auto [cell, added] =
        first_cells.try_emplace({bin.group, bin.llc, bin.per_weight}, cells_.size());
    if (added) {
      add_cells(bin, cells_);
    }
    bins_[i].load = bin.base;
    bins_[i].first_cell = cell->second;
    list(i);
  }
  for (const auto& reach : problem.reaches) {
    cells_of_reach_.push_back(cells_within(reach, cells_));
  }
}

Rank State::rank(std::size_t bin) const {
  return {bins_[bin].load, bins_[bin].balls.size(), bin};
}

bool State::is_full(std::size_t bin) const {
  return bins_[bin].balls.size() >= problem_->bins[bin].slots;
}

BinKind State::kind(std::size_t bin) const {
  if (!problem_->bins[bin].first) {
    return BinKind::sibling;
  }
  const bool covered = problem_->bins[bin].covered || bins_[bin].primaries > 0;
  return covered ? BinKind::covered : BinKind::open;
}

bool State::covers_alone(std::size_t ball) const {
  const auto bin = *at_[ball];
  return problem_->balls[ball].role == Role::primary && problem_->bins[bin].first &&
         !problem_->bins[bin].covered && bins_[bin].primaries == 1;
}

void State::list(std::size_t bin) {
  by_load_.insert(rank(bin));
  if (!bins_[bin].balls.empty()) {
    used_.insert(rank(bin));
  }
  if (!is_full(bin)) {
    cells_[bins_[bin].first_cell + static_cast<std::size_t>(kind(bin))].bins.insert(rank(bin));
  }
}

void State::unlist(std::size_t bin) {
  by_load_.erase(rank(bin));
  used_.erase(rank(bin));
  cells_[bins_[bin].first_cell + static_cast<std::size_t>(kind(bin))].bins.erase(rank(bin));
}

void State::put(std::size_t ball, std::size_t bin) {
  unlist(bin);
  auto& content = bins_[bin];
  content.load += weight_in(problem_->balls[ball], problem_->bins[bin]);
  content.primaries += problem_->balls[ball].role == Role::primary ? 1U : 0U;
  content.balls.push_back(ball);
  at_[ball] = bin;
  list(bin);
}

void State::take(std::size_t ball) {
  const auto bin = *at_[ball];
  unlist(bin);
  auto& content = bins_[bin];
  content.primaries -= problem_->balls[ball].role == Role::primary ? 1U : 0U;
  std::erase(content.balls, ball);
  // Summed anew, so that a bin's load depends on what is in it and not on what has been.
  content.load = problem_->bins[bin].base;
  for (const auto other : content.balls) {
    content.load += weight_in(problem_->balls[other], problem_->bins[bin]);
  }
  at_[ball].reset();
  list(bin);
}

double State::largest() const {
  return used_.empty() ? 0 : used_.rbegin()->load;
}

double State::mean_load() const {
  double sum = 0;
  for (const auto& rank : by_load_) {
    sum += rank.load;
  }
  return sum / static_cast<double>(std::max<std::size_t>(by_load_.size(), 1));
}

}  // namespace irqtune::planning
