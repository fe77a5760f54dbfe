// SPDX-License-Identifier: Apache-2.0
#include "cli/failures.h"

#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace irqtune {

namespace {

constexpr std::size_t kNamed = 10;

std::string name_of(const Outcome& outcome) {
  const auto& identity = outcome.write.identity;
  if (!identity) {
    return "/proc/irq/default_smp_affinity";
  }
  const auto irq = fmt::format("IRQ {}", static_cast<std::uint32_t>(outcome.irq));
  return identity->vector ? fmt::format("{} ({})", identity->vector->to_string(), irq) : irq;
}

/// "0000:3b:00.0/msix/2 (IRQ 32): refused: Input/output error"
std::string refusal_text(const Outcome& outcome) {
  return fmt::format("{}: {}: {}",
                     name_of(outcome),
                     write_state_text(outcome.state),
                     outcome.error.empty() ? "not as asked" : printable(outcome.error));
}

std::size_t count_of(const ApplyReport& report, Aftermath aftermath) {
  return static_cast<std::size_t>(
      std::ranges::count(report.outcomes, aftermath, &Outcome::aftermath));
}

/// "1 mask refused too, 3 put back, 7 not tried", as far as there are any.
std::string others_text(const ApplyReport& report, std::size_t refused) {
  std::vector<std::string> parts;
  const auto add = [&](std::size_t count, std::string_view what) {
    if (count > 0) {
      const auto* const noun = !parts.empty() ? "" : count == 1 ? " mask" : " masks";
      parts.push_back(fmt::format("{}{} {}", count, noun, what));
    }
  };
  add(refused, "refused too");
  add(count_of(report, Aftermath::put_back), "put back");
  add(count_of(report, Aftermath::not_tried), "not tried");
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string hint_line(const std::string& hint) {
  return hint.empty() ? std::string() : fmt::format("hint: {}\n", printable(hint));
}

/// Of a rollback, a vector that is gone is none: there is nothing to put back.
bool is_failure(const ApplyReport& report, const Outcome& outcome) {
  return is_refused(outcome) && !(report.rollback && is_gone(outcome.state));
}

/// "irqtune: 20260301T123456Z-001a: interrupted: 3 of 5 masks are left", and what to do.
std::string problem_text(const ApplyReport& report) {
  return report.problem.empty()
             ? std::string()
             : fmt::format("irqtune: {}: {}\n", report.id, printable(report.problem)) +
                   hint_line(report.hint);
}

/// Of a run that was undone.
std::string undone_text(const ApplyReport& report, const std::vector<const Outcome*>& refused) {
  auto rest = others_text(report, refused.empty() ? 0 : refused.size() - 1);
  rest = rest.empty() ? rest : "; " + rest;
  return refused.empty() ? fmt::format("irqtune: apply: interrupted{}\n", rest)
                         : fmt::format("irqtune: {}{}\n", refusal_text(*refused.front()), rest) +
                               hint_line(refused.front()->hint);
}

/// A hint that several share is given once, after the first of them.
std::string each_text(const std::vector<const Outcome*>& refused) {
  std::string out;
  std::vector<std::string_view> hints;
  for (const auto* outcome : refused) {
    out += fmt::format("irqtune: {}\n", refusal_text(*outcome));
    if (std::ranges::find(hints, outcome->hint) == hints.end()) {
      hints.emplace_back(outcome->hint);
      out += hint_line(outcome->hint);
    }
  }
  return out;
}

}  // namespace

std::string failures_text(const ApplyReport& report) {
  std::vector<const Outcome*> refused;
  for (const auto& outcome : report.outcomes) {
    if (is_failure(report, outcome)) {
      refused.push_back(&outcome);
    }
  }
  if (report.state == ApplyState::rolled_back && !report.rollback) {
    return undone_text(report, refused);
  }
  const auto more = refused.size() - std::min(refused.size(), kNamed);
  refused.resize(refused.size() - more);
  auto out = each_text(refused);
  out += more > 0 ? fmt::format("irqtune: and {} more\n", more) : "";
  const auto rest = others_text(report, 0);
  out += rest.empty() ? "" : fmt::format("irqtune: {}\n", rest);
  return out + problem_text(report);
}

std::string in_full(std::string text, std::string_view program) {
  constexpr std::string_view kCommand = "`irqtune ";
  const auto whole = fmt::format("`{} ", program);
  for (auto at = text.find(kCommand); at != std::string::npos;
       at = text.find(kCommand, at + whole.size())) {
    text.replace(at, kCommand.size(), whole);
  }
  return text;
}

}  // namespace irqtune
