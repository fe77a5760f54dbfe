// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/esx.h"

#include <string_view>

namespace irqtune {

/// Parses the text of a classic ESX host's /proc/vmware/interrupts; never throws. A line is
/// "0x89: COUNT... OWNER, OWNER": a hexadecimal vector, one count for each PCPU, and owners with or
/// without a blank behind the comma, in angle brackets where no driver is loaded.
/// Source: VMware knowledge base 1290 and 1003710.
[[nodiscard]] EsxTable parse_esx_interrupts(std::string_view text);

/// Parses the text of the service console's /proc/interrupts (a Linux 2.4 table whose controllers
/// are vmnix-edge and vmnix-level); never throws.
[[nodiscard]] EsxConsole parse_esx_console(std::string_view text);

}  // namespace irqtune
