// SPDX-License-Identifier: Apache-2.0
#include "irqtune/top/page.h"

#include "irqtune/core/text.h"

#include "report/text/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <span>
#include <string_view>
#include <utility>

#include "top/parts.h"

namespace irqtune {

namespace {

using drawing::line_of;

constexpr std::size_t kTitleLines = 2;

std::string state_text(const View& view) {
  auto text = fmt::format(" by {}", sort_text(view.sort));
  if (!view.filter.empty()) {
    text += fmt::format(", VM {}", cut(printable(view.filter), 20));
  }
  return view.frozen ? text + ", FROZEN" : text;
}

ScreenLine title_line(const Frame& frame, const View& view, std::size_t columns) {
  auto left = fmt::format("irqtune top: {}, {:.1f} s,",
                          cut(printable(frame.host.hostname.value_or("this host")), 32),
                          frame.seconds);
  left += state_text(view);
  left.resize(std::max(left.size(), columns), ' ');
  return line_of(left, Look::title);
}

ScreenLine totals_line(const Frame& frame) {
  ScreenLine line = line_of(counted(frame.vectors, "vector"));
  if (frame.tally.collisions > 0) {
    line.push_back({", ", Look::plain});
    line.push_back({counted(frame.tally.collisions, "collision"), Look::alarm});
  }
  const auto& rates = frame.interrupts;
  line.push_back(
      {fmt::format("{}; a second: passthrough {}, host {}, timers and IPIs {}; on vCPU cores {}",
                   unknown_text(frame.tally.unknown),
                   rate_text(rates.passthrough),
                   rate_text(rates.host),
                   rate_text(rates.fixed),
                   rate_text(frame.on_vcpu_cores.passthrough + frame.on_vcpu_cores.host)),
       Look::plain});
  return line;
}

ScreenLine last_line(const View& view) {
  return view.typing
             ? line_of("VM (name, part or glob; Enter, Esc): " + view.typed + '_', Look::bold)
             : line_of("q quit  r v c i sort  / VM  space freeze  m map  a all  t timers  h help",
                       Look::dim);
}

/// Cut to the columns.
ScreenLine fitted(const ScreenLine& line, std::size_t columns) {
  constexpr std::size_t kDots = 3;
  ScreenLine out;
  for (const auto& span : line) {
    const auto width = display_width(span.text);
    auto text = width <= columns  ? span.text
                : columns > kDots ? cut(span.text, columns)
                                  : std::string(columns, '.');
    columns -= std::min(columns, display_width(text));
    if (!text.empty()) {
      out.push_back({std::move(text), span.look});
    }
  }
  return out;
}

/// At most `room` of the lines, with a word on the rest.
std::vector<ScreenLine> shortened(std::vector<ScreenLine> lines, std::size_t room) {
  if (lines.size() > room) {
    const auto rest = lines.size() - room + 1;
    lines.resize(room);
    if (room > 0) {
      lines.back() = line_of(fmt::format("... {} more lines (m: the map alone)", rest), Look::dim);
    }
  }
  return lines;
}

/// How much of `all` lines is passed over where there is room for `room`.
std::size_t scroll_in(std::size_t all, std::size_t room, const View& view, Page& page) {
  page.last_scroll = all - std::min(all, room);
  page.scrolled = std::max<std::size_t>(room, 1);
  return std::min(view.scroll, page.last_scroll);
}

void add_lines(const std::vector<ScreenLine>& lines,
               std::size_t room,
               const View& view,
               Page& page) {
  const auto from = scroll_in(lines.size(), room, view, page);
  const auto shown = std::span(lines).subspan(from).first(std::min(room, lines.size() - from));
  std::ranges::copy(shown, std::back_inserter(page.lines));
}

/// Only what is on the screen is made text: a host has thousands of vectors.
void add_rows(const std::vector<const FrameRow*>& rows,
              std::size_t room,
              const View& view,
              Page& page) {
  const auto below = room - std::min<std::size_t>(room, 1);
  const auto from = scroll_in(rows.size(), below, view, page);
  const auto shown = std::span(rows).subspan(from).first(std::min(below, rows.size() - from));
  std::ranges::move(drawing::row_lines(shown), std::back_inserter(page.lines));
}

void add_body(
    const Scene& scene, const View& view, const ScreenSize& size, std::size_t room, Page& page) {
  if (view.help) {
    return add_lines(drawing::help_lines(), room, {}, page);
  }
  if (view.pane == Pane::map) {
    return add_lines(drawing::map_lines(scene, view, size.columns), room, view, page);
  }
  const auto rows = drawing::chosen_rows(scene.frame, view);
  if (view.pane == Pane::both) {
    const auto most = std::max(room / 2, room - std::min(room, rows.size() + 1));
    auto map = shortened(drawing::map_lines(scene, view, size.columns), most);
    room -= map.size();
    std::ranges::move(map, std::back_inserter(page.lines));
  }
  add_rows(rows, room, view, page);
}

}  // namespace

Page make_page(const Scene& scene, const View& view, const ScreenSize& size) {
  constexpr std::size_t kTall = 6;  // Less has no room for a line of keys.
  Page page;
  page.lines = {title_line(scene.frame, view, size.columns), totals_line(scene.frame)};
  const bool keys = view.typing || size.rows >= kTall;
  const auto taken = kTitleLines + (keys ? 1U : 0U);
  const auto room = size.rows - std::min(size.rows, taken);
  add_body(scene, view, size, room, page);
  page.lines.resize(
      std::min(page.lines.size(), size.rows - std::min<std::size_t>(size.rows, keys ? 1 : 0)));
  if (keys && size.rows > 0) {
    page.lines.resize(size.rows - 1);  // It stands at the bottom.
    page.lines.push_back(last_line(view));
  }
  for (auto& line : page.lines) {
    line = fitted(line, size.columns);
  }
  return page;
}

namespace drawing {

ScreenLine line_of(std::string_view text, Look look) {
  return {{printable(text), look}};
}

std::vector<ScreenLine> help_lines() {
  constexpr std::array<std::string_view, 16> kLines = {
      "The map: each CPU with its mark and its interrupts a second; threads of a core one",
      "below the other. \">\": a vector is delivered there though a vCPU owns the core.",
      "Below it the vectors of passed-through devices: where each is delivered, and to whom.",
      "",
      "r v c i   sort by rate, VM, CPU, IRQ",
      "/         only vectors of one VM: its name, a part of it, or a glob; empty: all",
      "space f   freeze, go on",
      "m         both, the map alone, the vectors alone",
      "a         the host's own interrupts too",
      "t         CPUs with their timers and IPIs",
      "arrows    scroll; so do Page Up and Page Down",
      "h ?       this text",
      "q         quit",
      "",
      "`irqtune diagnose` says what hurts, `irqtune plan` what would end it.",
      "Any key goes back."};
  std::vector<ScreenLine> lines;
  std::ranges::transform(
      kLines, std::back_inserter(lines), [](std::string_view text) { return line_of(text); });
  return lines;
}

}  // namespace drawing

}  // namespace irqtune
