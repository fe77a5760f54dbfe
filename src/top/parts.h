// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/top/page.h"

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

/// What is private to drawing: the parts of a page.
namespace irqtune::drawing {

/// The text in one look, printable.
[[nodiscard]] ScreenLine line_of(std::string_view text, Look look = Look::plain);

/// Blocks of cores, threads one below the other: number, mark, interrupts a second.
[[nodiscard]] std::vector<ScreenLine> map_lines(const Scene& scene,
                                                const View& view,
                                                std::size_t columns);

/// The rows that the view lets through, in its order.
[[nodiscard]] std::vector<const FrameRow*> chosen_rows(const Frame& frame, const View& view);

/// A line of titles, and one for each row.
[[nodiscard]] std::vector<ScreenLine> row_lines(std::span<const FrameRow* const> rows);

[[nodiscard]] std::vector<ScreenLine> help_lines();

}  // namespace irqtune::drawing
