// SPDX-License-Identifier: Apache-2.0
#include "irqtune/report/html.h"

#include "report/html/parts.h"

#include <fmt/format.h>

#include <algorithm>

namespace irqtune {

namespace html {

std::string_view map_words() noexcept {
  return "A column is a core, its threads below each other, each with its CPU's number. A letter: "
         "a "
         "core where a vCPU of that VM runs; *: kept free for another reason; x: offline. A disc "
         "and "
         "its number: vectors there. The bar: its load, interrupts a second. A frame: vectors that "
         "hit a "
         "vCPU's "
         "core.";
}

}  // namespace html

namespace {

constexpr int kPage = 780;  // What a README has room for.
constexpr int kSpace = 14;
constexpr int kLine = 20;

std::string moved(int x, int y, std::string_view svg) {
  return fmt::format(R"svg(<g transform="translate({} {})">{}</g>)svg", x, y, svg);
}

void add(html::Drawing& page, int x, int y, const html::Drawing& part) {
  page.svg += moved(x, y, part.svg) + '\n';
  page.width = std::max(page.width, x + part.width);
  page.height = std::max(page.height, y + part.height);
}

/// Below what is there: a heading, and the blocks in rows.
void add_map(html::Drawing& page,
             std::string_view heading,
             const std::vector<html::DrawnBlock>& blocks) {
  int x = 0;
  int top = page.height + kSpace;
  page.svg +=
      fmt::format(
          R"(<text class="head" x="0" y="{}">{}</text>)", top + kLine - 4, html::escaped(heading)) +
      '\n';
  top += kLine + 4;
  for (const auto& [title, drawing] : blocks) {
    if (x > 0 && x + drawing.width > kPage) {
      x = 0;
      top = page.height + kSpace;
    }
    add(page, x, top, drawing);
    x += drawing.width + kSpace;
  }
}

/// A line a VM below what is there: its letter in its colour, its name.
void add_legend(html::Drawing& page, const html::VmKeys& keys) {
  for (const auto& [name, key] : keys) {
    const int top = page.height + 6;
    page.svg +=
        fmt::format(
            R"(<rect class="v{0}" x="0" y="{1}" width="22" height="16"/><text class="key" x="11" y="{2}" )"
            R"(text-anchor="middle">{3}</text><text x="30" y="{2}">{4}</text>)",
            key.color,
            top,
            top + 12,
            key.letter,
            html::escaped(name)) +
        '\n';
    page.height = top + 16;
  }
}

}  // namespace

std::string map_svg(const PageContent& content) {
  const auto& [host, plan, findings, history] = content;
  const auto keys = html::vm_keys(plan);
  const auto maps = html::maps_of(host, plan);
  html::Drawing page{0, 0, {}};
  add_map(page, "Now", html::drawn_blocks(host, plan, keys, maps.now));
  add_map(page, "With the plan", html::drawn_blocks(host, plan, keys, maps.planned));
  page.height += kSpace;
  add_legend(page, keys);
  const auto title = "Interrupts and vCPUs on " + host.id.hostname.value_or("this host");
  return html::filled(html::map_template(),
                      {{"title", html::escaped(title)},
                       {"style", std::string(html::map_style())},
                       {"width", std::to_string(page.width + 2 * kSpace)},
                       {"height", std::to_string(page.height + kSpace)},
                       {"body", moved(kSpace, 0, page.svg)}});
}

}  // namespace irqtune
