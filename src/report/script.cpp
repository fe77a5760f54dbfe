// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"
#include "irqtune/report/report.h"

#include <fmt/format.h>

#include <algorithm>
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

constexpr std::string_view kDefault =
    R"sh(# Host-wide, for new vectors; was {2}: only while it still is.
if [ "$(tr -d , < /proc/irq/default_smp_affinity | sed 's/^0*//')" != "{0}" ]; then
  echo "default_smp_affinity is another one now: left alone" >&2
  failed=1
else
  echo {1} > /proc/irq/default_smp_affinity || failed=1
fi
)sh";

/// A mask without what differs from one kernel to the next: commas and zeros in front.
std::string bare_mask(const CpuSet& cpus) {
  auto mask = cpus.to_mask();
  std::erase(mask, ',');
  mask.erase(0, std::min(mask.find_first_not_of('0'), mask.size()));
  return mask;
}

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
    const auto& from = plan.default_affinity->from;
    out += fmt::format(kDefault,
                       bare_mask(from.value_or(CpuSet{})),
                       plan.default_affinity->to.to_mask(),
                       from ? from->to_list() : "unknown");
  }
  return out + "exit $failed\n";
}

}  // namespace irqtune
