// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/report/report.h"

#include <sstream>
#include <string>

namespace irqtune::test {

/// What print_host_json() prints.
inline std::string host_json(const Host& host, const ProtectionMap& protections, Section section) {
  std::ostringstream out;
  print_host_json(out, host, protections, section);
  return out.str();
}

}  // namespace irqtune::test
