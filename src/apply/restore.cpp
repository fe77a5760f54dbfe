// SPDX-License-Identifier: Apache-2.0
#include "apply/restore.h"

#include "apply/identity.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cerrno>

namespace irqtune {

namespace {

constexpr int kTries = 3;

enum class Standing : std::uint8_t { ours, before, widened, foreign, unreadable };

CpuSet online_cpus(const Kernel& kernel) {
  const auto text = kernel.sysfs.read("/sys/devices/system/cpu/online");
  return CpuSet::parse_list(text.value_or("")).value_or(CpuSet{});
}

/// Text as the kernel wrote it: one newline at most. More of them are what a crash left in a tree
/// between writing over a longer text and cutting it (see Sysfs::write).
bool is_whole(std::string_view text) {
  return !text.ends_with("\n\n");
}

Standing standing(const Kernel& kernel, const Write& write, const std::string& path) {
  const auto file = kernel.sysfs.read_file(path);
  if (!file.text) {
    return Standing::unreadable;
  }
  // Before and after may be one mask: asked for anew where the kernel had not obeyed it.
  const auto before = parse_mask_file(write, write.before);
  const bool as_before = before && same_mask(write, *file.text, *before);
  if (as_before && is_whole(*file.text)) {
    return Standing::before;
  }
  if (as_before || same_mask(write, *file.text, write.after)) {
    return Standing::ours;
  }
  const auto now = write.identity ? parse_mask_file(write, *file.text) : std::nullopt;
  return now && is_widened(write.after, *now, online_cpus(kernel)) ? Standing::widened
                                                                   : Standing::foreign;
}

void describe_changed(const Kernel& kernel, Outcome& outcome) {
  const auto now = kernel.sysfs.read(mask_path(outcome.write, outcome.irq)).value_or("");
  outcome.state = WriteState::failed;
  outcome.error = fmt::format("changed since: it is {} now, and {} was written",
                              now,
                              mask_text(outcome.write, outcome.write.after));
  outcome.hint = "left as it is; `rollback --force` puts it back all the same";
}

/// Says what stands there after a write that the kernel took.
void read_back(const Kernel& kernel, Outcome& outcome) {
  const auto now = kernel.sysfs.read(mask_path(outcome.write, outcome.irq)).value_or("");
  const auto before = parse_mask_file(outcome.write, outcome.write.before);
  outcome.state = WriteState::ok;
  if (before ? !same_mask(outcome.write, now, *before) : now != outcome.write.before) {
    outcome.state = WriteState::failed;
    outcome.error = fmt::format("put back, but it reads {}", now);
  }
  if (outcome.write.identity) {
    const auto effective = kernel.sysfs.read(fmt::format("/proc/irq/{}/effective_affinity_list",
                                                         static_cast<std::uint32_t>(outcome.irq)));
    outcome.effective = effective ? CpuSet::parse_list(*effective) : std::nullopt;
  }
}

std::string widened_text(const Write& write) {
  return fmt::format("the kernel had widened it: cpu{} went offline", write.after.to_list());
}

/// What to do where the old mask is refused: that is no plan's fault.
std::string hint_for(const std::error_code& error, const std::string& otherwise) {
  switch (error.value()) {
    case EINVAL:
    case ENXIO:
      return "bring CPUs of the old mask online and roll back again, or leave it as it is";
    case ENOSPC:
      return "move other interrupts off the CPUs of the old mask, then roll back again";
    default:
      return otherwise;
  }
}

/// One try on the interrupt as it is found now. True if it is to be looked for again.
bool try_restore(const Kernel& kernel, Restore how, Outcome& outcome) {
  const auto& write = outcome.write;
  const auto path = mask_path(write, outcome.irq);
  const bool force = how == Restore::force || how == Restore::look_force;
  const auto now = standing(kernel, write, path);
  if (now == Standing::before) {
    outcome.state = WriteState::unchanged;
    return false;
  }
  if (now == Standing::foreign && !force) {
    describe_changed(kernel, outcome);
    return false;
  }
  if (how == Restore::look || how == Restore::look_force) {
    outcome.state = WriteState::would_change;
    outcome.hint = now == Standing::widened ? widened_text(write) : std::string();
    return false;
  }
  const auto is_ours = [&] {
    const auto there = standing(kernel, write, path);
    return there == Standing::ours || there == Standing::widened;
  };
  const auto holds = [&] {
    return is_still(kernel, write, outcome.irq) && !is_remade(kernel, write, outcome.irq) &&
           (force || is_ours());
  };
  const auto error = put(kernel, path, write.before, holds);
  if (!error) {
    read_back(kernel, outcome);
    if (now == Standing::widened && outcome.state == WriteState::ok) {
      outcome.hint = widened_text(write);
    }
    return false;
  }
  describe_refusal(error, outcome);
  outcome.hint = hint_for(error, outcome.hint);
  return may_be_gone(error);
}

/// A host interrupt under its old number and with our mask, but with another handler's name, as of
/// a network interface that was renamed: what stands there is ours, and nobody can tell whose it
/// is.
bool is_left_behind(const Kernel& kernel, const Write& write) {
  return write.identity && !write.identity->vector &&
         is_of_device(kernel.sysfs, *write.identity, write.identity->irq) &&
         standing(kernel, write, mask_path(write, write.identity->irq)) == Standing::ours;
}

Outcome not_found(const Kernel& kernel, const Write& write) {
  Outcome outcome{write, {}, WriteState::failed, {}, {}, {}};
  if (write.identity) {
    outcome.irq = write.identity->irq;
  }
  if (!is_left_behind(kernel, write)) {
    describe_vanished(outcome);
    outcome.hint = "its mask went with it: there is nothing to put back";
    return outcome;
  }
  const auto number = static_cast<std::uint32_t>(outcome.irq);
  outcome.error =
      fmt::format("its handler is not '{}' any more, but the mask that was written stands",
                  fmt::join(write.identity->actions, ","));
  outcome.hint = fmt::format(
      "if it is the same: echo {} >/proc/irq/{}/smp_affinity_list", write.before, number);
  return outcome;
}

}  // namespace

Outcome restore(const Kernel& kernel, const Write& write, Restore how) {
  Outcome outcome{write, {}, WriteState::failed, {}, {}, {}};
  for (int i = 0; i < kTries; ++i) {
    const auto irq = locate(kernel, write);
    if (!irq) {
      return not_found(kernel, write);
    }
    outcome.irq = *irq;
    if (is_remade(kernel, write, *irq)) {
      describe_remade(outcome);
      return outcome;
    }
    outcome.error.clear();
    outcome.hint.clear();
    if (!try_restore(kernel, how, outcome)) {
      break;
    }
  }
  return outcome;
}

bool is_restored(const Outcome& outcome) noexcept {
  return is_success(outcome.state) || is_gone(outcome.state);
}

}  // namespace irqtune
