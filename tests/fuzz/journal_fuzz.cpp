// SPDX-License-Identifier: Apache-2.0
// Journals in any state of repair.
#include "apply/journal/journal.h"

#include <fmt/format.h>

#include "fuzz/fuzz.h"

namespace {

using irqtune::fuzz::require;

std::string shown(const irqtune::JournalText& journal) {
  auto text = fmt::format("{} {} {} {} {}\n",
                          journal.id,
                          journal.started,
                          journal.finished,
                          journal.problem,
                          static_cast<int>(journal.state));
  for (const auto& [number, write] : journal.writes) {
    text += fmt::format("{} {} {} {}\n",
                        write.write.before,
                        write.write.after.to_list(),
                        write.written,
                        write.undone);
  }
  return text;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = irqtune::fuzz::text_of(data, size);
  const auto journal = irqtune::parse_journal(text);
  require(journal.good_bytes <= size, "whole lines are part of the file");
  require(irqtune::fuzz::is_plain(journal.problem), "a problem can be shown", journal.problem);
  for (const auto& [number, write] : journal.writes) {
    require(!write.write.after.empty(), "a write goes to some CPU");
    require(!write.write.identity || write.write.identity->vector ||
                !write.write.identity->actions.empty(),
            "an interrupt is known by something");
  }
  const auto whole = irqtune::parse_journal(text.substr(0, journal.good_bytes));
  require(shown(journal) == shown(whole), "a torn line changes nothing", shown(journal));
  return 0;
}
