// SPDX-License-Identifier: Apache-2.0
#include "top/curses_library.h"

#include "sys/libraries/library.h"

namespace irqtune {

namespace {

CursesLibrary load() {
  const Library loader(
      IRQTUNE_LIBNCURSES,
      "ncurses",
      "install it (Debian: libncursesw6), or read the figures: irqtune top --json");
  CursesLibrary library{};
  loader.find("cbreak", library.cbreak);
  loader.find("clearok", library.clearok);
  loader.find("curs_set", library.curs_set);
  loader.find("delscreen", library.delscreen);
  loader.find("endwin", library.endwin);
  loader.find("getcurx", library.getcurx);
  loader.find("getcury", library.getcury);
  loader.find("getmaxx", library.getmaxx);
  loader.find("getmaxy", library.getmaxy);
  loader.find("has_colors", library.has_colors);
  loader.find("init_pair", library.init_pair);
  loader.find("keypad", library.keypad);
  loader.find("newterm", library.newterm);
  loader.find("nodelay", library.nodelay);
  loader.find("noecho", library.noecho);
  loader.find("set_escdelay", library.set_escdelay);
  loader.find("start_color", library.start_color);
  loader.find("stdscr", library.stdscr);
  loader.find("use_default_colors", library.use_default_colors);
  loader.find("waddnstr", library.waddnstr);
  loader.find("wattrset", library.wattrset);
  loader.find("wclrtobot", library.wclrtobot);
  loader.find("wclrtoeol", library.wclrtoeol);
  loader.find("wgetch", library.wgetch);
  loader.find("wmove", library.wmove);
  loader.find("wrefresh", library.wrefresh);
  return library;
}

}  // namespace

const CursesLibrary& curses_library() {
  static const CursesLibrary kLibrary = load();
  return kLibrary;
}

}  // namespace irqtune
