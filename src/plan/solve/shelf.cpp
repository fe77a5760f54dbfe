// SPDX-License-Identifier: Apache-2.0
#include "plan/solve/shelf.h"

#include <algorithm>
#include <utility>

namespace irqtune::planning {

void Shelf::add(const Holder& holder) {
  holders_.push_back(holder);
}

Holder Shelf::put(std::size_t ball, std::size_t at) {
  auto& holder = holders_[at];
  const auto before = holder;
  holder.load += weight_in(problem_->balls[ball], bin(at));
  ++holder.count;
  holder.primaries += problem_->balls[ball].role == Role::primary ? 1U : 0U;
  return before;
}

bool Shelf::takes(std::size_t ball, std::size_t at) const {
  return holders_[at].count < bin(at).slots && reaches(*problem_, problem_->balls[ball], bin(at));
}

bool Shelf::is_open(const Holder& holder) const {
  const auto& bin = problem_->bins[holder.bin];
  return bin.first && !bin.covered && holder.primaries == 0;
}

Disorder Shelf::disorder() const {
  Disorder found;
  for (const auto& holder : holders_) {
    const bool first = problem_->bins[holder.bin].first;
    found.open += is_open(holder) ? 1U : 0U;
    found.misplaced += first ? holder.count - holder.primaries : 0;
  }
  return found;
}

double Shelf::largest() const {
  double largest = 0;
  for (const auto& holder : holders_) {
    largest = holder.count > 0 ? std::max(largest, holder.load) : largest;
  }
  return largest;
}

double Shelf::room(double limit, double lightest) const {
  double room = 0;
  for (const auto& holder : holders_) {
    const double gap = (limit - holder.load) / problem_->bins[holder.bin].per_weight;
    room += gap >= lightest ? std::max(0.0, gap) : 0;
  }
  return room;
}

std::optional<std::size_t> Shelf::next(std::optional<std::size_t> last) const {
  const auto key = [this](std::size_t at) { return std::pair(holders_[at].load, at); };
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < holders_.size(); ++i) {
    if ((!last || key(*last) < key(i)) && (!found || key(i) < key(*found))) {
      found = i;
    }
  }
  return found;
}

bool Shelf::are_alike(std::size_t a, std::size_t b) const {
  const auto& one = holders_[a];
  const auto& two = holders_[b];
  return one.load == two.load && bin(a).group == bin(b).group && bin(a).first == bin(b).first &&
         bin(a).per_weight == bin(b).per_weight && is_open(one) == is_open(two) &&
         (one.count == 0) == (two.count == 0) &&
         bin(a).slots - one.count == bin(b).slots - two.count;
}

Disorder disorder_in(const Problem& problem, const Placement& placement) {
  Shelf shelf(problem);
  for (std::size_t bin = 0; bin < problem.bins.size(); ++bin) {
    shelf.add({bin, problem.bins[bin].base, 0, 0});
  }
  for (std::size_t i = 0; i < placement.size(); ++i) {
    if (placement[i]) {
      shelf.put(i, *placement[i]);
    }
  }
  return shelf.disorder();
}

bool are_alike(const Ball& a, const Ball& b) {
  return a.weight == b.weight && a.role == b.role && a.reach == b.reach && a.current == b.current &&
         a.in_place == b.in_place;
}

}  // namespace irqtune::planning
