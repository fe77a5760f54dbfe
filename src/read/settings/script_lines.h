// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace irqtune {

/// True of an empty line, and of one that a shell, Python or a configuration file passes over.
[[nodiscard]] bool is_comment(std::string_view line);

/// True of "echo 3 > $dir/smp_affinity" and "> $file", false of "cat smp_affinity > /tmp/x" and of
/// "> $file" where another of the script's lines says "file=/tmp/x".
[[nodiscard]] bool writes_mask(std::string_view line, const std::vector<std::string_view>& lines);

/// What the word of a command line is to tuna, bare ("tuna" of "ExecStart=-/usr/bin/tuna", "--irqs"
/// of "--irqs=eth0"); empty if nothing that sets affinities.
[[nodiscard]] std::string_view tuna_word(std::string_view word);

/// True of a call of tuna that sets interrupts' affinities, not threads' alone. Source: tuna(8)
[[nodiscard]] bool runs_tuna(std::string_view line);

/// Numbers (from 0) of the lines by which a script sets masks over several lines: those that name
/// masks, and those that write. None if it only reads.
[[nodiscard]] std::vector<std::size_t> writing_lines(const std::vector<std::string_view>& lines);

/// How far a line reaches: 3 where it writes to every interrupt's mask, to vfio's or to the default
/// one, down to 0.
[[nodiscard]] int reach_of(std::string_view line);

}  // namespace irqtune
