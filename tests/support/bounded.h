// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/hosts/captured_host.h"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace irqtune::test {

/// What a run of the program came to, and what it took.
struct BoundedRan : Ran {
  bool ended = false;         ///< By itself: no signal, no limit.
  double seconds = 0;         ///< Of processor time.
  std::size_t megabytes = 0;  ///< Most memory at a time, beyond what the test's own process had.
};

/// As run(), in a process of its own that may take 120 seconds of processor time. Limits are
/// generous: they tell what is bounded from what is not, on any machine and under sanitizers.
/// A file that grows beyond `largest_file` bytes cannot be written on, as on a full disk.
[[nodiscard]] BoundedRan run_bounded(const std::vector<std::string>& arguments,
                                     std::optional<std::size_t> largest_file = {});

}  // namespace irqtune::test
