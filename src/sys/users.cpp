// SPDX-License-Identifier: Apache-2.0
#include "sys/users.h"

#include "irqtune/core/text.h"

namespace irqtune {

std::optional<std::string> user_name(const Sysfs& sysfs, std::uint32_t uid) {
  const auto passwd = sysfs.read("/etc/passwd").value_or("");
  std::string_view text = passwd;
  while (!text.empty()) {
    const auto fields = split(take_until(text, '\n'), ':');
    if (fields.size() > 2 && parse_number<std::uint32_t>(fields[2]) == uid) {
      return printable(fields[0]);
    }
  }
  return std::nullopt;
}

}  // namespace irqtune
