// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace irqtune {

/// CPU and NUMA facts from a text that a tool printed. Ids of cores, sockets and caches are the
/// tool's own (lscpu renumbers them); node ids are the kernel's.
struct CpuText {
  Topology topology;  ///< What the text says; the rest is empty.

  /// How many threads a core has, where the text says that and not which CPUs they are.
  std::optional<std::uint32_t> threads_per_core;

  std::vector<std::string> warnings;  ///< What was passed over; each begins with the path.
};

/// Parses what `lscpu`, `lscpu -p[=...]`, `lscpu -e[=...]`, `lscpu --json` (also with -e) or
/// `numactl --hardware` printed, in any language and with any columns; which of them it is, it
/// finds out. Throws Error{usage} naming `path` if it is none of them.
/// Source: util-linux sys-utils/lscpu.c; numactl numactl.c, hardware().
[[nodiscard]] CpuText parse_cpu_text(std::string_view text, std::string_view path);

/// Fills what `topology` does not know from `text`: sysfs wins where both speak. Returns what is
/// odd about it: neither tells which CPUs are siblings, and there are some.
std::vector<std::string> merge_cpu_text(Topology& topology, const CpuText& text);

}  // namespace irqtune
