// SPDX-License-Identifier: Apache-2.0
#include "apply/kernel.h"

#include "apply/identity.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace irqtune {

namespace {

constexpr int kBusyTries = 5;
constexpr std::chrono::milliseconds kBusyPause{10};
constexpr int kInterruptedTries = 100;

struct Refusal {
  int code;
  WriteState state;
  std::string_view what;
  std::string_view hint;
};

constexpr std::string_view kManaged = "the kernel manages this interrupt's CPUs itself";
constexpr std::string_view kManagedHint = "leave it out: its driver spreads its queues at boot";
constexpr std::string_view kMaskHint =
    "the plan names CPUs that are offline or that this kernel does not have: make a new plan";

/// Source: Linux kernel/irq/proc.c, write_irq_affinity(); kernel/irq/matrix.c; fs/proc/inode.c.
constexpr std::array kRefusals = {
    Refusal{EIO, WriteState::refused, kManaged, kManagedHint},    // Up to 6.11
    Refusal{EPERM, WriteState::refused, kManaged, kManagedHint},  // From 6.12
    Refusal{ENOSPC,
            WriteState::refused,
            "no interrupt vector is free on that CPU",
            "spread over more CPUs, or lower --max-vectors-per-cpu"},
    Refusal{EINVAL, WriteState::refused, "the kernel does not accept the mask", kMaskHint},
    Refusal{ERANGE, WriteState::refused, "the mask names a CPU that the kernel lacks", kMaskHint},
    Refusal{EOVERFLOW, WriteState::refused, "the mask is wider than the kernel's", kMaskHint},
    Refusal{ENXIO, WriteState::refused, "the controller cannot deliver there", kMaskHint},
    Refusal{EACCES,
            WriteState::refused,
            "not allowed",
            "run it as root; an interrupt whose file is read-only is managed by the kernel"},
    Refusal{EROFS,
            WriteState::refused,
            "/proc is read-only here",
            "run it on the host itself: not in a container, nor in a unit with "
            "ProtectKernelTunables="},
    Refusal{EBUSY, WriteState::refused, "busy, also when tried again", "try again later"},
    Refusal{EAGAIN, WriteState::refused, "busy, also when tried again", "try again later"},
    Refusal{ENOMEM, WriteState::failed, "the kernel is out of memory", "try again later"},
};

}  // namespace

Kernel::Kernel(const Sysfs& tree, const ApplyOptions& options)
    : sysfs(tree),
      follows(options.follows.value_or(tree.live())),
      write(options.write),
      clock(options.clock) {
  if (!write) {
    write = [&tree](auto path, auto text, const auto& holds) {
      return tree.write(path, text, holds);
    };
  }
}

std::string mask_path(const Write& write, IrqNumber irq) {
  return write.identity
             ? fmt::format("/proc/irq/{}/smp_affinity_list", static_cast<std::uint32_t>(irq))
             : std::string("/proc/irq/default_smp_affinity");
}

std::string mask_text(const Write& write, const CpuSet& set) {
  return write.identity ? set.to_list() : set.to_mask();
}

std::optional<CpuSet> parse_mask_file(const Write& write, std::string_view text) {
  return write.identity ? CpuSet::parse_list(text) : CpuSet::parse_mask(text);
}

bool same_mask(const Write& write, std::string_view text, const CpuSet& set) {
  return parse_mask_file(write, text) == set;
}

std::optional<IrqNumber> locate(const Kernel& kernel, const Write& write) {
  return write.identity ? locate(kernel.sysfs, *write.identity) : std::optional(IrqNumber{});
}

bool is_still(const Kernel& kernel, const Write& write, IrqNumber irq) {
  return !write.identity || is_still(kernel.sysfs, *write.identity, irq);
}

bool is_remade(const Kernel& kernel, const Write& write, IrqNumber irq) {
  return write.identity && is_remade(kernel.sysfs, *write.identity, irq);
}

bool note_generation(const Kernel& kernel, IrqNumber irq, Write& write) {
  if (!write.identity) {
    return false;
  }
  const auto known =
      std::exchange(write.identity->generation, generation_of(kernel.sysfs, *write.identity, irq));
  return known && known != write.identity->generation;
}

std::error_code put(const Kernel& kernel,
                    const std::string& path,
                    const std::string& text,
                    const std::function<bool()>& still_holds) {
  int busy = 0;
  int interrupted = 0;
  while (true) {
    const auto error = kernel.write(path, text, still_holds);
    const bool again = error.value() == EBUSY || error.value() == EAGAIN;
    if (again && ++busy < kBusyTries) {
      kernel.clock.sleep(kBusyPause);
    } else if (error.value() != EINTR || ++interrupted >= kInterruptedTries) {
      return error;
    }
  }
}

bool may_be_gone(const std::error_code& error) noexcept {
  constexpr std::array kCodes = {ESTALE, ENOENT, EIO, ENODEV};
  return std::ranges::find(kCodes, error.value()) != kCodes.end();
}

void describe_refusal(const std::error_code& error, Outcome& outcome) {
  const auto* const known = std::ranges::find(kRefusals, error.value(), &Refusal::code);
  if (known == kRefusals.end()) {
    outcome.state = WriteState::failed;
    outcome.error = error.message();
    outcome.hint = "look at the kernel's log, then make a new plan";
    return;
  }
  outcome.state = known->state;
  outcome.error = fmt::format("{}: {}", known->what, error.message());
  outcome.hint = known->hint;
}

void describe_vanished(Outcome& outcome) {
  outcome.state = WriteState::vanished;
  outcome.error = "there is no such interrupt any more";
  outcome.hint = "its guest or driver gave it back: wait with --wait-stable, then make a new plan";
}

void describe_remade(Outcome& outcome) {
  outcome.state = WriteState::remade;
  outcome.error = "made anew since: its guest rebooted, or its device went to another";
  outcome.hint = "its mask went with the old one: there is nothing to put back";
}

}  // namespace irqtune
