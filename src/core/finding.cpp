// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/finding.h"

namespace irqtune {

std::string_view severity_text(Severity severity) noexcept {
  switch (severity) {
    case Severity::info:
      return "info";
    case Severity::warning:
      return "warning";
    case Severity::critical:
      break;
  }
  return "critical";
}

std::string_view confidence_text(Confidence confidence) noexcept {
  switch (confidence) {
    case Confidence::certain:
      return "certain";
    case Confidence::likely:
      return "likely";
    case Confidence::possible:
      break;
  }
  return "possible";
}

}  // namespace irqtune
