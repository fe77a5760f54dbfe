// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace irqtune {

/// One setting of a configuration file.
struct ConfigEntry {
  std::string section;                  ///< Empty before the first "[section]".
  std::string key;                      ///< As written, without quotes.
  std::vector<std::string> values;      ///< Several of an array; "true" of a key alone.
  bool bare = false;                    ///< The value stood without quotes and without brackets.
  std::size_t line = 0;                 ///< Where the key stands; from 1.
  std::vector<std::size_t> lines = {};  ///< Where each value of an array stands.
};

/// The settings of a configuration file, in its order: the part of TOML that holds options
/// ("key = value", strings in double or single quotes, arrays over any number of lines, sections,
/// comments), and what CLI11's own format has beside it: values without quotes, a key alone for
/// true, comments that begin with ";". Throws Error{usage}, "NAME:LINE: what", if `text` is
/// neither. Source: https://toml.io/en/v1.0.0; CLI/Config.hpp.
[[nodiscard]] std::vector<ConfigEntry> parse_config_text(std::string_view text,
                                                         const std::string& name);

}  // namespace irqtune
