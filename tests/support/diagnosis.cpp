// SPDX-License-Identifier: Apache-2.0
#include "support/diagnosis.h"

#include "irqtune/plan/planner.h"

#include "support/catch.h"

#include <algorithm>

namespace irqtune::test {

std::vector<Finding> findings_of(const Family& family,
                                 const Host& host,
                                 const Settings& settings,
                                 const Policy& policy) {
  const auto plan = make_plan(host, policy);
  return family({host, plan.protections, plan, settings});
}

std::string ids(const std::vector<Finding>& findings) {
  std::string text;
  for (const auto& finding : findings) {
    text += text.empty() ? finding.id : " " + finding.id;
  }
  return text;
}

const Finding& require_finding(const std::vector<Finding>& findings, const std::string& id) {
  INFO(ids(findings));
  REQUIRE(std::ranges::count(findings, id, &Finding::id) == 1);
  return *std::ranges::find(findings, id, &Finding::id);
}

bool has_text(const std::vector<std::string>& lines, const std::string& text) {
  return std::ranges::any_of(
      lines, [&](const std::string& line) { return line.find(text) != std::string::npos; });
}

}  // namespace irqtune::test
