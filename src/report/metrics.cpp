// SPDX-License-Identifier: Apache-2.0
#include "irqtune/report/metrics.h"

#include "irqtune/core/delivery.h"
#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

namespace irqtune {

namespace {

/// A label's value: backslash, quote and newline escaped; what is no UTF-8 or would be obeyed by a
/// terminal is shown as `printable` shows it.
std::string label_value(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    if (c == '\\' || c == '"') {
      out += '\\';
    }
    out += c;
  }
  return out;
}

/// One metric after the other, each with its help and type once.
class Exposition {
 public:
  void metric(std::string_view name, std::string_view help) {
    name_ = name;
    text_ += fmt::format("# HELP irqtune_{} {}\n# TYPE irqtune_{} gauge\n", name, help, name);
  }

  void sample(const std::string& labels, double value) {
    const auto braces = labels.empty() ? std::string() : fmt::format("{{{}}}", labels);
    text_ += fmt::format("irqtune_{}{} {}\n", name_, braces, value);
  }

  void sample(const std::string& labels, std::size_t value) {
    sample(labels, static_cast<double>(value));
  }

  [[nodiscard]] std::string take() { return std::move(text_) + "# EOF\n"; }

 private:
  std::string name_;
  std::string text_;
};

/// What is counted of one passed-through device.
struct DeviceCounts {
  std::string labels;
  std::size_t vectors = 0;
  std::size_t drifted = 0;
  std::size_t remote = 0;
  std::size_t changes = 0;
  std::optional<double> rate;
  Tally tally;
};

std::map<PciAddress, DeviceCounts> count_devices(const Host& host,
                                                 const Plan& plan,
                                                 const Drift& drift) {
  std::map<PciAddress, DeviceCounts> devices;
  for (const auto& device : host.devices) {
    if (device.passthrough) {
      const auto* owner = find_owner(host, device.address);
      auto& counts = devices[device.address];
      counts.labels = fmt::format(R"(device="{}",vm="{}")",
                                  device.address.to_string(),
                                  owner == nullptr ? "" : label_value(owner->name));
      counts.tally = tally_of(host, device.address, plan.protections);
    }
  }
  for (const auto& assignment : plan.assignments) {
    const auto found = assignment.vector ? devices.find(assignment.vector->device) : devices.end();
    if (found == devices.end()) {
      continue;
    }
    auto& counts = found->second;
    ++counts.vectors;
    counts.changes += assignment.change ? 1 : 0;
    counts.remote += assignment.locality == Locality::remote ? 1 : 0;
    if (assignment.rate && host.rate_source == RateSource::sampled) {
      counts.rate = counts.rate.value_or(0) + *assignment.rate;
    }
  }
  for (const auto& entry : drift.entries) {
    const auto found = entry.vector ? devices.find(entry.vector->device) : devices.end();
    if (found != devices.end()) {
      ++found->second.drifted;
    }
  }
  return devices;
}

void add_devices(Exposition& out, const std::map<PciAddress, DeviceCounts>& devices) {
  const auto add = [&](std::string_view name, std::string_view help, auto value_of) {
    out.metric(name, help);
    for (const auto& [address, counts] : devices) {
      out.sample(counts.labels, value_of(counts));
    }
  };
  add("device_vectors", "Interrupt vectors of a passed-through device.", [](const auto& counts) {
    return counts.vectors;
  });
  add("device_collisions",
      "Vectors that are delivered to a core where a vCPU runs.",
      [](const auto& counts) { return counts.tally.collisions; });
  add("device_unknown_places",
      "Vectors of which it is not known where they are delivered.",
      [](const auto& counts) { return counts.tally.unknown; });
  add("device_remote_vectors",
      "Vectors for which no place on the device's NUMA node is planned.",
      [](const auto& counts) { return counts.remote; });
  add("device_drifted_vectors",
      "Vectors that are not where they were put, or should be.",
      [](const auto& counts) { return counts.drifted; });
  add("device_pending_changes", "Vectors that a fresh plan would move.", [](const auto& counts) {
    return counts.changes;
  });
  out.metric("device_interrupt_rate_hertz", "Interrupts a second of all vectors of a device.");
  for (const auto& [address, counts] : devices) {
    if (counts.rate) {
      out.sample(counts.labels, *counts.rate);
    }
  }
}

void add_vms(Exposition& out, const Host& host) {
  std::map<std::string, std::pair<std::size_t, std::size_t>> vcpus;  // All, pinned.
  for (const auto& vm : host.vms) {
    if (is_running(vm)) {
      auto& [all, pinned] = vcpus[fmt::format(R"(vm="{}")", label_value(vm.name))];
      all += vm.vcpus.size();
      pinned += static_cast<std::size_t>(std::ranges::count_if(vm.vcpus, &Vcpu::pinned));
    }
  }
  out.metric("vm_vcpus", "vCPUs of a running VM.");
  for (const auto& [labels, counts] : vcpus) {
    out.sample(labels, counts.first);
  }
  out.metric("vm_pinned_vcpus", "vCPUs of a running VM that are pinned.");
  for (const auto& [labels, counts] : vcpus) {
    out.sample(labels, counts.second);
  }
}

void add_host(Exposition& out, const Host& host, const Plan& plan, const Drift& drift) {
  out.metric("info", "The program and the kernel it looks at.");
  out.sample(
      fmt::format(
          R"(version="{}",kernel="{}")", IRQTUNE_VERSION, label_value(host.id.kernel.value_or(""))),
      std::size_t{1});
  out.metric("cpus", "CPUs by what may be placed on them.");
  out.sample(R"(kind="online")", host.topology.online.size());
  out.sample(R"(kind="protected")", plan.protected_cpus.size());
  out.sample(R"(kind="housekeeping")", plan.housekeeping.size());
  out.metric("drifted_masks", "Affinity masks that are not as they were set, or should be.");
  out.sample({}, drift.entries.size());
  out.metric("pending_changes", "Affinity masks that a fresh plan would change.");
  out.sample({}, change_count(plan));
  out.metric("warnings", "Warnings of the last look at the host.");
  out.sample({}, plan.warnings.size());
}

void add_history(Exposition& out, const std::vector<HistoryEntry>& history) {
  std::map<std::string_view, std::size_t> states;
  for (const auto state : {JournalState::open,
                           JournalState::committed,
                           JournalState::partial,
                           JournalState::rolled_back}) {
    states[journal_state_text(state)] = 0;
  }
  std::size_t damaged = 0;
  for (const auto& entry : history) {
    if (entry.problem.empty()) {
      ++states[journal_state_text(entry.state)];
    } else {
      ++damaged;
    }
  }
  out.metric("applies", "Applies in the journal, by what became of them.");
  for (const auto& [state, count] : states) {
    out.sample(fmt::format(R"(state="{}")", state), count);
  }
  out.sample(R"(state="unreadable")", damaged);
}

void add_watch(Exposition& out, const WatchFigures& watch) {
  out.metric("watch_vectors", "Vectors that the running irqtune watch keeps, by their state.");
  const auto others = watch.vectors - std::min(watch.vectors, watch.in_place + watch.let_go);
  out.sample(R"(state="in_place")", watch.in_place);
  out.sample(R"(state="let_go")", watch.let_go);
  out.sample(R"(state="refused")", others);
  out.metric("watch_placed_masks", "Masks that the running irqtune watch has written so far.");
  out.sample({}, watch.placed);
}

}  // namespace

std::string metrics_text(const Host& host,
                         const Plan& plan,
                         const Drift& drift,
                         const MetricsRecord& record) {
  Exposition out;
  add_host(out, host, plan, drift);
  add_devices(out, count_devices(host, plan, drift));
  add_vms(out, host);
  add_history(out, record.history);
  if (record.watch) {
    add_watch(out, *record.watch);
  }
  return out.take();
}

}  // namespace irqtune
