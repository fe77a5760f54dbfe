// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"
#include "irqtune/core/plan.h"

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

namespace irqtune::test {

/// What a placement of all vectors comes to, by the promises' order.
struct Verdict {
  long distance = 0;          ///< Sum over the vectors.
  std::size_t uncovered = 0;  ///< First threads without a primary.
  std::size_t misplaced = 0;  ///< Auxiliaries that are not on a sibling thread.
  double largest = 0;         ///< Load of the busiest CPU that has a vector.

  /// The same for each node; once more (true) for CPUs with a passed-through vector alone: under
  /// `evict` they are balanced against the host's interrupts as against what stays.
  std::map<std::pair<std::optional<NodeId>, bool>, double> by_node;
  /// Of the busiest CPU of each node that has a vector whose mask is to be written.
  std::map<std::optional<NodeId>, double> written;

  std::map<std::optional<NodeId>, double> deviations;  ///< Standard, of each node's loads.

  std::size_t cached = 0;  ///< Vectors beside a cache of their VM.
  std::size_t moves = 0;   ///< Masks to write.

  [[nodiscard]] auto order() const { return std::tuple(distance, uncovered, misplaced); }
};

/// Tries every placement of the vectors that a plan places, slowly and simply, by the text of the
/// promises. Shares nothing with the planner but the core types and the roles in the plan.
class Oracle {
 public:
  Oracle(const Host& host, const Policy& policy, const Plan& plan);

  /// Of the plan itself.
  [[nodiscard]] Verdict planned() const;

  /// The best by order(), then by the largest load.
  [[nodiscard]] Verdict best();

  /// A placement as good as `verdict` in order, largest loads, spread and caches, with fewer moves.
  [[nodiscard]] bool fewer_moves_would_do(const Verdict& verdict);

  /// Nodes that share vectors, as far as placements with the best order() go. Nodes are balanced
  /// together or apart by that.
  struct Neighbours {
    std::set<std::optional<NodeId>> nodes;
    double best = 0;  ///< The smallest that the largest load there can be.
    double base = 0;  ///< The largest load there whatever is planned.
  };

  [[nodiscard]] std::vector<Neighbours> neighbours(const Verdict& best);

  using Deviations = decltype(Verdict::deviations);

  /// As planned; the least of all placements of what the plan is free to place, each vector on the
  /// node where the plan has it, as good in order and with no larger load; and what longest-first
  /// greedy comes to, on nodes where it keeps to that.
  struct Spread {
    Deviations planned;
    Deviations least;
    Deviations greedy;
  };

  [[nodiscard]] Spread spread();

  [[nodiscard]] std::size_t vectors() const { return vectors_.size(); }

  /// CPUs that may take vectors, with how many.
  struct Candidate {
    const Cpu* cpu = nullptr;
    bool first = true;
    bool covered = false;  ///< By a primary that is not planned.
    double base = 0;
    std::size_t slots = 0;
  };

  [[nodiscard]] const std::vector<Candidate>& candidates() const { return candidates_; }

 private:
  struct Vector {
    const Irq* irq = nullptr;
    const Assignment* assignment = nullptr;
    std::optional<NodeId> home;
    double weight = 0;
    std::vector<int> llcs;
    std::size_t at = 0;  ///< Index into candidates_, while trying.
  };

  void add_candidates(const Policy& policy);
  [[nodiscard]] Candidate candidate_for(const Cpu& cpu, const Policy& policy) const;
  /// Counts in what `irq`, which stays where it is, takes of the candidate.
  void add_unplanned(const Irq& irq, const Policy& policy, Candidate& candidate) const;
  [[nodiscard]] std::optional<NodeId> home_of(const Vector& vector, Near near) const;
  [[nodiscard]] long distance_to(const Vector& vector, const Candidate& candidate) const;
  [[nodiscard]] Verdict judge() const;
  [[nodiscard]] std::vector<double> loads() const;
  [[nodiscard]] Deviations deviations() const;
  [[nodiscard]] bool is_free(const Vector& vector) const;
  [[nodiscard]] bool may_go(std::size_t vector,
                            std::size_t candidate,
                            const std::vector<std::size_t>& planned) const;
  template <typename Visit>
  void try_free(std::size_t depth, const std::vector<std::size_t>& planned, Visit visit);
  void place_greedily(const std::vector<std::size_t>& planned);
  template <typename Visit>
  void try_all(std::size_t depth, std::vector<std::size_t>& used, Visit visit);

  const Host& host_;
  const Plan& plan_;
  std::vector<Vector> vectors_;
  std::vector<Candidate> candidates_;
};

}  // namespace irqtune::test
