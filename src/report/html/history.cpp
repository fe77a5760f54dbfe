// SPDX-License-Identifier: Apache-2.0
#include "report/html/parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace irqtune::html {

namespace {

constexpr double kWidth = 340;
constexpr double kHeight = 90;
constexpr double kLeft = 50;  // For the numbers of the axis.
constexpr double kMargin = 8;

double mean_of(const std::vector<double>& slices) {
  double sum = 0;
  for (const auto slice : slices) {
    sum += slice;
  }
  return slices.empty() ? 0 : sum / static_cast<double>(slices.size());
}

/// What a plot shows: a figure's path in irqtune.measure/1, its caption, and what 1 is on its axis.
struct Figure {
  std::string_view path;
  std::string_view caption;
  double factor = 1;
  int decimals = 0;
};

/// The axis with the largest value and 0, and a dot for each measurement on a line.
std::string drawing(const std::vector<double>& values, const Figure& figure) {
  const auto most = *std::ranges::max_element(values);
  const auto scale = most > 0 ? (kHeight - 2 * kMargin) / most : 0;
  std::string points;
  std::string dots;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto x = kLeft + kMargin +
                   (kWidth - kLeft - 2 * kMargin) * static_cast<double>(i) /
                       static_cast<double>(values.size() - 1);
    const auto y = kHeight - kMargin - values[i] * scale;
    points += fmt::format("{:.1f},{:.1f} ", x, y);
    dots += fmt::format(
        R"(<circle class="dot" cx="{:.1f}" cy="{:.1f}" r="2.5"><title>{:.{}f}</title></circle>)",
        x,
        y,
        values[i] * figure.factor,
        figure.decimals);
  }
  return fmt::format(
      R"(<path class="axis" d="M{0} 0V{1}H{2}"/><text x="{3}" y="12" text-anchor="end">{4:.{5}f}</text>)"
      R"(<text x="{3}" y="{1}" text-anchor="end">0</text><polyline class="plot" points="{6}"/>{7})",
      kLeft,
      kHeight - kMargin + 4,
      kWidth,
      kLeft - 4,
      most * figure.factor,
      figure.decimals,
      points,
      values.size() <= 100 ? dots : std::string());
}

/// One figure over all measurements, as a small plot.
std::string plot(const Figure& figure, const std::vector<double>& values) {
  const auto text = fmt::format("{}: {:.{}f} at first, {:.{}f} at last, {} measurements",
                                figure.caption,
                                values.front() * figure.factor,
                                figure.decimals,
                                values.back() * figure.factor,
                                figure.decimals,
                                values.size());
  return fmt::format(
      R"(<figure><figcaption>{0}</figcaption><svg role="img" viewBox="0 0 {1} {2}" width="{1}" )"
      R"(height="{2}" aria-label="{0}"><title>{0}</title>{3}</svg></figure>)",
      escaped(text),
      kWidth,
      kHeight,
      drawing(values, figure));
}

/// The mean of one figure of each measurement that has it.
std::vector<double> means_of(const std::vector<std::vector<Sample>>& history,
                             std::string_view path) {
  std::vector<double> means;
  for (const auto& samples : history) {
    const auto found = std::ranges::find(samples, path, &Sample::path);
    if (found != samples.end()) {
      means.push_back(mean_of(found->slices));
    }
  }
  return means;
}

}  // namespace

std::string history_plots(const std::vector<std::vector<Sample>>& history) {
  constexpr double kPercent = 100;
  constexpr std::array<Figure, 3> kFigures = {
      Figure{"totals.on_vcpu_cores.passthrough",
             "Interrupts a second of passed-through devices on vCPUs' cores"},
      Figure{"totals.on_vcpu_cores.host",
             "Interrupts a second of the host's devices on vCPUs' cores"},
      Figure{"totals.stdev.housekeeping.busy",
             "Standard deviation of the housekeeping CPUs' load, in percent",
             kPercent,
             1}};
  std::string out;
  for (const auto& figure : kFigures) {
    const auto values = means_of(history, figure.path);
    out += values.size() > 1 ? plot(figure, values) : std::string();
  }
  return out;
}

}  // namespace irqtune::html
