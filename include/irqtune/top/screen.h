// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/top/page.h"
#include "irqtune/top/view.h"

#include <chrono>
#include <memory>
#include <optional>

namespace irqtune {

/// The terminal at standard input and output, by ncurses, as long as the object lives. One at a
/// time in a process.
class Screen {
 public:
  /// Throws Error{host} if ncurses is not there, or does not know the terminal.
  explicit Screen(bool color);
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  Screen(Screen&&) = delete;
  Screen& operator=(Screen&&) = delete;
  ~Screen();

  [[nodiscard]] ScreenSize size() const;

  void draw(const Page& page);

  /// Until a key is pressed, the terminal changes its size, a signal comes or the time is over;
  /// false once the terminal is gone.
  [[nodiscard]] static bool wait(std::chrono::microseconds longest);

  /// The next of the keys that were pressed; does not wait.
  [[nodiscard]] std::optional<KeyPress> next_key();

 private:
  class Terminal;
  std::unique_ptr<Terminal> terminal_;
};

}  // namespace irqtune
