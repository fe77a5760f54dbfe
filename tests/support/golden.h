// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace irqtune::test {

/// Compares `printed` with tests/golden/<directory>/<file>. After a change that is meant to change
/// it, IRQTUNE_UPDATE_GOLDEN=1 writes the file anew, and `git diff` is the review.
void check_golden(const std::string& directory,
                  const std::string& file,
                  const std::string& printed);

}  // namespace irqtune::test
