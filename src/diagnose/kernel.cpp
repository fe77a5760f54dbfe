// SPDX-License-Identifier: Apache-2.0
#include "irqtune/diagnose/diagnose.h"

namespace irqtune {

std::vector<Finding> find_settings(const DiagnosisInput& /*input*/) {
  return {};
}

}  // namespace irqtune
