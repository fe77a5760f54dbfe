// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include "plan/why/describe.h"

#include <fmt/format.h>

#include <algorithm>

namespace irqtune::planning {

namespace {

/// Vectors that come to a CPU for the same reason.
struct Coming {
  std::size_t vectors = 0;
  double rate = 0;

  void add(const Item& item) {
    ++vectors;
    rate += item.rate.value_or(0);
  }
};

std::string words(const Coming& coming, std::string_view why) {
  return fmt::format("{} with {}/s {} {}",
                     counted(coming.vectors, "vector"),
                     rate_text(coming.rate),
                     coming.vectors == 1 ? "comes" : "come",
                     why);
}

bool comes_nearer(const Index& index, const Item& item) {
  return std::ranges::any_of(item.delivery.cpus.cpus(), [&](int cpu) {
    return cost(index, item.home, node_of(index, cpu)) >
           cost(index, item.home, node_of(index, *item.target));
  });
}

}  // namespace

std::optional<std::string> busier_text(const Index& index,
                                       const std::vector<Item>& items,
                                       const Plan& plan) {
  constexpr double kWorthSaying = 1.01;
  const auto before = plan.before.max_cpu_rate.value_or(0);
  const auto after = plan.after.max_cpu_rate.value_or(0);
  const bool says = after > before * kWorthSaying && rate_text(before) != rate_text(after);
  if (!says || change_count(plan) == 0) {
    return std::nullopt;
  }
  Coming freed;
  Coming nearer;
  for (const auto& item : items) {
    if (item.target && item.delivery.cpus.intersects(index.protected_cpus)) {
      freed.add(item);
    } else if (item.target && comes_nearer(index, item)) {
      nearer.add(item);
    }
  }
  const auto why = freed.vectors > 0    ? words(freed, "off protected CPUs")
                   : nearer.vectors > 0 ? words(nearer, "nearer to their device")
                                        : std::string("that is what one primary to a core takes");
  return fmt::format("the busiest housekeeping CPU gets busier by {}/s ({}/s -> {}/s): {}",
                     rate_text(after - before),
                     rate_text(before),
                     rate_text(after),
                     why);
}

}  // namespace irqtune::planning
