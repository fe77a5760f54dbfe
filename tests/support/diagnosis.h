// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/diagnose/diagnose.h"

#include <functional>
#include <string>
#include <vector>

namespace irqtune::test {

/// One family of findings, or all of them.
using Family = std::function<std::vector<Finding>(const DiagnosisInput&)>;

/// What the family says of the host, with a plan made as `diagnose` makes it.
[[nodiscard]] std::vector<Finding> findings_of(const Family& family,
                                               const Host& host,
                                               const Settings& settings = {},
                                               const Policy& policy = {});

/// "vector-on-vcpu cpu-crowded": the ids in their order; empty if nothing was found.
[[nodiscard]] std::string ids(const std::vector<Finding>& findings);

/// The only finding of this id; fails the test if there is none or several.
[[nodiscard]] const Finding& require_finding(const std::vector<Finding>& findings,
                                             const std::string& id);

/// True if one of the lines holds `text`.
[[nodiscard]] bool has_text(const std::vector<std::string>& lines, const std::string& text);

}  // namespace irqtune::test
