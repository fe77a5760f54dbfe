// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"
#include "irqtune/diagnose/esx.h"

#include <fmt/format.h>

#include <algorithm>

namespace irqtune {

namespace {

const EsxOwner* console_of(const EsxLine& line) {
  const auto found = std::ranges::find_if(
      line.owners, [](const EsxOwner& owner) { return owner.handled && owner.console; });
  return found != line.owners.end() ? &*found : nullptr;
}

bool has_driver(const EsxLine& line, std::string_view vmkernel) {
  return std::ranges::any_of(line.owners, [&](const EsxOwner& owner) {
    return owner.handled && !owner.console && owner.text == vmkernel;
  });
}

/// The driver's line: the same vector where it is still there, else the first.
const EsxLine* line_of(const EsxTable& table, const EsxLine& before, std::string_view vmkernel) {
  const EsxLine* found = nullptr;
  for (const auto& line : table.lines) {
    if (has_driver(line, vmkernel) && (found == nullptr || line.vector == before.vector)) {
      found = &line;
    }
  }
  return found;
}

/// What came since; all of it where the counters began anew.
std::vector<std::uint64_t> grown(const EsxLine& before, const EsxLine& after) {
  auto counts = after.counts;
  const bool same = before.vector == after.vector && before.counts.size() == counts.size() &&
                    std::ranges::equal(before.counts, counts, std::less_equal<>());
  for (std::size_t i = 0; same && i < counts.size(); ++i) {
    counts[i] -= before.counts[i];
  }
  return counts;
}

EsxChange change_of(const EsxLine& before, const EsxOwner& owner, const EsxTable& table) {
  EsxChange change;
  change.vector = before.vector;
  change.console = console_of(before)->text;
  change.vmkernel = owner.text;
  const auto* const after = line_of(table, before, owner.text);
  change.there = after != nullptr;
  if (after == nullptr) {
    return change;
  }
  change.shared = console_of(*after) != nullptr;
  change.vector_now = after->vector;
  const auto counts = grown(before, *after);
  change.of_pcpus = counts.size();
  for (const auto count : counts) {
    change.pcpus += count > 0 ? 1U : 0U;
    change.count += std::min(count, ~std::uint64_t{0} - change.count);
  }
  return change;
}

/// Of a line that is shared with the console.
void add_changes(const EsxLine& line, const EsxTable& after, std::vector<EsxChange>& changes) {
  for (const auto& owner : line.owners) {
    if (owner.handled && !owner.console) {
      changes.push_back(change_of(line, owner, after));
    }
  }
}

}  // namespace

std::vector<EsxChange> compare_esx(const EsxTable& before, const EsxTable& after) {
  std::vector<EsxChange> changes;
  for (const auto& line : before.lines) {
    if (console_of(line) != nullptr) {
      add_changes(line, after, changes);
    }
  }
  return changes;
}

std::string change_text(const EsxChange& change) {
  const auto what = fmt::format("0x{:02x}, {}", change.vector, change.vmkernel);
  if (!change.there) {
    return fmt::format("{}: its driver has no line any more", what);
  }
  const auto now =
      change.vector_now != change.vector ? fmt::format(" (0x{:02x} now)", change.vector_now) : "";
  const auto where = change.count == 0 ? std::string("no interrupt since")
                                       : fmt::format("{} since, {} {} of {}",
                                                     counted(change.count, "interrupt"),
                                                     change.pcpus > 1 ? "spread over" : "all on",
                                                     change.pcpus,
                                                     counted(change.of_pcpus, "PCPU"));
  return change.shared
             ? fmt::format("{}{}: still shared with the console; {}", what, now, where)
             : fmt::format("{}{}: free now, {} has left it; {}", what, now, change.console, where);
}

}  // namespace irqtune
