// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"
#include "irqtune/core/load.h"
#include "irqtune/core/measurement.h"
#include "irqtune/core/plan.h"

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Parts of the page of `report`.
namespace irqtune::html {

/// The page and the map alone without their content, "@name@" where a part belongs, and how the map
/// looks; made from page.html.in, map.svg.in and map.css by CMake.
[[nodiscard]] std::string_view page_template() noexcept;
[[nodiscard]] std::string_view map_template() noexcept;
[[nodiscard]] std::string_view map_style() noexcept;

/// A part's name and what takes its place.
using Parts = std::vector<std::pair<std::string_view, std::string>>;

/// `page` with each "@name@" that is one of the parts replaced, once.
[[nodiscard]] std::string filled(std::string_view page, const Parts& parts);

/// `text` with what HTML would obey as entities, and what a terminal would obey shown.
[[nodiscard]] std::string escaped(std::string_view text);

/// Colour and letter of each VM that protects a CPU.
struct VmKey {
  std::size_t color = 0;  ///< 0 to 7: class "v0" to "v7"
  std::string letter;     ///< "A" to "Z", then "AA", "AB"
};

using VmKeys = std::map<std::string, VmKey>;

[[nodiscard]] VmKeys vm_keys(const Plan& plan);

/// The VM whose vCPU, or the sibling of whose vCPU, protects the CPU; nullptr if none does.
[[nodiscard]] const std::string* vm_on(const Plan& plan, int cpu);

/// What the marks of a map mean, in plain words.
[[nodiscard]] std::string_view map_words() noexcept;

/// What one map shows of each CPU.
struct MapLoad {
  RatesByCpu rates;                    ///< Interrupts a second
  RatesByCpu loads;                    ///< The same in those of a CPU of full capacity.
  std::map<int, std::size_t> vectors;  ///< Planned ones that are there
  double busiest = 0;                  ///< The scale of both maps' bars, as `loads`.
  std::size_t most = 1;                ///< The scale of both maps' discs, as `vectors`.
};

/// What both maps show: where the plan's vectors are, and what each CPU carries.
struct Maps {
  MapLoad now;
  MapLoad planned;
};

[[nodiscard]] Maps maps_of(const Host& host, const Plan& plan);

/// Some SVG and the pixels that it takes, from 0, 0.
struct Drawing {
  int width = 0;
  int height = 0;
  std::string svg;
};

/// Cores that share package, node and last-level cache, with a title; and its name for who cannot
/// see it.
struct DrawnBlock {
  std::string title;  ///< "package 0, node 0, cache 1"
  Drawing drawing;
};

/// The host's blocks: a column a core with its threads below each other; a CPU with its number, in
/// its vCPU's colour with the VM's letter, a disc for how many vectors it takes, a bar for its
/// rate, and a frame where vectors hit a vCPU's core. Each CPU is a group of its own whose title
/// says all of it in words.
[[nodiscard]] std::vector<DrawnBlock> drawn_blocks(const Host& host,
                                                   const Plan& plan,
                                                   const VmKeys& keys,
                                                   const MapLoad& load);

/// The JSON document as a link that holds it, or the command that prints it where it is large.
[[nodiscard]] std::string source_link(std::string_view command, std::string json);

/// Plots of the measurements, oldest first; empty unless there are two of a figure.
[[nodiscard]] std::string history_plots(const std::vector<std::vector<Sample>>& history);

}  // namespace irqtune::html
