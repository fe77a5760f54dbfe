// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plan/solve/balance.h"

#include <compare>
#include <cstddef>
#include <optional>
#include <vector>

namespace irqtune::planning {

/// A bin with what is in it.
struct Holder {
  std::size_t bin = 0;
  double load = 0;
  std::size_t count = 0;
  std::size_t primaries = 0;
};

/// What the hierarchy comes to; smaller is better.
struct Disorder {
  std::size_t open = 0;       ///< First threads without a primary.
  std::size_t misplaced = 0;  ///< Auxiliaries on first threads.
  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 mistakes the defaulted operator
  friend auto operator<=>(const Disorder&, const Disorder&) = default;
};

/// Some bins of a problem, for a search that puts balls into them and takes them out again. Bins
/// are known by their place in it.
class Shelf {
 public:
  explicit Shelf(const Problem& problem) : problem_(&problem) {}

  /// A bin with what stays in it, at the next place.
  void add(const Holder& holder);

  /// Returns what was there before, for put_back().
  Holder put(std::size_t ball, std::size_t at);

  void put_back(std::size_t at, const Holder& before) { holders_[at] = before; }

  [[nodiscard]] std::size_t size() const { return holders_.size(); }

  [[nodiscard]] const Holder& holder(std::size_t at) const { return holders_[at]; }

  [[nodiscard]] const Bin& bin(std::size_t at) const { return problem_->bins[holders_[at].bin]; }

  /// True if the ball may go there and finds a slot.
  [[nodiscard]] bool takes(std::size_t ball, std::size_t at) const;

  [[nodiscard]] Disorder disorder() const;

  /// Largest load of a bin with a ball.
  [[nodiscard]] double largest() const;

  /// Up to loads of `limit` there is room for so much weight, but for gaps that are too small for
  /// `lightest`.
  [[nodiscard]] double room(double limit, double lightest) const;

  /// The place that follows `last` when they are taken by load, the least first.
  [[nodiscard]] std::optional<std::size_t> next(std::optional<std::size_t> last) const;

  /// True if it makes no difference for balls to come which of the two they go to.
  [[nodiscard]] bool are_alike(std::size_t a, std::size_t b) const;

 private:
  [[nodiscard]] bool is_open(const Holder& holder) const;

  const Problem* problem_;
  std::vector<Holder> holders_;
};

/// Of the whole problem, as placed.
[[nodiscard]] Disorder disorder_in(const Problem& problem, const Placement& placement);

/// True if it makes no difference which of the two balls goes where.
[[nodiscard]] bool are_alike(const Ball& a, const Ball& b);

}  // namespace irqtune::planning
