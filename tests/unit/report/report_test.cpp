// SPDX-License-Identifier: Apache-2.0
#include "support/catch.h"
#include "support/hosts/host_json.h"
#include "support/hosts/make_host.h"

#include <nlohmann/json.hpp>

namespace irqtune::test {

namespace {

using Json = nlohmann::json;

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

Json json_of(const Host& host, Section section = Section::all) {
  return Json::parse(host_json(host, protections(host, {}), section));
}

/// CPU n and n + 4 are siblings; vCPUs on 2 and 3; one vector on 6, one on 0.
Host small_vm_host() {
  auto host = make_host({1, 4, 2, 1});
  add_device(host, "0000:21:00.0", NodeId{0});
  add_vm(host, "db1", {"2", "3"}, {"0000:21:00.0"});
  add_vector(host, "0000:21:00.0", "6", 10);
  add_vector(host, "0000:21:00.0", "0", 20);
  return host;
}

}  // namespace

TEST_CASE("host json: unknown is null, never 0 or -1", "[report]") {
  Host host;
  host.irqs.emplace_back();
  host.devices.emplace_back();
  Cpu cpu;
  host.topology.cpus.push_back(cpu);
  const auto json = json_of(host);
  for (const auto* key :
       {"rate", "affinity", "effective", "node", "settable", "vector", "posted"}) {
    INFO(key);
    CHECK(json["irqs"][0].at(key).is_null());
  }
  for (const auto* key : {"class", "vendor", "device", "node", "iommu_group", "physfn", "vm"}) {
    INFO(key);
    CHECK(json["devices"][0].at(key).is_null());
  }
  for (const auto* key : {"package", "die", "core", "node", "llc"}) {
    INFO(key);
    CHECK(json["cpus"][0].at(key).is_null());
  }
  for (const auto* key : {"hostname", "kernel", "boot_id", "cmdline"}) {
    INFO(key);
    CHECK(json["host"].at(key).is_null());
  }
}

TEST_CASE("host: an interrupt without a row has no total and no rate", "[report]") {
  auto host = small_vm_host();
  host.irqs[1].listed = false;
  host.irqs[1].counts.clear();
  host.irqs[1].rates.clear();
  const auto json = json_of(host, Section::irqs);
  CHECK(json["irqs"][0]["total"].is_number());
  CHECK(json["irqs"][0]["rate"].is_number());
  CHECK(json["irqs"][1]["total"].is_null());
  CHECK(json["irqs"][1]["rate"].is_null());
  CHECK(json["irqs"][1]["per_cpu"].empty());
  const auto number = static_cast<std::uint32_t>(host.irqs[1].number);
  CHECK_THAT(host_text(host, {}, Section::irqs, {}),
             Catch::Matches("(.|\\n)*\\n +" + std::to_string(number) + " +- +- +0 (.|\\n)*"));
}

TEST_CASE("host: of a dump of one CPU", "[report]") {
  Host host;
  host.topology.online = {0};
  CHECK_THAT(host_text(host, {}, Section::irqs, {}),
             Catch::Contains("this host, kernel unknown, 1 CPU online, no NUMA nodes known\n"));
}

TEST_CASE("host json: a section has its own list only", "[report]") {
  const auto host = small_vm_host();
  const auto irqs = json_of(host, Section::irqs);
  CHECK(irqs["schema"] == "irqtune.host/1");
  CHECK(irqs.contains("irqs"));
  CHECK(irqs.contains("host"));
  CHECK(irqs.contains("warnings"));
  CHECK_FALSE(irqs.contains("cpus"));
  CHECK_FALSE(irqs.contains("vms"));
  const auto topology = json_of(host, Section::topology);
  CHECK(topology.contains("cpus"));
  CHECK(topology.contains("nodes"));
  CHECK_FALSE(topology.contains("irqs"));
}

TEST_CASE("host json: what the contract names", "[report]") {
  const auto json = json_of(small_vm_host());
  const auto& cpu = json["cpus"][6];
  CHECK(cpu["id"] == 6);
  CHECK(cpu["siblings"] == "2,6");
  CHECK(cpu["protected_by"][0]["kind"] == "sibling");
  CHECK(cpu["protected_by"][0]["vm"] == "db1");
  CHECK(cpu["protected_by"][0]["vcpu"] == 0);
  CHECK(json["nodes"][0]["distances"]["0"] == 10);
  const auto& irq = json["irqs"][0];
  CHECK(irq["vector"]["device"] == "0000:21:00.0");
  CHECK(irq["vector"]["kind"] == "msix");
  CHECK(irq["vector"]["index"] == 0);
  CHECK(irq["affinity"] == "6");
  CHECK(irq["shared"] == false);
  const auto& vm = json["vms"][0];
  CHECK(vm["name"] == "db1");
  CHECK(vm["vcpus"][0]["cpus"] == "2");
  CHECK(vm["vcpus"][0]["pinned"] == true);
  CHECK(vm["devices"][0] == "0000:21:00.0");
}

TEST_CASE("host text: says first how many vectors sit on a vCPU's core", "[report]") {
  const auto host = small_vm_host();
  const auto text = host_text(host, protections(host, {}), Section::all, {});
  CHECK(
      text.starts_with("1 of 2 passthrough vectors on a vCPU's core; 1 passthrough device, 1 "
                       "VM\n"));
  CHECK(holds(text, "device    0000:21:00.0: 2 vectors, 1 on its own vCPU cores, 0 on other VMs'"));
  CHECK(holds(text, "VM A is db1"));
}

TEST_CASE("host text: memory-only nodes and unknown distances", "[report]") {
  auto host = make_host({1, 1, 1, 1});
  host.topology.nodes.push_back({NodeId{2}, {}, {}});
  const auto text = host_text(host, {}, Section::topology, {});
  CHECK(holds(text, "node 2: CPUs none (memory only); distances unknown\n"));
}

TEST_CASE("host text: names from guests are made harmless", "[report]") {
  auto host = small_vm_host();
  host.vms[0].name = "db\x1b[2J";
  host.id.hostname = "kvm\x1b]0;x";
  host.irqs[0].actions = {"evil\x1b"};
  host.devices[0].driver = "drv\x1b";
  for (const auto section :
       {Section::all, Section::topology, Section::devices, Section::irqs, Section::vms}) {
    CHECK_FALSE(holds(host_text(host, protections(host, {}), section, {}), "\x1b"));
  }
}

TEST_CASE("plan text: what now is, what would be, and how to do it", "[report]") {
  Plan plan;
  CHECK(plan_text(plan, {}, {}).starts_with("No passthrough vectors in scope"));
  Assignment one;
  one.irq = IrqNumber{40};
  one.vector = VectorId{address("0000:21:00.0"), VectorKind::msix, 0};
  one.device = one.vector->device;
  one.vm = "db1";
  one.from = CpuSet{6};
  one.from_effective = CpuSet{6};
  one.to = CpuSet{1};
  one.change = true;
  one.reason = "off cpu6";
  plan.assignments = {one};
  plan.before.vectors = 1;
  plan.before.collisions = 1;
  auto text = plan_text(plan, {}, {});
  CHECK(
      text.starts_with("1 of 1 vector on a vCPU's core, 0 on a remote node.\n"
                       "The plan changes 1 affinity mask; apply it with: irqtune apply\n"));
  CHECK(holds(text, "db1 0000:21:00.0\n"));
  CHECK(holds(text, "-> 1"));
  TextStyle flat;
  flat.flat = true;
  CHECK(holds(plan_text(plan, {}, flat), "\ndb1  0000:21:00.0  msix/"));
  flat.snapshot = true;
  CHECK(holds(plan_text(plan, {}, flat), "apply it on that host with: irqtune apply\n"));
  flat.options = {"--vm db1", "min-gain 20 (irqtune.toml:3)"};
  CHECK(holds(plan_text(plan, {}, flat),
              "Policy: avoid, scope passthrough; --vm db1, min-gain 20 (irqtune.toml:3).\n"));
  plan.assignments[0].change = false;
  plan.assignments[0].blocked = Blocked::managed;
  text = plan_text(plan, {}, {});
  CHECK(holds(text, "Nothing to change."));
  CHECK(holds(text, "stays"));
}

TEST_CASE("plan text: the kernel's queues are one line, and none where there are none",
          "[report]") {
  Plan plan;
  CHECK_FALSE(holds(plan_text(plan, {}, {}), "Left out"));
  plan.managed_left_out = 12;
  CHECK(holds(
      plan_text(plan, {}, {}),
      "\nLeft out: 12 managed interrupts of host devices (queues that the kernel manages).\n"));
}

TEST_CASE("plan text: a bound that tells nothing is not printed", "[report]") {
  Plan plan;
  plan.assignments.resize(1);
  plan.before.max_cpu_rate = 40;
  plan.after.max_cpu_rate = 30;
  plan.lower_bound = 20;
  CHECK(holds(plan_text(plan, {}, {}), "40/s -> 30/s (no plan below 20/s)\n"));
  plan.lower_bound = 0;
  CHECK(holds(plan_text(plan, {}, {}), "40/s -> 30/s\n"));
}

TEST_CASE("plan text: a name cannot colour the terminal", "[report]") {
  Plan plan;
  Assignment one;
  one.actions = {"evil\x1b[31m"};
  one.reason = "sibling of a vCPU of evil\x1b[31m";
  one.vm = "evil\x1b[31m";
  plan.assignments = {one};
  CHECK_FALSE(holds(plan_text(plan, {}, {}), "\x1b"));
}

TEST_CASE("plan text: a long name is whole, and its colour ends", "[report]") {
  Plan plan;
  Assignment one;
  one.vm = std::string(200, 'v');
  plan.assignments = {one};
  TextStyle style;
  style.color = true;
  CHECK(holds(plan_text(plan, {}, style), "\n\x1b[1m" + one.vm + " no PCI device\x1b[0m\n"));
}

TEST_CASE("plan json: names that are not UTF-8 are still JSON", "[report]") {
  Plan plan;
  Assignment one;
  one.actions = {"\xff\xfe"};
  one.vm = "\xc3";
  plan.assignments = {one};
  const auto json = Json::parse(plan_json(plan), nullptr, false);
  REQUIRE_FALSE(json.is_discarded());
  CHECK(json["schema"] == "irqtune.plan/1");
  for (const auto* key : {"rate", "from", "from_effective", "vector", "blocked", "distance"}) {
    INFO(key);
    CHECK(json["assignments"][0].at(key).is_null());
  }
  CHECK(json["default_affinity"].is_null());
  CHECK(json["lower_bound"]["max_cpu_rate"].is_null());
}

TEST_CASE("apply text: one headline for each end", "[report]") {
  ApplyReport report;
  CHECK(apply_text(report, {}) == "Nothing to do: every vector is where it should be.\n");
  Outcome one;
  one.write.identity.emplace().irq = IrqNumber{40};
  one.write.identity->vector = VectorId{address("0000:21:00.0"), VectorKind::msix, 3};
  one.irq = IrqNumber{40};
  one.write.before = "0-7";
  one.write.after = CpuSet{1};
  one.state = WriteState::ok;
  report.outcomes = {one};
  report.id = "ID";
  report.state = ApplyState::committed;
  auto text = apply_text(report, {});
  CHECK(text.starts_with("Applied 1 affinity mask. Undo with: irqtune rollback ID\n"));
  CHECK(holds(text, "0000:21:00.0  msix/3   40  0-7   1   ok\n"));
  report.outcomes[0].state = WriteState::refused;
  report.outcomes[0].error = "Input/output error";
  report.outcomes[0].hint = "the kernel manages it";
  report.state = ApplyState::rolled_back;
  text = apply_text(report, {});
  CHECK(text.starts_with("1 affinity mask could not be set; everything is as it was.\n"));
  CHECK(holds(text, "Input/output error; the kernel manages it"));
}

TEST_CASE("check and history: text and JSON", "[report]") {
  Plan plan;
  plan.before.vectors = 3;
  Assignment placed;
  placed.from = CpuSet{1};
  plan.assignments.resize(3, placed);
  CHECK(check_text(plan, {}, {}) == "In place: 3 vectors, 0 on a vCPU's core.\n");
  CHECK(Json::parse(check_json(plan, {}))["in_place"] == true);
  DriftEntry drift;
  drift.irq = IrqNumber{40};
  drift.expected = CpuSet{1};
  drift.reason = "changed since";
  CHECK(check_text(plan, {{drift}, {}}, {})
            .starts_with("1 mask not in place; put right with: irqtune apply\n"));
  const auto json = Json::parse(check_json(plan, {{drift}, {}}));
  CHECK(json["in_place"] == false);
  CHECK(json["drift"][0]["expected"] == "1");
  CHECK(json["drift"][0]["actual"].is_null());
  CHECK(json["moved"].empty());
  const auto moved = check_text(plan, {{}, {drift}}, {});
  CHECK(moved.starts_with("In place: 3 vectors, 0 on a vCPU's core.\n1 mask moved since"));
  CHECK(moved.ends_with(": IRQ 40\n"));
  CHECK(Json::parse(check_json(plan, {{}, {drift}}))["in_place"] == true);
  drift.by_apply = false;
  CHECK(holds(check_text(plan, {{drift}, {}}, {}), "irqtune rollback --force\n"));

  CHECK(history_text({}, {}) == "Nothing has been applied on this host.\n");
  HistoryEntry entry;
  entry.id = "ID";
  entry.writes = 5;
  entry.done = 2;
  entry.plan_digest = "0123456789abcdef";
  entry.user = "root";
  CHECK(holds(history_text({entry}, {}),
              "ID  open       2/5       0  -         0123456789abcdef  root\n"));
  CHECK(holds(history_text({entry}, {}), "interrupted; undo it with: irqtune rollback"));
  entry.this_boot = false;
  CHECK(holds(history_text({entry}, {}), "another boot: its masks are gone"));
  entry.problem = "line 3: torn";
  CHECK(holds(history_text({entry}, {}), "unreadable"));
  CHECK(Json::parse(history_json({entry}))["applies"][0]["state"].is_null());
}

}  // namespace irqtune::test
