// SPDX-License-Identifier: Apache-2.0
#include "irqtune/top/screen.h"

#include "irqtune/core/error.h"

#include <algorithm>
#include <array>
#include <clocale>
#include <cstdio>
#include <cstring>
#include <string>

#include <langinfo.h>
#include <poll.h>
#include <unistd.h>

#include "top/curses_library.h"

namespace irqtune {

namespace {

/// Text as the terminal's character set has it.
std::string in_charset(const std::string& text, bool utf8) {
  constexpr unsigned kTail = 0x80;
  constexpr unsigned kTailBits = 0xc0;
  if (utf8) {
    return text;
  }
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < kTail) {
      out += c;
    } else if ((byte & kTailBits) != kTail) {
      out += '?';  // One for each character.
    }
  }
  return out;
}

std::optional<KeyKind> kind_of(int code) {
  constexpr int kEscape = 27;
  constexpr int kDelete = 127;
  switch (code) {
    case KEY_UP:
      return KeyKind::up;
    case KEY_DOWN:
      return KeyKind::down;
    case KEY_PPAGE:
      return KeyKind::page_up;
    case KEY_NPAGE:
      return KeyKind::page_down;
    case KEY_ENTER:
    case '\n':
    case '\r':
      return KeyKind::enter;
    case kEscape:
      return KeyKind::escape;
    case KEY_BACKSPACE:
    case kDelete:
    case '\b':
      return KeyKind::erase;
    default:
      // Above are keys that mean nothing here, and that the terminal changed its size.
      return code >= ' ' && code < KEY_MIN ? std::optional(KeyKind::character) : std::nullopt;
  }
}

}  // namespace

class Screen::Terminal {
 public:
  explicit Terminal(bool color) : curses_(curses_library()) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread
    static_cast<void>(std::setlocale(LC_CTYPE, ""));
    // NOLINTNEXTLINE(concurrency-mt-unsafe)
    utf8_ = std::strcmp(::nl_langinfo(CODESET), "UTF-8") == 0;
    screen_ = curses_.newterm(nullptr, stdout, stdin);
    if (screen_ == nullptr) {
      throw Error(ErrorKind::host,
                  "top: ncurses does not know this terminal (TERM)",
                  "set TERM to one that it knows, or read the figures: irqtune top --json");
    }
    window_ = *curses_.stdscr;
    curses_.set_escdelay(25);  // Milliseconds; the default lets Escape wait for a second.
    curses_.cbreak();
    curses_.noecho();
    curses_.keypad(window_, true);
    curses_.nodelay(window_, true);
    curses_.curs_set(0);
    set_looks(color);
  }

  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  Terminal(Terminal&&) = delete;
  Terminal& operator=(Terminal&&) = delete;

  ~Terminal() {
    curses_.endwin();
    curses_.delscreen(screen_);
    // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread
    static_cast<void>(std::setlocale(LC_CTYPE, "C"));
  }

  [[nodiscard]] ScreenSize size() const {
    const auto extent = [](int value) { return static_cast<std::size_t>(std::max(value, 0)); };
    return {extent(curses_.getmaxy(window_)), extent(curses_.getmaxx(window_))};
  }

  void draw(const Page& page) {
    // A terminal that shrinks may move what stood there; ncurses takes it to be in its old place.
    if (const auto now = size(); now != drawn_) {
      curses_.clearok(window_, true);
      drawn_ = now;
    }
    int row = 0;
    for (const auto& line : page.lines) {
      curses_.wmove(window_, row++, 0);
      for (const auto& span : line) {
        const auto text = in_charset(span.text, utf8_);
        curses_.wattrset(window_, looks_.at(static_cast<std::size_t>(span.look)));
        curses_.waddnstr(window_, text.c_str(), static_cast<int>(text.size()));
      }
      curses_.wattrset(window_, 0);
      clear_rest(row);
    }
    curses_.wrefresh(window_);
  }

  [[nodiscard]] int key() { return curses_.wgetch(window_); }

 private:
  void set_looks(bool color) {
    constexpr short kRed = 1;
    auto alarm = static_cast<int>(A_REVERSE);
    if (color && curses_.has_colors()) {
      curses_.start_color();
      curses_.use_default_colors();
      curses_.init_pair(kRed, COLOR_RED, -1);
      alarm = static_cast<int>(NCURSES_BITS(kRed, 0) | A_BOLD);
    }
    looks_ = {
        0, static_cast<int>(A_DIM), static_cast<int>(A_BOLD), static_cast<int>(A_REVERSE), alarm};
  }

  /// Of the line before `row`; of the last one a full line leaves the cursor on it.
  void clear_rest(int row) {
    if (curses_.getcury(window_) == row - 1 &&
        curses_.getcurx(window_) < curses_.getmaxx(window_) - 1) {
      curses_.wclrtobot(window_);
    }
  }

  const CursesLibrary& curses_;
  bool utf8_ = false;
  SCREEN* screen_ = nullptr;
  WINDOW* window_ = nullptr;
  std::array<int, 5> looks_{};  ///< By Look
  ScreenSize drawn_{};
};

Screen::Screen(bool color) : terminal_(std::make_unique<Terminal>(color)) {}

Screen::~Screen() = default;

ScreenSize Screen::size() const {
  return terminal_->size();
}

void Screen::draw(const Page& page) {
  terminal_->draw(page);
}

bool Screen::wait(std::chrono::microseconds longest) {
  constexpr std::chrono::milliseconds kMost = std::chrono::hours(1);
  const auto pause =
      std::chrono::ceil<std::chrono::milliseconds>(std::max(longest, std::chrono::microseconds(0)));
  pollfd input{STDIN_FILENO, POLLIN, 0};
  const auto ready = ::poll(&input, 1, static_cast<int>(std::min(pause, kMost).count()));
  const auto events = static_cast<unsigned>(static_cast<unsigned short>(input.revents));
  return ready <= 0 || (events & (POLLHUP | POLLERR | POLLNVAL)) == 0;
}

std::optional<KeyPress> Screen::next_key() {
  for (int code = terminal_->key(); code != ERR; code = terminal_->key()) {
    if (const auto kind = kind_of(code)) {
      return KeyPress{*kind, *kind == KeyKind::character ? static_cast<char>(code) : '\0'};
    }
  }
  return std::nullopt;
}

}  // namespace irqtune
