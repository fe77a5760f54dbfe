// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ncurses.h>

namespace irqtune {

/// What irqtune uses of ncurses, by ncurses' own names; loaded when `top` draws, and not by each
/// start of the program.
struct CursesLibrary {
  // NOLINTBEGIN(readability-identifier-naming)
  decltype(&::cbreak) cbreak;
  decltype(&::clearok) clearok;
  decltype(&::curs_set) curs_set;
  decltype(&::delscreen) delscreen;
  decltype(&::endwin) endwin;
  decltype(&::getcurx) getcurx;
  decltype(&::getcury) getcury;
  decltype(&::getmaxx) getmaxx;
  decltype(&::getmaxy) getmaxy;
  decltype(&::has_colors) has_colors;
  decltype(&::init_pair) init_pair;
  decltype(&::keypad) keypad;
  decltype(&::newterm) newterm;
  decltype(&::nodelay) nodelay;
  decltype(&::noecho) noecho;
  decltype(&::set_escdelay) set_escdelay;
  decltype(&::start_color) start_color;
  decltype(&::stdscr) stdscr;
  decltype(&::use_default_colors) use_default_colors;
  decltype(&::waddnstr) waddnstr;
  decltype(&::wattrset) wattrset;
  decltype(&::wclrtobot) wclrtobot;
  decltype(&::wclrtoeol) wclrtoeol;
  decltype(&::wgetch) wgetch;
  decltype(&::wmove) wmove;
  decltype(&::wrefresh) wrefresh;
  // NOLINTEND(readability-identifier-naming)
};

/// Loads the library at the first call. Throws Error{host} if it is not installed.
[[nodiscard]] const CursesLibrary& curses_library();

}  // namespace irqtune
