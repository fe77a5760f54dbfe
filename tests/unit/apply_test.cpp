// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/apply.h"

#include "support/catch.h"
#include "support/fake_tree.h"

namespace irqtune {
TEST_CASE("apply: smoke", "[apply]") {
  test::FakeTree tree{{"/proc/irq/30/smp_affinity_list", "0-3\n"},
   {"/proc/irq/31/smp_affinity_list", "0-3\n"},
   {"/proc/irq/default_smp_affinity", "f\n"},
   {"/sys/kernel/irq/30/actions", "vfio-msix[0](0000:3b:00.0)\n"},
   {"/sys/kernel/irq/31/actions", "vfio-msix[1](0000:3b:00.0)\n"},
   {"/sys/bus/pci/devices/0000:3b:00.0/msi_irqs/30", "msix\n"},
   {"/sys/bus/pci/devices/0000:3b:00.0/msi_irqs/31", "msix\n"}};
  Session s{tree.root() / "var/lib/irqtune", tree.root().string(), {}, "alice", "0123456789abcdef"};
  std::vector<Write> writes;
  for (unsigned i = 0; i < 2; ++i) {
    Write w; w.identity = Identity{IrqNumber{30+i}, VectorId{*PciAddress::parse("0000:3b:00.0"), VectorKind::msix, static_cast<std::uint16_t>(i)}, {}, {}, false};
    w.before = "0-3"; w.after = CpuSet{static_cast<int>(i)}; writes.push_back(w);
  }
  writes.push_back({std::nullopt, "f", CpuSet{0, 1}});
  const auto sysfs = tree.sysfs();
  auto r = [&]{ Lock lock(s.state_dir, std::chrono::milliseconds{0}, tree.root()); return apply(writes, sysfs, s, {}); }();
  CHECK(r.state == ApplyState::committed);
  CHECK(tree.text("/proc/irq/30/smp_affinity_list") == "0\n");
  CHECK(tree.text("/proc/irq/default_smp_affinity") == "3\n");
  for (auto& o : r.outcomes) { INFO(o.error); CHECK(o.state == WriteState::ok); }
  CHECK(apply(writes, sysfs, s, {}).state == ApplyState::nothing_to_do);
  CHECK(committed_writes(s).size() == 3);
  auto h = history(s);
  REQUIRE(h.size() == 1); CHECK(h[0].problem == ""); CHECK(h[0].done == 3);
  WARN(tree.text("/var/lib/irqtune/journal/" + h[0].id + ".jsonl"));
  auto b = roll_back({}, sysfs, s, {});
  REQUIRE(b.size() == 1); CHECK(b[0].state == ApplyState::rolled_back);
  CHECK(tree.text("/proc/irq/30/smp_affinity_list") == "0-3\n");
  CHECK(tree.text("/proc/irq/default_smp_affinity") == "f\n");
  CHECK(roll_back({}, sysfs, s, {}).empty());
  WARN(tree.text("/var/lib/irqtune/journal/" + h[0].id + ".jsonl"));
}
}
