// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/settings.h"
#include "irqtune/sys/sysfs.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace irqtune {

/// What a TuneD that runs does to interrupts, as its loader merges the active profiles.
[[nodiscard]] Meddler read_tuned(const Sysfs& sysfs, int pid);

/// The files of TuneD's active profiles, of those they include and of their variables, and what
/// names them.
[[nodiscard]] std::vector<std::string> tuned_files(const Sysfs& sysfs);

/// Sections of a TuneD file, each with its keys; a later value of a key wins.
using TunedSections = std::map<std::string, std::map<std::string, std::string>>;

/// Reads what Python's configparser makes of it: `=` alone parts key and value, comments begin with
/// `#` or `;` in front of a line and ` #` within one, an indented line goes on with the value
/// before it. What stands before the first section is in section "".
/// Source: TuneD profiles/loader.py, _load_config_data().
[[nodiscard]] TunedSections parse_tuned(std::string_view text);

}  // namespace irqtune
