// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include "support/catch.h"
#include "support/hosts/host_json.h"
#include "support/hosts/make_host.h"

#include <nlohmann/json.hpp>

namespace irqtune::test {

namespace {

std::string text_of(const Host& host, Section section) {
  return host_text(host, protections(host, {}), section, {});
}

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// A VM's device, DPDK's, one whose user cannot be seen, and one that is only bound.
Host mixed_host() {
  auto host = make_host({1, 4, 1, 1});
  for (const auto* device : {"0000:21:00.0", "0000:22:00.0", "0000:23:00.0", "0000:24:00.0"}) {
    add_device(host, device, NodeId{0});
  }
  add_vm(host, "db1", {"2", "3"}, {"0000:21:00.0"});
  host.vfio_users = {{600, "dpdk-testpmd", {address("0000:22:00.0")}, {}}};
  add_vector(host, "0000:21:00.0", "0");
  add_vector(host, "0000:22:00.0", "1");
  add_vector(host, "0000:22:00.0", "2");
  add_vector(host, "0000:23:00.0", "0");
  return host;
}

}  // namespace

TEST_CASE("Devices without a VM are told apart", "[report]") {
  const auto host = mixed_host();
  const auto vms = text_of(host, Section::vms);
  CHECK(holds(vms,
              "Without a VM\n"
              "  device    0000:22:00.0: 2 vectors, 1 on vCPU cores, used by dpdk-testpmd (600)\n"
              "  device    0000:23:00.0: 1 vector, 0 on vCPU cores, used by unknown process\n"
              "  device    0000:24:00.0: 0 vectors, used by nobody (only bound to vfio-pci)\n"));
  const auto devices = text_of(host, Section::devices);
  for (const auto* word : {"db1", "dpdk-testpmd (600)", "unknown process", "nobody"}) {
    INFO(word);
    CHECK(holds(devices, word));
  }
  const auto json = nlohmann::json::parse(host_json(host, {}, Section::devices));
  CHECK(json["devices"][0]["users"].empty());
  CHECK(json["devices"][1]["users"][0]["pid"] == 600);
  CHECK(json["devices"][1]["users"][0]["comm"] == "dpdk-testpmd");
  CHECK(json["devices"][1]["vm"].is_null());
  CHECK(json["devices"][3]["users"].empty());
}

TEST_CASE("A host whose devices all have VMs has no such list", "[report]") {
  auto host = make_host({1, 4, 1, 1});
  add_device(host, "0000:21:00.0", NodeId{0});
  add_vm(host, "db1", {"2", "3"}, {"0000:21:00.0"});
  CHECK_FALSE(holds(text_of(host, Section::vms), "Without a VM"));
}

TEST_CASE("Many vCPUs take several lines", "[report]") {
  auto host = make_host({1, 128, 1, 1});
  std::vector<std::string> pins;
  pins.reserve(64);
  for (int cpu = 0; cpu < 64; ++cpu) {
    pins.push_back(std::to_string(cpu + 64));
  }
  add_vm(host, "big", pins, {});
  const auto text = text_of(host, Section::vms);
  CHECK(holds(text, "  vCPUs     64: 0>64 1>65 2>66 "));
  CHECK(holds(text, " 63>127 dedicated\n"));
  auto rest = std::string_view(text);
  while (!rest.empty()) {
    CHECK(take_until(rest, '\n').size() <= 100);
  }
}

TEST_CASE("Pins that differ are named one by one", "[report]") {
  auto host = make_host({1, 8, 1, 1});
  add_vm(host, "a", {"0", "1-2", ""}, {});
  add_vm(host, "b", {"2-3", "2-3"}, {});
  host.vms[0].vcpus[1].dedicated = false;
  host.vms[0].vcpus[2].cpus.reset();
  for (auto& vcpu : host.vms[1].vcpus) {
    vcpu.dedicated = false;
  }
  const auto text = text_of(host, Section::vms);
  CHECK(holds(text, "  vCPUs     3: 0>0 dedicated 1>1-2 pool 2>- unknown\n"));
  CHECK(holds(text, "  vCPUs     2 on 2-3 pool\n"));
}

TEST_CASE("A stopped VM without pins is not one of unknown pins", "[report]") {
  auto host = make_host({1, 4, 1, 1});
  auto& vm = add_vm(host, "off", {"", ""}, {});
  vm.state = VmState::defined;
  for (auto& vcpu : vm.vcpus) {
    vcpu.cpus.reset();
  }
  CHECK(holds(text_of(host, Section::vms), "  vCPUs     2, no pins written\n"));
  host.vms[0].vcpus[0].cpus = CpuSet{1};
  host.vms[0].vcpus[0].pinned = host.vms[0].vcpus[0].dedicated = true;
  CHECK(holds(text_of(host, Section::vms), "2: 0>1 dedicated 1>- no pin written\n"));
  host.vms[0].state = VmState::running;
  CHECK(holds(text_of(host, Section::vms), "2: 0>1 dedicated 1>- unknown\n"));
}

TEST_CASE("VMs of one name are told apart", "[report]") {
  auto host = make_host({1, 8, 1, 1});
  add_device(host, "0000:21:00.0", NodeId{0});
  add_vm(host, "web", {"2"}, {}).pid = 300;
  add_vm(host, "web", {"3"}, {"0000:21:00.0"}).pid = 400;
  add_vector(host, "0000:21:00.0", "2");
  CHECK(holds(text_of(host, Section::vms),
              "0000:21:00.0: 1 vector, 0 on its own vCPU cores, 1 on other VMs'"));
  const auto map = text_of(host, Section::topology);
  CHECK(holds(map, "2 A0 1"));
  CHECK(holds(map, "3 B0"));
  CHECK(holds(map, "VM A is web (pid 300)   VM B is web (pid 400)"));
}

TEST_CASE("A VM's line tells its state", "[report]") {
  auto host = mixed_host();
  host.vms[0].pid = 300;
  CHECK(holds(text_of(host, Section::vms), "db1  running, pid 300"));
  host.vms[0].pid.reset();
  host.vms[0].state = VmState::defined;
  CHECK(holds(text_of(host, Section::vms), "db1  defined, not running"));
}

}  // namespace irqtune::test
