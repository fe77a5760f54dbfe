// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plan/solve/state.h"

namespace irqtune::planning {

/// Auxiliaries on first threads go to sibling threads, as many as can be: into free slots, then
/// into those that others leave for elsewhere. True if any did.
bool seat_auxiliaries(State& state);

}  // namespace irqtune::planning
