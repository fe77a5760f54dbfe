// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"
#include "irqtune/report/report.h"

#include <fmt/format.h>

#include <string>

namespace irqtune {

namespace {

constexpr std::string_view kHead = R"sh(#!/bin/sh
# Plan of irqtune for {}: the plain commands, for review.
# `irqtune apply` does the same, with a journal to roll back from.
set -u
failed=0
# put IRQ CPU HANDLERS: only while the interrupt still has these handlers.
put() {{
  if [ "$(cat "/sys/kernel/irq/$1/actions" 2>/dev/null)" != "$3" ]; then
    echo "IRQ $1 has other handlers now: left alone" >&2
    failed=1
  else
    echo "$2" > "/proc/irq/$1/smp_affinity_list" || failed=1
  fi
}}
)sh";

/// One line of comment, whatever `text` holds.
std::string comment(std::string_view text) {
  return printable(text);
}

}  // namespace

std::string plan_script(const Plan& plan) {
  auto out = fmt::format(kHead, comment(plan.host.hostname.value_or("this host")));
  for (const auto& assignment : plan.assignments) {
    if (!assignment.change) {
      continue;
    }
    out += fmt::format("put {} {} {}  # was {}: {}\n",
                       static_cast<std::uint32_t>(assignment.irq),
                       assignment.to.to_list(),
                       shell_word(fmt::format("{}", fmt::join(assignment.actions, ","))),
                       assignment.from ? assignment.from->to_list() : "unknown",
                       comment(assignment.reason));
  }
  if (plan.default_affinity) {
    out += fmt::format(
        "echo {} > /proc/irq/default_smp_affinity || failed=1  # host-wide: new vectors\n",
        plan.default_affinity->to.to_mask());
  }
  return out + "exit $failed\n";
}

}  // namespace irqtune
