// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/host.h"
#include "irqtune/read/read.h"

#include "support/catch.h"
#include "support/hosts/captured_host.h"

#include <nlohmann/json.hpp>

#include <map>
#include <set>

namespace irqtune::test {

namespace {

using Json = nlohmann::json;

Host read(const std::string& name, Detail detail = Detail::devices) {
  ReadOptions options;
  options.detail = detail;
  return read_host(Sysfs(capture_file(name)), options);
}

std::size_t vectors_of(const Host& host, const std::string& device) {
  return static_cast<std::size_t>(std::ranges::count_if(host.irqs, [&](const Irq& irq) {
    return irq.vector && irq.vector->device == PciAddress::parse(device);
  }));
}

std::string passthrough(const Host& host) {
  std::string out;
  for (const auto& device : host.devices) {
    if (device.passthrough) {
      out += out.empty() ? "" : " ";
      out += device.address.to_string();
    }
  }
  return out;
}

/// The lab's hosts have node 0's devices below bus 20 and node 1's below bus 40.
std::optional<std::string> cpus_near(const std::string& device) {
  const auto bus = PciAddress::parse(device).value().bus;
  return bus >= 0x40   ? std::optional<std::string>("8-15")
         : bus >= 0x20 ? std::optional<std::string>("0-7")
                       : std::nullopt;
}

Json plan_of(const CapturedHost& host) {
  const auto ran = run({"--root", host.root().string(), "plan", "--json"});
  REQUIRE(ran.code == 0);
  return Json::parse(ran.out);
}

CpuSet set(const Json& list) {
  return CpuSet::parse_list(list.get<std::string>()).value();
}

}  // namespace

TEST_CASE("captured hosts: CPUs and nodes of all", "[hosts]") {
  const auto name = GENERATE(from_range(captures()));
  INFO(name);
  const auto host = read(name);
  const auto& topology = host.topology;
  CHECK(topology.online.to_list() == "0-15");
  REQUIRE(topology.cpus.size() == 16);
  REQUIRE(topology.nodes.size() == 2);
  CHECK(topology.nodes[0].cpus.to_list() == "0-7");
  CHECK(topology.nodes[1].cpus.to_list() == "8-15");
  CHECK(topology.nodes[0].distances == std::vector<int>{10, 21});
  CHECK(topology.nodes[1].distances == std::vector<int>{21, 10});
  for (const auto& cpu : topology.cpus) {
    INFO("CPU " << cpu.number);
    CHECK(cpu.package == cpu.number / 8);
    CHECK(cpu.core == cpu.number / 2);
    CHECK(cpu.llc == cpu.number / 8);
    CHECK(cpu.node == NodeId{static_cast<std::uint32_t>(cpu.number / 8)});
    CHECK(cpu.siblings == CpuSet{cpu.number / 2 * 2, cpu.number / 2 * 2 + 1});
  }
  CHECK(topology.isolated.empty());
  CHECK(topology.nohz_full.empty());
  CHECK(topology.partitions.empty());
  CHECK(host.default_affinity == topology.online);
  CHECK(host.rate_source == RateSource::sampled);
  CHECK(host.sample_seconds.value() > 4);
  CHECK(host.warnings.empty());
}

TEST_CASE("captured hosts: devices and where they are", "[hosts]") {
  const auto name = GENERATE(from_range(captures()));
  INFO(name);
  const auto host = read(name);
  for (const auto& device : host.devices) {
    const auto near = cpus_near(device.address.to_string());
    INFO(device.address.to_string());
    REQUIRE(device.class_code);
    if (near && device.node) {
      CHECK(*device.node == NodeId{*near == "0-7" ? 0U : 1U});
    }
    if (!near) {
      CHECK_FALSE(device.node);
      CHECK(device.node_source == NodeSource::unknown);
    }
    CHECK((!device.passthrough || device.iommu_group));
  }
}

TEST_CASE("captured hosts: passed-through devices and their vectors", "[hosts]") {
  CHECK(passthrough(read("baseline")).empty());
  for (const auto* name : {"two-vms", "two-vms-6.12"}) {
    INFO(name);
    const auto host = read(name);
    CHECK(passthrough(host) == "0000:00:04.0 0000:22:00.0 0000:24:00.0 0000:42:00.0 0000:44:00.0");
    CHECK(vectors_of(host, "0000:00:04.0") == 1);
    CHECK(vectors_of(host, "0000:22:00.0") == 9);
    CHECK(vectors_of(host, "0000:24:00.0") == 5);
    CHECK(vectors_of(host, "0000:42:00.0") == 9);
    CHECK(vectors_of(host, "0000:44:00.0") == 5);
    const auto* intx = find_irq(host, IrqNumber{20});
    REQUIRE(intx != nullptr);
    CHECK(intx->vector->to_string() == "0000:00:04.0/intx/0");
  }
  const auto sriov = read("igb-sriov");
  CHECK(passthrough(sriov) == "0000:27:10.0 0000:27:10.2 0000:47:10.0");
  CHECK(find_device(sriov, *PciAddress::parse("0000:27:10.2"))->physfn ==
        PciAddress::parse("0000:27:00.0"));
  CHECK(vectors_of(sriov, "0000:27:10.0") == 3);
  for (const auto* name : {"l2-kvm", "libvirt-kvm"}) {
    INFO(name);
    const auto host = read(name);
    CHECK(passthrough(host) == "0000:22:00.0 0000:24:00.0");
    CHECK(vectors_of(host, "0000:22:00.0") == 3);
    CHECK(vectors_of(host, "0000:24:00.0") == 3);
  }
}

TEST_CASE("captured hosts: every MSI vector is identified as its own row says", "[hosts]") {
  const auto name = GENERATE(from_range(captures_with_vms()));
  INFO(name);
  const auto host = read(name, Detail::passthrough);
  std::set<VectorId> seen;
  for (const auto& irq : host.irqs) {
    const bool vfio = !irq.actions.empty() && irq.actions[0].starts_with("vfio-");
    INFO("IRQ " << static_cast<std::uint32_t>(irq.number));
    CHECK(irq.vector.has_value() == vfio);
    if (irq.vector) {
      CHECK(vfio_action_text(*irq.vector) == irq.actions[0]);
      CHECK(seen.insert(*irq.vector).second);
      CHECK(irq.affinity);
      REQUIRE(irq.effective);
      CHECK(irq.effective->size() == 1);
      CHECK(find_owner(host, irq.vector->device) != nullptr);
    }
  }
  CHECK_FALSE(seen.empty());
}

TEST_CASE("captured hosts: moved at all, to the device's node, off every vCPU's core",
          "[hosts][apply]") {
  const auto name = GENERATE(from_range(captures_with_vms()));
  INFO(name);
  CapturedHost host(name);
  const auto root = host.root().string();
  const auto before = host.contents();
  const auto plan = plan_of(host);
  const auto off = set(plan["protected"]);
  for (const auto& one : plan["assignments"]) {
    INFO(one.dump());
    CHECK_FALSE(set(one["to"]).intersects(off));
    const auto near = cpus_near(one["vector"]["device"]);
    CHECK((!near || CpuSet::parse_list(*near)->contains_all(set(one["to"]))));
  }
  CHECK(plan["score"]["after"]["collisions"] == 0);
  CHECK(plan["score"]["after"]["remote"] == 0);
  // Vectors that are merely elsewhere on housekeeping CPUs of their node drift with --strict only.
  CHECK(run({"--root", root, "check", "--strict"}).code == 3);

  const auto applied = run({"--root", root, "apply"});
  INFO(applied.err);
  CHECK(applied.code == 0);
  for (const auto& one : plan["assignments"]) {
    const auto file = "/proc/irq/" + one["irq"].dump() + "/smp_affinity_list";
    CHECK(host.text(file) == one["to"].get<std::string>() + '\n');
  }
  CHECK(run({"--root", root, "check"}).code == 0);
  const auto after = host.contents();
  const auto again = run({"--root", root, "apply"});
  CHECK(again.code == 0);
  CHECK(again.out.starts_with("Nothing to do"));
  CHECK(host.contents() == after);

  const auto back = run({"--root", root, "rollback"});
  CHECK(back.code == 0);
  CHECK(back.err.empty());
  CHECK(host.contents() == before);
}

TEST_CASE("captured hosts: the CPUs that two-vms protects", "[hosts]") {
  const auto name = GENERATE(std::string("two-vms"), std::string("two-vms-6.12"));
  const CapturedHost host(name);
  const auto plan = plan_of(host);
  CHECK(plan["protected"] == "2-5,10-11");
  CHECK(plan["score"]["before"]["vectors"] == 29);
  CHECK(plan["score"]["before"]["collisions"] == 12);
}

TEST_CASE("captured hosts: a mask changed by hand is found, put right, or left in a rollback",
          "[hosts][apply]") {
  const auto name = GENERATE(from_range(captures_with_vms()));
  INFO(name);
  CapturedHost host(name);
  const auto root = host.root().string();
  const auto before = host.contents();
  const auto plan = plan_of(host);
  REQUIRE(run({"--root", root, "apply"}).code == 0);

  const auto& changes = plan["assignments"];
  const auto found = std::ranges::find_if(changes, [](const Json& one) { return one["change"]; });
  REQUIRE(found != changes.end());
  const auto irq = (*found)["irq"].dump();
  const auto file = "/proc/irq/" + irq + "/smp_affinity_list";
  const std::string hand = (*found)["to"] == "2" ? "3" : "2";
  host.file(file, hand + '\n');
  const auto check = run({"--root", root, "check", "--strict", "--json"});
  CHECK(check.code == 3);
  const auto drift = Json::parse(check.out)["drift"];
  REQUIRE(drift.size() == 1);
  CHECK(drift[0]["irq"].dump() == irq);
  CHECK(drift[0]["actual"] == hand);
  CHECK(drift[0]["expected"] == (*found)["to"]);

  CHECK(run({"--root", root, "rollback"}).code == 4);
  CHECK(host.text(file) == hand + '\n');
  CHECK(run({"--root", root, "rollback", "--force"}).code == 0);
  CHECK(host.contents() == before);
}

TEST_CASE("captured hosts: the masks of a kernel since 6.12 say who can be moved", "[hosts]") {
  const auto recent = read("two-vms-6.12");
  const auto old = read("two-vms");
  for (const auto& irq : recent.irqs) {
    CHECK((!irq.affinity || irq.settable));
  }
  for (const auto& irq : old.irqs) {
    CHECK_FALSE(irq.settable == true);
  }
}

TEST_CASE("what does not fit is said before anything is written", "[plan][apply]") {
  const CapturedHost host("two-vms");
  const auto no_directory = (host.root() / "proc/version").string();  // No journal, so no write.
  const auto ran = run({"--root",
                        host.root().string(),
                        "--state-dir",
                        no_directory,
                        "apply",
                        "--housekeeping",
                        "0",
                        "--max-vectors-per-cpu",
                        "12"});
  CHECK(ran.code != 0);
  const auto warning = ran.err.find("do not fit");
  REQUIRE(warning != std::string::npos);
  CHECK(warning < ran.err.rfind("irqtune: "));
}

}  // namespace irqtune::test
