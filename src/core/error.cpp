// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/error.h"

#include <fmt/format.h>

#include <utility>

namespace irqtune {

Error::Error(ErrorKind kind, const std::string& message, std::string hint)
    : std::runtime_error(message), kind_(kind), hint_(std::move(hint)) {}

Error Error::system(ErrorKind kind,
                    std::string_view path,
                    std::string_view what,
                    std::error_code code,
                    std::string hint) {
  return {kind, fmt::format("{}: {}: {}", path, what, code.message()), std::move(hint)};
}

}  // namespace irqtune
