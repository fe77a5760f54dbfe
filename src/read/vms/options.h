// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace irqtune {

using OptionPair = std::pair<std::string, std::string>;

/// The members of an option's value as QEMU and others write them: "a,b=c,,d" is {"a", ""} and
/// {"b", "c,d"}, since a doubled comma stands for itself. A text that starts with a brace is JSON,
/// of which the strings are kept; members of an inner object get dotted keys ("file.driver"), as in
/// QEMU's own short form. Never empty; of more than 64 KiB, which no VM needs and any process can
/// have, nothing is taken.
/// Source: QEMU util/keyval.c, util/qemu-option.c, docs of -device and -blockdev.
[[nodiscard]] std::vector<OptionPair> parse_options(std::string_view text);

/// The value of the last such key, which is the one that counts; empty if there is none.
[[nodiscard]] std::string option(const std::vector<OptionPair>& options, std::string_view key);

}  // namespace irqtune
