// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plan/solve/balance.h"

#include <compare>
#include <set>
#include <vector>

namespace irqtune::planning {

/// What a bin is good for, as its primaries come and go.
enum class BinKind : std::uint8_t {
  open,     ///< A first thread without a primary.
  covered,  ///< A first thread with one.
  sibling,
};

/// A bin in the order in which balls go into them.
struct Rank {
  double load = 0;
  std::size_t count = 0;
  std::size_t bin = 0;
  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 mistakes the defaulted operator
  friend auto operator<=>(const Rank&, const Rank&) = default;
};

/// Bins of one group, cache, kind and speed that have slots left; the first is the one to take.
struct Cell {
  std::size_t group = 0;
  int llc = -1;
  BinKind kind = BinKind::open;
  double per_weight = 1;  ///< As Bin::per_weight.
  std::set<Rank> bins;
};

/// A placement in the making: every change keeps loads and cells as they must be.
class State {
 public:
  explicit State(const Problem& problem);

  void put(std::size_t ball, std::size_t bin);
  void take(std::size_t ball);

  [[nodiscard]] const Problem& problem() const { return *problem_; }

  [[nodiscard]] const Placement& placement() const { return at_; }

  [[nodiscard]] double load(std::size_t bin) const { return bins_[bin].load; }

  [[nodiscard]] std::size_t count(std::size_t bin) const { return bins_[bin].balls.size(); }

  [[nodiscard]] bool is_full(std::size_t bin) const;
  [[nodiscard]] BinKind kind(std::size_t bin) const;

  /// True if the first thread where the ball is would have no primary without it.
  [[nodiscard]] bool covers_alone(std::size_t ball) const;

  [[nodiscard]] const std::vector<std::size_t>& balls(std::size_t bin) const {
    return bins_[bin].balls;
  }

  /// The largest load of a used bin, 0 if there is none.
  [[nodiscard]] double largest() const;

  /// Over all bins, used or not.
  [[nodiscard]] double mean_load() const;

  /// All bins by load, the least first, used or not.
  [[nodiscard]] const std::set<Rank>& by_load() const { return by_load_; }

  [[nodiscard]] const std::vector<Cell>& cells() const { return cells_; }

  /// The cells of the groups in a reach, as indices.
  [[nodiscard]] const std::vector<std::size_t>& cells_in(std::size_t reach) const {
    return cells_of_reach_[reach];
  }

 private:
  struct Content {
    double load = 0;
    std::size_t primaries = 0;
    std::size_t first_cell = 0;  // Of the three cells of its group and cache, by kind.
    std::vector<std::size_t> balls;
  };

  void unlist(std::size_t bin);
  void list(std::size_t bin);
  [[nodiscard]] Rank rank(std::size_t bin) const;

  const Problem* problem_;
  std::vector<Content> bins_;
  Placement at_;
  std::vector<Cell> cells_;
  std::vector<std::vector<std::size_t>> cells_of_reach_;
  std::set<Rank> by_load_;
  std::set<Rank> used_;
};

}  // namespace irqtune::planning
