// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/esx_change.h"
#include "irqtune/report/report.h"

#include <string>
#include <vector>

namespace irqtune {

/// The findings of a classic ESX host, and what became of lines that were shared.
[[nodiscard]] std::string diagnosis_json(const Diagnosis& diagnosis,
                                         const std::vector<EsxChange>& changes);

}  // namespace irqtune
