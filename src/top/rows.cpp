// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include "report/text/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <compare>
#include <limits>
#include <string>
#include <tuple>

#include "top/parts.h"

namespace irqtune::drawing {

namespace {

constexpr std::size_t kColumns = 7;
constexpr std::size_t kRight = 3;  // The first columns are numbers.
using Texts = std::array<std::string, kColumns>;

bool collides(const FrameRow& row) {
  return row.vector && row.standing == Standing::collision;
}

std::string place_text(const FrameRow& row) {
  return row.delivery.cpus.empty() ? "-" : cut(row.delivery.cpus.to_list(), 12);
}

/// What is worth a word; nothing of a vector that is where it may be.
std::string word_for(const FrameRow& row) {
  switch (row.standing) {
    case Standing::collision:
      return "on the core of " + (row.vcpus.empty() ? "a vCPU" : row.vcpus);
    case Standing::posted:
      return "posted";
    case Standing::unknown:
      return "place unknown";
    case Standing::clear:
      break;
  }
  return row.delivery.state == DeliveryState::settled
             ? std::string()
             : std::string(delivery_text(row.delivery.state));
}

Texts texts_of(const FrameRow& row) {
  const auto device = row.vector ? row.vector->device.to_string() : "-";
  const auto name = row.vector ? vector_text(*row.vector).substr(device.size() + 1) : row.handlers;
  return {rate_text(row.rate),
          place_text(row),
          fmt::format("{}", static_cast<std::uint32_t>(row.irq)),
          row.vm.empty() ? "-" : cut(printable(row.vm), 24),
          device,
          cut(printable(name), 24),
          printable(word_for(row))};
}

/// By the view's key; equals by number, so that lines do not jump.
bool comes_first(const View& view, const FrameRow& one, const FrameRow& other) {
  const auto place = [](const FrameRow& row) {
    return row.delivery.cpus.first().value_or(std::numeric_limits<int>::max());
  };
  const auto busier = one.rate.value_or(-1) <=> other.rate.value_or(-1);
  switch (view.sort) {
    case SortKey::rate:
      return std::is_neq(busier) ? std::is_gt(busier) : one.irq < other.irq;
    case SortKey::vm:
      // Those without a VM last.
      return std::tuple(one.vm.empty(), std::string_view(one.vm), one.irq) <
             std::tuple(other.vm.empty(), std::string_view(other.vm), other.irq);
    case SortKey::cpu:
      return std::tuple(place(one), one.irq) < std::tuple(place(other), other.irq);
    case SortKey::irq:
      break;
  }
  return one.irq < other.irq;
}

std::string padded(const std::string& text, std::size_t width, bool right) {
  const std::string blanks(width - std::min(width, display_width(text)), ' ');
  return right ? blanks + text : text + blanks;
}

ScreenLine line_of_texts(const Texts& texts,
                         const std::array<std::size_t, kColumns>& widths,
                         char sign,
                         Look look) {
  std::string line(1, sign);
  for (std::size_t i = 0; i + 1 < kColumns; ++i) {
    line.append(padded(texts.at(i), widths.at(i), i < kRight)).append("  ");
  }
  line += texts.back();
  line.erase(line.find_last_not_of(' ') + 1);
  return {{std::move(line), look}};
}

}  // namespace

std::vector<const FrameRow*> chosen_rows(const Frame& frame, const View& view) {
  std::vector<const FrameRow*> rows;
  for (const auto& row : frame.rows) {
    if ((row.vector || view.host_irqs) && shows_vm(view, row.vm)) {
      rows.push_back(&row);
    }
  }
  std::ranges::sort(rows, [&](const FrameRow* one, const FrameRow* other) {
    return comes_first(view, *one, *other);
  });
  return rows;
}

std::vector<ScreenLine> row_lines(std::span<const FrameRow* const> rows) {
  const Texts titles = {"RATE", "CPU", "IRQ", "VM", "DEVICE", "VECTOR", ""};
  std::vector<Texts> texts;
  std::array<std::size_t, kColumns> widths{};
  const auto widen = [&](const Texts& line) {
    for (std::size_t i = 0; i < kColumns; ++i) {
      widths.at(i) = std::max(widths.at(i), display_width(line.at(i)));
    }
  };
  widen(titles);
  widths.front() = std::max<std::size_t>(widths.front(), 6);
  for (const auto* row : rows) {
    texts.push_back(texts_of(*row));
    widen(texts.back());
  }
  std::vector<ScreenLine> lines{line_of_texts(titles, widths, ' ', Look::bold)};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool hot = collides(*rows[i]);
    lines.push_back(
        line_of_texts(texts[i], widths, hot ? '>' : ' ', hot ? Look::alarm : Look::plain));
  }
  return lines;
}

}  // namespace irqtune::drawing
