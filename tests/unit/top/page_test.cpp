// SPDX-License-Identifier: Apache-2.0
#include "irqtune/top/page.h"

#include "irqtune/core/text.h"
#include "irqtune/top/frame.h"

#include "support/catch.h"
#include "support/hosts/make_host.h"

#include <fmt/format.h>

#include <algorithm>

namespace irqtune::test {

namespace {

/// Two VMs: vm1 on CPUs 2 and 6, whose vector 0 goes to CPU 6; "ev\x1bil" has a quiet device.
struct Drawn {
  Host host = make_host({1, 4, 2, 2});
  ProtectionMap protection;
  Frame frame;

  Drawn() {
    add_device(host, kNic, NodeId{0});
    add_device(host, "0000:41:00.0", NodeId{0});
    add_vm(host, "vm1", {"2"}, {kNic});
    add_vm(host, "ev\x1b[2Jil\n", {"3"}, {"0000:41:00.0"});
    add_vector(host, kNic, "6");
    add_vector(host, kNic, "1");
    add_vector(host, "0000:41:00.0", "0");
    add_host_irq(host, "nvme0q1", "0");
    protection = protections(host, {});
    LoadReading before;
    before.irqs = host.irqs;
    auto after = before;
    after.at = 1;
    const std::vector<std::uint64_t> counts{5, 12'345, 70, 9};
    for (std::size_t i = 0; i < counts.size(); ++i) {
      after.irqs[i].counts = {{*host.irqs[i].effective->first(), counts[i]}};
    }
    host.id.hostname = "h1";
    frame = make_frame(host, protection, before, after);
  }

  [[nodiscard]] Page page(const View& view = {}, const ScreenSize& size = {}) const {
    return make_page({host, protection, frame}, view, size);
  }
};

std::string text_of(const ScreenLine& line) {
  std::string text;
  for (const auto& span : line) {
    text.append(span.text);
  }
  return text;
}

std::string text_of(const Page& page) {
  std::string text;
  for (const auto& line : page.lines) {
    text.append(text_of(line)).append("\n");
  }
  return text;
}

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// Its texts in one look, joined.
std::string in_look(const Page& page, Look look) {
  std::string text;
  for (const auto& line : page.lines) {
    for (const auto& span : line) {
      text.append(span.look == look ? span.text + "|" : "");
    }
  }
  return text;
}

}  // namespace

TEST_CASE("top: the map with rates, and the busiest vectors", "[top]") {
  const Drawn drawn;
  const auto page = drawn.page({}, {24, 100});
  const auto text = text_of(page);
  CHECK(text ==
        "irqtune top: h1, 1.0 s, by rate" + std::string(69, ' ') +
            "\n"
            "3 vectors, 1 collision; a second: passthrough 12.4k, host 9.0, timers and IPIs 0; on "
            "vCPU cores 5.0\n"
            "package 0, node 0, cache 0: CPUs 0-1,4-5\n"
            "  0 .     79  1 .  12.3k\n"
            "  4 .         5 .       \n"
            "package 0, node 0, cache 1: CPUs 2-3,6-7\n"
            "  2 B0        3 A0      \n"
            " >6 b    5.0  7 a       \n"
            ". housekeeping   A2 vCPU 2 of VM A   a sibling of a vCPU of VM A\n"
            "VM A is ev?[2Jil?   VM B is vm1\n"
            "   RATE  CPU  IRQ  VM         DEVICE        VECTOR\n"
            "  12.3k    1   25  vm1        0000:3b:00.0  msix/1\n"
            "     70    0   26  ev?[2Jil?  0000:41:00.0  msix/0\n"
            ">   5.0    6   24  vm1        0000:3b:00.0  msix/0  on the core of vCPU 0 of vm1\n" +
            std::string(9, '\n') +
            "q quit  r v c i sort  / VM  space freeze  m map  a all  t timers  h help\n");
  CHECK(holds(in_look(page, Look::alarm), "1 collision|>6 b    5.0|>   5.0 "));
}

TEST_CASE("top: sorted and filtered", "[top]") {
  const Drawn drawn;
  View view;
  view.pane = Pane::vectors;
  const auto order = [&](const View& by) {
    std::string irqs;
    const auto page = drawn.page(by);
    for (std::size_t i = 3; i + 1 < page.lines.size() && !page.lines[i].empty(); ++i) {
      irqs.append(words(text_of(page.lines[i]).substr(1))[2]).append(" ");
    }
    return irqs;
  };
  CHECK(order(view) == "25 26 24 ");
  view.host_irqs = true;
  CHECK(order(view) == "25 26 27 24 ");
  view.sort = SortKey::vm;
  CHECK(order(view) == "26 24 25 27 ");
  view.sort = SortKey::cpu;
  CHECK(order(view) == "26 27 25 24 ");
  view.sort = SortKey::irq;
  CHECK(order(view) == "24 25 26 27 ");
  view.filter = "vm";
  CHECK(order(view) == "24 25 ");
  view.filter = "nobody";
  CHECK(order(view).empty());
}

TEST_CASE("top: any terminal is enough, and no line is wider", "[top]") {
  const Drawn drawn;
  for (const auto pane : {Pane::both, Pane::map, Pane::vectors}) {
    for (std::size_t rows = 0; rows < 40; ++rows) {
      for (const std::size_t columns : {0U, 1U, 2U, 3U, 4U, 9U, 20U, 40U, 79U, 200U}) {
        View view;
        view.pane = pane;
        view.typing = rows % 2 == 0;
        view.help = rows % 5 == 0;
        view.scroll = rows;
        const auto page = drawn.page(view, {rows, columns});
        CAPTURE(rows, columns);
        CHECK(page.lines.size() <= rows);
        CHECK(std::ranges::all_of(
            page.lines, [&](const ScreenLine& line) { return text_of(line).size() <= columns; }));
      }
    }
  }
}

TEST_CASE("top: a map that is longer than half the screen leaves room for vectors", "[top]") {
  auto drawn = Drawn();
  const auto big = make_host({8, 64, 2, 8});
  drawn.host.topology = big.topology;
  const auto page = drawn.page({}, {24, 80});
  const auto text = text_of(page);
  CHECK(holds(text, "more lines (m: the map alone)"));
  CHECK(holds(text, "12.3k    1   25  vm1"));
  View view;
  view.pane = Pane::map;
  const auto map = drawn.page(view, {24, 80});
  CHECK(map.last_scroll > 100);
  view.scroll = map.last_scroll;
  CHECK(holds(text_of(drawn.page(view, {24, 80})), "VM B is vm1"));
}

TEST_CASE("top: vectors scroll below their titles", "[top]") {
  auto drawn = Drawn();
  const auto row = drawn.frame.rows.front();
  for (std::uint32_t i = 0; i < 100; ++i) {
    drawn.frame.rows.push_back(row);
    drawn.frame.rows.back().irq = IrqNumber{1000 + i};
  }
  View view;
  view.pane = Pane::vectors;
  view.sort = SortKey::irq;
  const auto first = drawn.page(view);
  CHECK(first.last_scroll == 103 - 20);
  CHECK(first.scrolled == 20);
  view.scroll = 1'000'000;
  const auto last = drawn.page(view);
  CHECK(holds(text_of(last.lines[2]), "RATE"));
  CHECK(holds(text_of(last.lines[22]), "1099"));
}

TEST_CASE("top: what the user chose is said, printable", "[top]") {
  const Drawn drawn;
  View view;
  view.frozen = true;
  view.filter = "a\x1b]b";
  view.typing = true;
  view.typed = "c\x07";
  const auto text = text_of(drawn.page(view));
  CHECK(holds(text, "by rate, VM a?]b, FROZEN"));
  CHECK(holds(text, "Enter, Esc): c?_"));
  CHECK(std::ranges::none_of(text, [](char c) { return c != '\n' && (c < ' ' || c == 127); }));
}

TEST_CASE("top: help names every key", "[top]") {
  const Drawn drawn;
  View view;
  view.help = true;
  const auto text = text_of(drawn.page(view));
  for (const auto* part :
       {"r v c i ", "/  ", "space f", "m  ", "a  ", "t  ", "arrows", "h ?", "q  "}) {
    CAPTURE(part);
    CHECK(holds(text, part));
  }
}

}  // namespace irqtune::test
