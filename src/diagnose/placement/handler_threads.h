// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "diagnose/parts.h"

namespace irqtune::diagnosis {

/// Threads of interrupts' handlers that may run on vCPUs' cores.
void find_handler_threads(const DiagnosisInput& input, std::vector<Finding>& findings);

}  // namespace irqtune::diagnosis
