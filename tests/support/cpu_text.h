// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>

namespace irqtune::test {

/// What `--lscpu` makes of the text.
Topology parse(std::string_view text);

/// "0:0-3 1:4-7", the nodes with their CPUs.
std::string nodes_text(const Topology& topology);

std::string present_list(const Topology& topology);

/// A fact of each CPU: "0 0 1 -".
template <typename T>
std::string column(const Topology& topology, std::optional<T> Cpu::*fact) {
  std::string out;
  for (const auto& cpu : topology.cpus) {
    const auto& value = cpu.*fact;
    out += out.empty() ? "" : " ";
    out += value ? fmt::format("{}", static_cast<unsigned>(*value)) : "-";
  }
  return out;
}

}  // namespace irqtune::test
