// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"
#include "irqtune/core/load.h"
#include "irqtune/core/plan.h"

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

/// Parts of the page of `report`.
namespace irqtune::html {

/// The page without its content, "@name@" where a part belongs; made from page.html.in by CMake.
[[nodiscard]] std::string_view page_template() noexcept;

/// `text` with what HTML would obey as entities, and what a terminal would obey shown.
[[nodiscard]] std::string escaped(std::string_view text);

/// Colour and letter of each VM that protects a CPU.
struct VmKey {
  std::size_t color = 0;  ///< 0 to 7: class "v0" to "v7"
  std::string letter;     ///< "A" to "Z", then "AA"
};

using VmKeys = std::map<std::string, VmKey>;

[[nodiscard]] VmKeys vm_keys(const Plan& plan);

/// The letters with the VMs' names.
[[nodiscard]] std::string legend(const VmKeys& keys);

/// What one map shows of each CPU.
struct MapLoad {
  RatesByCpu rates;                    ///< Interrupts a second
  RatesByCpu loads;                    ///< The same in those of a CPU of full capacity.
  std::map<int, std::size_t> vectors;  ///< Planned ones that are there
  double busiest = 0;                  ///< The scale of both maps.
};

/// The host as SVG: a panel a NUMA node, a column a core with its threads below each other; a CPU
/// in its vCPU's colour with the VM's letter, a bar for its load, its number of vectors, and a
/// frame where vectors hit a vCPU's core.
[[nodiscard]] std::string map_svg(const Host& host,
                                  const Plan& plan,
                                  const VmKeys& keys,
                                  const MapLoad& load,
                                  std::string_view caption);

}  // namespace irqtune::html
