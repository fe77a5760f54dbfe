// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/frame.h"
#include "irqtune/core/protection.h"
#include "irqtune/top/view.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace irqtune {

/// How text looks; what it means must not hang on it, since a terminal may have one look only.
enum class Look : std::uint8_t { plain, dim, bold, title, alarm };

/// A piece of a line in one look; printable.
struct Span {
  std::string text;
  Look look = Look::plain;
};

using ScreenLine = std::vector<Span>;

struct ScreenSize {
  std::size_t rows = 24;
  std::size_t columns = 80;

  friend bool operator==(const ScreenSize&, const ScreenSize&) = default;
};

/// What is on the screen.
struct Page {
  std::vector<ScreenLine> lines;  ///< At most as many as there are rows, each cut to the columns.
  std::size_t last_scroll = 0;    ///< View::scroll means no more than this.
  std::size_t scrolled = 1;       ///< How many lines of what scrolls are on the screen.
};

/// What a frame is drawn of.
struct Scene {
  const Host& host;
  const ProtectionMap& protections;
  const Frame& frame;
};

/// The map of CPUs with the interrupts a second of each, and below it the vectors.
[[nodiscard]] Page make_page(const Scene& scene, const View& view, const ScreenSize& size);

}  // namespace irqtune
