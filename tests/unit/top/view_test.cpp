// SPDX-License-Identifier: Apache-2.0
#include "irqtune/top/view.h"

#include "support/catch.h"

namespace irqtune::test {

namespace {

bool type(View& view, std::string_view text) {
  bool goes_on = true;
  for (const char c : text) {
    goes_on = press({KeyKind::character, c}, view) && goes_on;
  }
  return goes_on;
}

}  // namespace

TEST_CASE("top: keys sort, freeze, turn and end", "[top]") {
  View view;
  CHECK(type(view, "v"));
  CHECK(view.sort == SortKey::vm);
  CHECK(type(view, "c"));
  CHECK(view.sort == SortKey::cpu);
  CHECK(type(view, "i"));
  CHECK(view.sort == SortKey::irq);
  CHECK(type(view, "r"));
  CHECK(view.sort == SortKey::rate);
  CHECK(type(view, " "));
  CHECK(view.frozen);
  CHECK(type(view, "f"));
  CHECK_FALSE(view.frozen);
  CHECK(type(view, "m"));
  CHECK(view.pane == Pane::map);
  CHECK(type(view, "m"));
  CHECK(view.pane == Pane::vectors);
  CHECK(type(view, "mat"));
  CHECK(view.pane == Pane::both);
  CHECK(view.host_irqs);
  CHECK(view.fixed);
  CHECK_FALSE(type(view, "q"));
}

TEST_CASE("top: help stays until a key", "[top]") {
  View view;
  CHECK(type(view, "?"));
  CHECK(view.help);
  CHECK(type(view, "q"));  // Goes back, no more.
  CHECK_FALSE(view.help);
}

TEST_CASE("top: a filter is typed, mended, taken or dropped", "[top]") {
  View view;
  view.scroll = 3;
  CHECK(type(view, "/q\xc3\xa4"));  // A character of two bytes.
  CHECK(view.typing);
  CHECK(view.typed == "q\xc3\xa4");
  CHECK(press({KeyKind::erase, 0}, view));
  CHECK(view.typed == "q");
  CHECK(press({KeyKind::enter, 0}, view));
  CHECK_FALSE(view.typing);
  CHECK(view.filter == "q");
  CHECK(view.scroll == 0);
  CHECK(type(view, "/other"));
  CHECK(press({KeyKind::escape, 0}, view));
  CHECK(view.filter == "q");
  CHECK(type(view, "/"));
  CHECK(press({KeyKind::erase, 0}, view));
  CHECK(press({KeyKind::enter, 0}, view));
  CHECK(view.filter.empty());
}

TEST_CASE("top: what a filter lets through", "[top]") {
  View view;
  CHECK(shows_vm(view, ""));
  view.filter = "db";
  CHECK(shows_vm(view, "mydb1"));
  CHECK_FALSE(shows_vm(view, "web"));
  CHECK_FALSE(shows_vm(view, ""));
  view.filter = "d*1";
  CHECK(shows_vm(view, "db1"));
  CHECK_FALSE(shows_vm(view, "db2"));
  view.filter = "[x]";  // A name may have a glob's signs.
  CHECK(shows_vm(view, "a[x]"));
}

TEST_CASE("top: scrolling never leaves the top", "[top]") {
  View view;
  view.page = 5;
  CHECK(press({KeyKind::up, 0}, view));
  CHECK(press({KeyKind::page_up, 0}, view));
  CHECK(view.scroll == 0);
  CHECK(press({KeyKind::page_down, 0}, view));
  CHECK(press({KeyKind::down, 0}, view));
  CHECK(view.scroll == 6);
  CHECK(press({KeyKind::page_up, 0}, view));
  CHECK(view.scroll == 1);
}

}  // namespace irqtune::test
