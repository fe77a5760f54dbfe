// SPDX-License-Identifier: Apache-2.0
#include "irqtune/watch/decide.h"

#include <fmt/format.h>

namespace irqtune {

Act decide(const Places& places, const SeenVector& seen, bool holds) {
  const auto found = places.find(seen.vector);
  if (found == places.end()) {
    return Act::unknown;
  }
  const auto& place = found->second;
  // Where generations are not known, what is not where it was put is taken for made anew.
  const bool untold = !seen.generation && seen.mask && *seen.mask != place.cpus;
  const bool anew = seen.generation != place.generation || seen.irq != place.irq || untold;
  if (anew && !holds) {
    return Act::unknown;  // Whose it is now, the whole host tells.
  }
  if (anew) {
    return Act::remade;
  }
  return !seen.mask || *seen.mask == place.cpus ? Act::nothing : Act::moved;
}

std::string reaction_text(std::optional<std::uint64_t> event_ns, std::uint64_t now_ns) {
  constexpr double kPerMilli = 1e6;
  return event_ns && *event_ns <= now_ns
             ? fmt::format(", {:.1f} ms after its event",
                           static_cast<double>(now_ns - *event_ns) / kPerMilli)
             : std::string{};
}

}  // namespace irqtune
