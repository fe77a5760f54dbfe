// SPDX-License-Identifier: Apache-2.0
#include "irqtune/diagnose/diagnose.h"

#include "irqtune/diagnose/ids.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "diagnose/parts.h"
#include "diagnose/placement/handler_threads.h"

namespace irqtune {

namespace {

using diagnosis::find_cpu_placement;
using diagnosis::find_host_irqs;
using diagnosis::find_vm_placement;

using Find = void (*)(const DiagnosisInput& input, std::vector<Finding>& findings);

/// What finds it; one that makes findings of several ids stands at each.
struct Row {
  std::string_view id;
  Find find;
};

/// A family that stands in one file.
template <auto kFamily>
void all_of(const DiagnosisInput& input, std::vector<Finding>& findings) {
  std::ranges::move(kFamily(input), std::back_inserter(findings));
}

/// Of another system: see diagnose_esx().
void nothing(const DiagnosisInput& /*input*/, std::vector<Finding>& /*findings*/) {}

/// Every finding, in the order in which those of one severity are told.
constexpr auto kTable = std::to_array<Row>({
    {"irq-shared-passthrough", all_of<find_sharing>},
    {"irq-shared-guests", all_of<find_sharing>},
    {"irq-shared-host", all_of<find_sharing>},
    {"irq-intx-passthrough", all_of<find_sharing>},
    {"irq-spurious", all_of<find_sharing>},
    {"irq-one-cpu", all_of<find_sharing>},
    {"esx-irq-shared", nothing},
    {"esx-console-busy", nothing},
    {"posted-msi-clobber", all_of<find_posting>},
    {"irq-posted", all_of<find_posting>},
    {"vector-on-vcpu", diagnosis::find_collisions},
    {"vector-on-vcpu-sibling", diagnosis::find_collisions},
    {"vector-on-isolated", diagnosis::find_collisions},
    {"irq-thread-on-vcpu", diagnosis::find_handler_threads},
    {"vector-remote", diagnosis::find_remote},
    {"host-irq-on-vcpu", find_host_irqs},
    {"host-irq-on-isolated", find_host_irqs},
    {"irq-storm", diagnosis::find_storms},
    {"cpu-crowded", find_cpu_placement},
    {"cpu-irq-busy", find_cpu_placement},
    {"effective-outside-mask", find_cpu_placement},
    {"vector-budget", diagnosis::find_room},
    {"no-housekeeping-cpu", diagnosis::find_room},
    {"device-node-unknown", find_vm_placement},
    {"vm-remote-device", find_vm_placement},
    {"vm-unpinned", find_vm_placement},
    {"emulator-on-vcpu", find_vm_placement},
    {"vcpu-pool-isolated", find_vm_placement},
    {"vcpus-share-a-cpu", find_vm_placement},
    {"vcpu-pin-absent", find_vm_placement},
    {"irqbalance-moves-vectors", diagnosis::find_tuners},
    {"irqbalance-cpus", diagnosis::find_tuners},
    {"tuned-moves-vectors", diagnosis::find_tuners},
    {"crio-irq-affinity", diagnosis::find_tuners},
    {"google-agent-irq-affinity", diagnosis::find_tuners},
    {"link-irq-affinity", diagnosis::find_tuners},
    {"irq-affinity-script", diagnosis::find_tuners},
    {"default-affinity-on-vcpu", diagnosis::find_interrupt_settings},
    {"intremap-off", diagnosis::find_interrupt_settings},
    {"unsafe-interrupts", diagnosis::find_interrupt_settings},
    {"iommu-off", diagnosis::find_interrupt_settings},
    {"pci-nomsi", diagnosis::find_interrupt_settings},
    {"posting-off", diagnosis::find_interrupt_settings},
    {"threadirqs", diagnosis::find_interrupt_settings},
    {"cmdline-conflict", diagnosis::find_command_line},
    {"kernel-cmdline", diagnosis::find_command_line},
    {"cpu-governor", diagnosis::find_power},
    {"cpu-deep-idle", diagnosis::find_power},
    {"halt-polling", diagnosis::find_power},
    {"time-squeeze", diagnosis::find_power},
    {"folklore-nox2apic", diagnosis::find_folklore},
    {"folklore-max-cstate", diagnosis::find_folklore},
    {"folklore-numa-aware", diagnosis::find_folklore},
    {"folklore-netdev-budget", diagnosis::find_folklore},
    {"folklore-ethtool-hkey", diagnosis::find_folklore},
});

static_assert(std::ranges::equal(kTable, kFindingIds, {}, &Row::id),
              "irqtune/diagnose/ids.h lists the same, in this order");

/// Of a CPU that is crowded, irq-one-cpu says the same, and knows less.
void drop_repetition(std::vector<Finding>& findings) {
  CpuSet crowded;
  for (const auto& finding : findings) {
    crowded |= finding.id == "cpu-crowded" ? finding.cpus : CpuSet{};
  }
  std::erase_if(findings, [&](const Finding& finding) {
    return finding.id == "irq-one-cpu" && crowded.contains_all(finding.cpus);
  });
}

}  // namespace

std::vector<Finding> diagnose(const DiagnosisInput& input) {
  std::vector<Finding> findings;
  std::vector<Find> done;
  for (const auto& [id, find] : kTable) {
    if (std::ranges::find(done, find) == done.end()) {
      done.push_back(find);
      find(input, findings);
    }
  }
  drop_repetition(findings);
  std::ranges::stable_sort(findings, {}, [](const Finding& finding) {
    const auto* const rank = std::ranges::find(kTable, finding.id, &Row::id);
    return std::pair(-static_cast<int>(finding.severity), rank - kTable.begin());
  });
  return findings;
}

}  // namespace irqtune
