// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/watch_status.h"
#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "watch/watcher.h"

namespace irqtune {

namespace {

constexpr WatchTime kFirstPause{1};         ///< For a handler that is about to be asked for.
constexpr WatchTime kLongestHandler{2048};  ///< After that it is forgotten: an event comes again.
constexpr WatchTime kFirstRefusal{1000};
constexpr WatchTime kLongestRefusal{600'000};

/// The write that puts a vector where it is kept.
Write write_to(const SeenVector& seen, const CpuSet& cpus) {
  Identity identity;
  identity.irq = seen.irq;
  identity.vector = seen.vector;
  identity.device = seen.vector.device;
  identity.actions = {vfio_action_text(seen.vector)};
  identity.generation = seen.generation;
  const bool other = seen.mask && *seen.mask != cpus;  // What is there already is not written.
  return {identity, other ? seen.mask->to_list() : "", cpus};
}

/// CLOCK_MONOTONIC, as the events have it.
std::uint64_t steady_ns() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                        std::chrono::steady_clock::now().time_since_epoch())
                                        .count());
}

}  // namespace

/// The process that had the device still lives: nobody else can have it meanwhile.
bool Watcher::holds(const Place& place) const {
  if (!place.holder || !place.holder->pid) {
    return place.holder.has_value() && place.holder->vm.empty();
  }
  const auto started = process_started(sysfs_, *place.holder->pid);
  return started ? started == place.holder->started
                 : !sysfs_.live() && !place.holder->started;  // A tree may lack the file.
}

void Watcher::react(const std::vector<IrqNumber>& irqs) {
  std::vector<Write> writes;
  for (const auto irq : irqs) {
    react_to(irq, writes);
  }
  place(writes, "made anew or moved");
}

void Watcher::react_to(IrqNumber irq, std::vector<Write>& writes) {
  const auto time = now();
  const auto seen = see_vector(sysfs_, irq);
  if (!seen && has_other_handler(sysfs_, irq)) {
    without_handler_.erase(irq);
    return;
  }
  if (!seen) {
    look_again(irq, time);
    return;
  }
  without_handler_.erase(irq);
  const auto known = places_.find(seen->vector);
  const bool held = known != places_.end() && holds(known->second);
  const auto act = decide(places_, *seen, held);
  switch (act) {
    case Act::nothing:
      refused_.erase(seen->vector);
      return;
    case Act::unknown:
      plan_soon();
      return;
    case Act::moved:
    case Act::remade:
      break;
  }
  if (act == Act::remade || takes_back(*seen, irq, time)) {
    writes.push_back(write_to(*seen, known->second.cpus));
  }
}

void Watcher::look_again(IrqNumber irq, WatchTime time) {
  auto& retry = without_handler_[irq];
  retry.pause = retry.pause > WatchTime{} ? retry.pause * 2 : kFirstPause;
  retry.at = time + retry.pause;
  if (retry.pause > kLongestHandler) {
    without_handler_.erase(irq);
  }
}

bool Watcher::takes_back(const SeenVector& seen, IrqNumber irq, WatchTime time) {
  const bool refused = refused_.contains(seen.vector);  // Ours did not come to pass.
  if (fights_.is_let_go(seen.vector, time)) {
    return false;
  }
  if (refused || !fights_.moved(seen.vector, time)) {
    return true;
  }
  options_.warn(
      fmt::format("{} (irq {}): another program moves it again and again, to {} now: let go for a "
                  "while; if that is irqbalance, --irqbalance=ban ends it",
                  seen.vector.to_string(),
                  static_cast<std::uint32_t>(irq),
                  seen.mask ? seen.mask->to_list() : "?"));
  return false;
}

std::vector<Outcome> Watcher::place(const std::vector<Write>& writes, std::string_view why) {
  if (writes.empty()) {
    return {};
  }
  auto outcomes = keeper_.place(writes);
  for (const auto& outcome : outcomes) {
    note(outcome, why);
  }
  return outcomes;
}

void Watcher::note(const Outcome& outcome, std::string_view why) {
  const auto& write = outcome.write;
  if (!write.identity || !write.identity->vector) {
    if (!outcome.error.empty()) {
      options_.warn("/proc/irq/default_smp_affinity: " + outcome.error);
    } else if (outcome.state == WriteState::ok) {
      options_.log(
          fmt::format("default_smp_affinity: {} -> {}", write.before, write.after.to_mask()));
    }
    return;
  }
  const auto& vector = *write.identity->vector;
  const auto place = places_.find(vector);
  if (!is_success(outcome.state)) {
    note_refusal(outcome);
    return;
  }
  refused_.erase(vector);
  if (place != places_.end()) {
    bans_due_ = bans_due_ || place->second.irq != outcome.irq;
    place->second.irq = outcome.irq;
    place->second.generation = write.identity->generation;
    place->second.there = true;
  }
  if (outcome.state == WriteState::unchanged) {
    return;
  }
  ++placed_;
  const auto vm = place != places_.end() && place->second.holder ? place->second.holder->vm : "";
  last_done_ = fmt::format("{}{} (irq {}): {} -> {}",
                           vm.empty() ? "" : printable(vm) + ' ',
                           vector.to_string(),
                           static_cast<std::uint32_t>(outcome.irq),
                           write.before,
                           write.after.to_list());
  const auto event = event_ns_.find(outcome.irq);
  options_.log(fmt::format(
      "{}: {}{}",
      last_done_,
      why,
      reaction_text(event != event_ns_.end() ? std::optional(event->second) : std::nullopt,
                    steady_ns())));
}

/// Logged once; tried again with growing pauses.
void Watcher::note_refusal(const Outcome& outcome) {
  const auto& vector = *outcome.write.identity->vector;
  if (outcome.state == WriteState::vanished) {
    return;  // It comes again, or is none of ours any more: an event tells.
  }
  auto& retry = refused_[vector];
  retry.pause =
      retry.pause > WatchTime{} ? std::min(retry.pause * 2, kLongestRefusal) : kFirstRefusal;
  retry.at = now() + retry.pause;
  if (retry.said != outcome.error) {
    retry.said = outcome.error;
    options_.warn(fmt::format("{} (irq {}): {}",
                              vector.to_string(),
                              static_cast<std::uint32_t>(outcome.irq),
                              outcome.error));
  }
}

/// Looks at every mask that is kept.
void Watcher::check_places() {
  std::vector<IrqNumber> irqs;
  for (const auto& [vector, place] : places_) {
    const auto seen = see_vector(sysfs_, place.irq);
    const bool there = seen && seen->vector == vector;
    if (there && (seen->mask != place.cpus || seen->generation != place.generation)) {
      irqs.push_back(place.irq);
    }
  }
  react(irqs);
}

}  // namespace irqtune
