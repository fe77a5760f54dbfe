// SPDX-License-Identifier: Apache-2.0
#include "report/text/table.h"

#include "irqtune/core/text.h"

#include "support/catch.h"

namespace irqtune::test {

TEST_CASE("table: columns align, a row is one line on a terminal, no line ends in blanks",
          "[report]") {
  Table table({{"NAME"}, {"COUNT", Align::right}, {"WHY"}});
  table.add({"a", "1", "short"});
  table.add_heading("heading");
  table.add({"longer", "100", "a reason that is too long to fit"});
  table.add({"b", "20", ""});
  TextStyle style;
  style.width = 35;
  CHECK(table.text(style) ==
        "NAME    COUNT  WHY\n"
        "a           1  short\n"
        "heading\n"
        "longer    100  a reason that is too long to fit\n"
        "b          20\n");
  style.fold = true;
  CHECK(table.text(style) ==
        "NAME    COUNT  WHY\n"
        "a           1  short\n"
        "heading\n"
        "longer    100  a reason that is ...\n"
        "b          20\n");
}

TEST_CASE("table: columns by name, in the order of the names, and no headings", "[report]") {
  Table table({{"NAME"}, {"RATE/S", Align::right}, {"WHY"}});
  table.add({"a", "1", "short"});
  table.add({"longer", "100", "long"});
  TextStyle style;
  style.columns = {"rate/s", "name"};
  CHECK(table.text(style) == "RATE/S  NAME\n     1  a\n   100  longer\n");
  style.headings = false;
  CHECK(table.text(style) == "     1  a\n   100  longer\n");
}

TEST_CASE("table: its summary comes again below more rows than the terminal has", "[report]") {
  TextStyle style;
  CHECK(summary_again("sum\n", 1000, style).empty());
  style.height = 24;
  CHECK(summary_again("sum\n", 23, style).empty());
  CHECK(summary_again("sum\n", 24, style) == "\nsum\n");
}

TEST_CASE("table: characters count, not bytes", "[report]") {
  CHECK(display_width("d\xc3\xa9j\xc3\xa0") == 4);
  CHECK(cut("d\xc3\xa9j\xc3\xa0 vu", 6) == "d\xc3\xa9j...");
  CHECK(cut("short", 5) == "short");
  Table table({{"A"}, {"B"}});
  table.add({"\xc3\xa9", "x"});
  table.add({"ee", "y"});
  CHECK(table.text({}) == "A   B\n\xc3\xa9   x\nee  y\n");
}

TEST_CASE("table: a word longer than the line is cut between characters", "[report]") {
  CHECK(wrapped("\xd6\xbc\xd6\xbcx \xc3\xa9y", 2) ==
        std::vector<std::string>{"\xd6\xbc\xd6\xbc", "x", "\xc3\xa9y"});
}

TEST_CASE("table: colours only if the style has them", "[report]") {
  TextStyle style;
  CHECK(tinted(style, Tint::red, "x") == "x");
  style.color = true;
  CHECK(tinted(style, Tint::red, "x") == "\x1b[31mx\x1b[0m");
}

TEST_CASE("table: rates for people", "[report]") {
  CHECK(rate_text(std::nullopt) == "-");
  CHECK(rate_text(0) == "0");
  CHECK(rate_text(0.04) == "0.0");
  CHECK(rate_text(48.25) == "48");
  CHECK(rate_text(172.4) == "172");
  CHECK(rate_text(9999) == "9999");
  CHECK(rate_text(12345) == "12.3k");
  CHECK(rate_text(2.5e6) == "2.5M");
}

TEST_CASE("table: words for people", "[report]") {
  CHECK(list_text(std::nullopt) == "-");
  CHECK(list_text(CpuSet{}) == "-");
  CHECK(list_text(CpuSet{0, 1, 5}) == "0-1,5");
  const auto address = PciAddress::parse("0000:24:00.0").value();
  CHECK(vector_text({address, VectorKind::msix, 3}) == "0000:24:00.0 msix/3");
  CHECK(vector_text({address, VectorKind::intx, 0}) == "0000:24:00.0 intx");
}

}  // namespace irqtune::test
