// SPDX-License-Identifier: Apache-2.0
#include "apply/verify.h"

#include "irqtune/core/delivery.h"
#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>

namespace irqtune {

namespace {

constexpr std::chrono::milliseconds kFirstPause{1};
constexpr std::chrono::milliseconds kLongestPause{20};

std::string irq_file(IrqNumber irq, std::string_view base, std::string_view name) {
  return fmt::format("{}/{}/{}", base, static_cast<std::uint32_t>(irq), name);
}

/// A chip that moves vectors at their next interrupt; and every other one while the vector's last
/// move is not cleaned up: then that one, too, waits for an interrupt, and until then the vector is
/// where it was.
bool is_deferred(const Kernel& kernel, const Outcome& outcome) {
  const auto chip =
      kernel.sysfs.read(irq_file(outcome.irq, "/sys/kernel/irq", "chip_name")).value_or("");
  const auto before = parse_mask_file(outcome.write, outcome.write.before);
  const bool as_before = before && before->contains_all(*outcome.effective);
  return (chip.starts_with("IR-") && as_before) || moves_at_next_interrupt(chip);
}

/// How often the effective CPU has counted it: what is counted there later, while it stays there,
/// shows that it does not move. Source: Linux kernel/irq/irqdesc.c, per_cpu_count_show(): a number
/// for each possible CPU, with commas.
std::optional<std::uint64_t> counted_there(const Kernel& kernel, const Outcome& outcome) {
  const auto text = kernel.sysfs.read(irq_file(outcome.irq, "/sys/kernel/irq", "per_cpu_count"));
  if (!text || outcome.effective->size() != 1) {
    return std::nullopt;
  }
  const auto counts = split(trimmed(*text), ',');
  const auto cpu = static_cast<std::size_t>(*outcome.effective->first());
  return cpu < counts.size() ? parse_number<std::uint64_t>(counts[cpu]) : std::nullopt;
}

/// False if the requested mask is not (or no longer) the planned one.
bool requested_agrees(const Kernel& kernel, Outcome& outcome) {
  const auto now = kernel.sysfs.read(mask_path(outcome.write, outcome.irq));
  if (now && same_mask(outcome.write, *now, outcome.write.after)) {
    return true;
  }
  if (!now && !is_still(kernel, outcome.write, outcome.irq)) {
    describe_vanished(outcome);
    return false;
  }
  outcome.state = WriteState::failed;
  outcome.error = fmt::format("written, but it reads {}", now ? *now : "nothing");
  outcome.hint = "another program sets it too: see `irqtune diagnose`";
  return false;
}

/// True once the interrupt is where it was sent, or nothing will tell.
bool has_arrived(const Kernel& kernel, Outcome& outcome) {
  const auto text =
      kernel.sysfs.read(irq_file(outcome.irq, "/proc/irq", "effective_affinity_list"));
  outcome.effective = text ? CpuSet::parse_list(*text) : std::nullopt;
  return !outcome.effective || outcome.effective->empty() ||
         outcome.write.after.contains_all(*outcome.effective);
}

void describe_elsewhere(const Kernel& kernel, Outcome& outcome) {
  if (is_deferred(kernel, outcome)) {
    outcome.state = WriteState::pending;
    outcome.hint = "it moves at its next interrupt";
    outcome.counted = counted_there(kernel, outcome);
    return;
  }
  outcome.state = WriteState::fallback;
  outcome.error =
      fmt::format("the kernel put it on CPU {}, outside the mask", outcome.effective->to_list());
  outcome.hint = "no CPU of the mask could take it: look at the kernel's log, make a new plan";
}

/// What became of the interrupts that were not there at once; `elsewhere` of them still are not.
void describe_waited_for(const Kernel& kernel,
                         const std::vector<Outcome*>& waited_for,
                         const std::set<Outcome*>& elsewhere) {
  for (auto* const outcome : waited_for) {
    const bool agrees = requested_agrees(kernel, *outcome);  // Another may have set it meanwhile.
    if (agrees && elsewhere.contains(outcome)) {
      describe_elsewhere(kernel, *outcome);
    }
  }
}

void settle(Outcome& outcome, bool renumbered) {
  const bool posted = outcome.write.identity && outcome.write.identity->posted;
  outcome.state = posted       ? WriteState::posted
                  : renumbered ? WriteState::renumbered
                               : WriteState::ok;
}

}  // namespace

void verify(const Kernel& kernel,
            const std::vector<Outcome*>& written,
            std::chrono::milliseconds timeout,
            const std::function<bool()>& interrupted) {
  std::vector<Outcome*> moving;
  for (auto* const outcome : written) {
    const auto& identity = outcome->write.identity;
    settle(*outcome, identity && identity->irq != outcome->irq);
    if (requested_agrees(kernel, *outcome) && kernel.follows && identity) {
      moving.push_back(outcome);
    }
  }
  const auto drop_arrived = [&] {
    std::erase_if(moving, [&](Outcome* outcome) { return has_arrived(kernel, *outcome); });
  };
  drop_arrived();
  const auto waited_for = moving;
  auto pause = kFirstPause;
  while (!moving.empty() && timeout > std::chrono::milliseconds::zero() &&
         !(interrupted && interrupted())) {
    const auto start = kernel.clock.now();
    pause = std::min({pause * 2, kLongestPause, timeout});
    kernel.clock.sleep(pause);
    drop_arrived();
    const auto spent = kernel.clock.now() - start;
    timeout -= std::max(pause, std::chrono::duration_cast<std::chrono::milliseconds>(spent));
  }
  std::erase_if(moving, [](const auto* one) { return one->state == WriteState::posted; });
  describe_waited_for(kernel, waited_for, {moving.begin(), moving.end()});
}

}  // namespace irqtune
