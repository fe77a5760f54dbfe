// SPDX-License-Identifier: Apache-2.0
#include "irqtune/watch/decide.h"

#include <algorithm>
#include <iterator>

namespace irqtune {

bool Fights::moved(const VectorId& vector, WatchTime now) {
  auto& fight = fights_[vector];
  fight.moves.push_back(now);
  while (now - fight.moves.front() > kWindow) {
    fight.moves.pop_front();
  }
  // The second time it takes no three: whoever moves it still is at it.
  const bool again = fight.pause > WatchTime{} && !fight.until;
  if (fight.moves.size() < kMoves && !again) {
    return false;
  }
  fight.pause = fight.pause > WatchTime{} ? std::min(fight.pause * 2, kLongestPause) : kFirstPause;
  fight.until = now + fight.pause;
  fight.moves.clear();
  return true;
}

bool Fights::is_let_go(const VectorId& vector, WatchTime now) const {
  const auto found = fights_.find(vector);
  return found != fights_.end() && found->second.until && now < *found->second.until;
}

std::vector<VectorId> Fights::due(WatchTime now) {
  std::vector<VectorId> vectors;
  for (auto fight = fights_.begin(); fight != fights_.end();) {
    auto& [vector, state] = *fight;
    const bool over = state.until && now >= *state.until;
    if (over) {
      state.until.reset();
      state.moves = {now};  // The start of its next window.
      vectors.push_back(vector);
    }
    // A window without a move ends the quarrel.
    const bool quiet = !state.until && !over && now - state.moves.back() > kWindow;
    fight = quiet ? fights_.erase(fight) : std::next(fight);
  }
  return vectors;
}

std::optional<WatchTime> Fights::next() const {
  std::optional<WatchTime> next;
  for (const auto& [vector, fight] : fights_) {
    if (fight.until && (!next || *fight.until < *next)) {
      next = fight.until;
    }
  }
  return next;
}

std::vector<VectorId> Fights::let_go() const {
  std::vector<VectorId> vectors;
  for (const auto& [vector, fight] : fights_) {
    if (fight.until) {
      vectors.push_back(vector);
    }
  }
  return vectors;
}

void Fights::keep_only(const Places& places) {
  std::erase_if(fights_, [&](const auto& fight) { return !places.contains(fight.first); });
}

}  // namespace irqtune
