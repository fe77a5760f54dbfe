// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace irqtune {

/// By what the vectors are sorted: the busiest first, else the lowest first.
enum class SortKey : std::uint8_t { rate, vm, cpu, irq };

/// "rate", "VM", "CPU", "IRQ"
[[nodiscard]] std::string_view sort_text(SortKey key) noexcept;

/// What there is room for.
enum class Pane : std::uint8_t { both, map, vectors };

/// What the user chose to see.
struct View {
  SortKey sort = SortKey::rate;
  Pane pane = Pane::both;
  std::string filter;      ///< A VM's name, a part of one or a glob; empty: all vectors.
  std::string typed;       ///< The filter as far as it is typed.
  bool typing = false;     ///< Keys go into `typed`.
  bool frozen = false;     ///< The frame stays.
  bool help = false;       ///< The keys are shown instead.
  bool host_irqs = false;  ///< Interrupts of the host's devices too.
  bool fixed = false;      ///< CPUs with their timers and IPIs.
  std::size_t scroll = 0;  ///< Lines passed over.
  std::size_t page = 10;   ///< Lines that one screen has of what scrolls.
};

enum class KeyKind : std::uint8_t { character, up, down, page_up, page_down, enter, escape, erase };

struct KeyPress {
  KeyKind kind = KeyKind::character;
  char character = 0;  ///< A byte of UTF-8 text.
};

/// What the key changes; false if it ends the program.
[[nodiscard]] bool press(const KeyPress& key, View& view);

/// True if the filter lets vectors of the VM through.
[[nodiscard]] bool shows_vm(const View& view, std::string_view vm);

}  // namespace irqtune
