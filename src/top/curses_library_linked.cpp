// SPDX-License-Identifier: Apache-2.0
#include "top/curses_library.h"

namespace irqtune {

const CursesLibrary& curses_library() {
  // In the static build the functions are part of the program.
  static constexpr CursesLibrary kLibrary = {
      &::cbreak,
      &::clearok,
      &::curs_set,
      &::delscreen,
      &::endwin,
      &::getcurx,
      &::getcury,
      &::getmaxx,
      &::getmaxy,
      &::has_colors,
      &::init_pair,
      &::keypad,
      &::newterm,
      &::nodelay,
      &::noecho,
      &::set_escdelay,
      &::start_color,
      &::stdscr,
      &::use_default_colors,
      &::waddnstr,
      &::wattrset,
      &::wclrtobot,
      &::wclrtoeol,
      &::wgetch,
      &::wmove,
      &::wrefresh,
  };
  return kLibrary;
}

}  // namespace irqtune
