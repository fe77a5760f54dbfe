// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/protection.h"

#include "support/catch.h"
#include "support/hosts/make_host.h"

namespace irqtune::test {

namespace {

/// Every reason of one CPU, a line each.
std::string reasons(const ProtectionMap& map, int cpu) {
  std::string out;
  const auto found = map.find(cpu);
  if (found != map.end()) {
    for (const auto& reason : found->second) {
      out += protection_text(cpu, reason) + '\n';
    }
  }
  return out;
}

}  // namespace

TEST_CASE("protection: pinned vCPUs and their siblings", "[core][protection]") {
  auto host = make_host({1, 4, 2, 1});  // CPU n and n + 4 are siblings.
  add_vm(host, "db1", {"2", "3"}, {});
  const auto map = protections(host, {});
  CHECK(protected_cpus(map) == CpuSet{2, 3, 6, 7});
  const auto source = host.vms[0].vcpus[0].source;
  CHECK(reasons(map, 2) == "cpu2: vCPU 0 of db1 (" + source + ")\n");
  CHECK(reasons(map, 7) == "cpu7: sibling of cpu3, vCPU 1 of db1 (" + source + ")\n");
  CHECK(reasons(map, 0).empty());
  CHECK(protected_by_vcpu(map, 6));
  CHECK_FALSE(protected_by_vcpu(map, 0));

  ProtectionRules rules;
  rules.siblings = false;
  CHECK(protected_cpus(protections(host, rules)) == CpuSet{2, 3});
}

TEST_CASE("protection: a vCPU that has both threads of a core needs no sibling",
          "[core][protection]") {
  auto host = make_host({1, 4, 2, 1});
  add_vm(host, "db1", {"2,6"}, {});
  const auto map = protections(host, {});
  CHECK(map.at(6).size() == 1);
  CHECK(map.at(6)[0].kind == ProtectionKind::vcpu);
}

TEST_CASE("protection: the vCPUs of a pool share a line", "[core][protection]") {
  auto host = make_host({1, 4, 2, 1});
  add_vm(host, "pool", {"2-3", "2-3", "2-3"}, {});
  add_vm(host, "one", {"6"}, {});
  host.topology.isolated = CpuSet{2};
  const auto source = host.vms[0].vcpus[0].source;
  const auto map = protections(host, {});
  CHECK(protection_texts(2, map.at(2)) ==
        std::vector<std::string>{"cpu2: vCPUs 0-2 of pool (" + source + ")",
                                 "cpu2: sibling of cpu6, vCPU 0 of one (" + source + ")",
                                 "cpu2: isolated (/sys/devices/system/cpu/isolated)"});
  CHECK(protection_texts(7, map.at(7)) ==
        std::vector<std::string>{"cpu7: sibling of cpu3, vCPUs 0-2 of pool (" + source + ")"});
}

TEST_CASE("protection: only of CPUs that the host has", "[core][protection]") {
  auto host = make_host({1, 4, 1, 1});
  host.topology.online.erase(3);
  add_vm(host, "moved", {"2-5"}, {});
  CHECK(protected_cpus(protections(host, {})) == CpuSet{2, 3});
}

TEST_CASE("protection: vCPUs that float protect nothing", "[core][protection]") {
  auto host = make_host({1, 4, 1, 1});
  add_vm(host, "web", {"", ""}, {});
  CHECK(protections(host, {}).empty());
}

TEST_CASE("protection: defined VMs protect if asked", "[core][protection]") {
  auto host = make_host({1, 4, 1, 1});
  add_vm(host, "off", {"1"}, {}).state = VmState::defined;
  CHECK(protections(host, {}).empty());
  ProtectionRules rules;
  rules.include_defined = true;
  CHECK(protected_cpus(protections(host, rules)) == CpuSet{1});
}

TEST_CASE("protection: isolation and the user protect, and are no collision",
          "[core][protection]") {
  auto host = make_host({1, 8, 1, 1});
  host.topology.isolated = CpuSet{1};
  host.topology.nohz_full = CpuSet{2};
  host.topology.partitions = {{"/sys/fs/cgroup/vms: isolated", CpuSet{3}}};
  ProtectionRules rules;
  rules.avoid = CpuSet{4};
  const auto map = protections(host, rules);
  CHECK(reasons(map, 1) == "cpu1: isolated (/sys/devices/system/cpu/isolated)\n");
  CHECK(reasons(map, 2) == "cpu2: nohz_full (/sys/devices/system/cpu/nohz_full)\n");
  CHECK(reasons(map, 3) == "cpu3: cpuset (/sys/fs/cgroup/vms: isolated)\n");
  CHECK(reasons(map, 4) == "cpu4: to be avoided (--avoid)\n");
  for (int cpu = 0; cpu < 8; ++cpu) {
    CHECK_FALSE(protected_by_vcpu(map, cpu));
  }
}

TEST_CASE("protection: every reason is kept, in one order", "[core][protection]") {
  auto host = make_host({1, 4, 2, 1});
  host.topology.isolated = CpuSet{2};
  add_vm(host, "b", {"2"}, {});
  add_vm(host, "a", {"6"}, {});
  std::string kinds;
  const auto map = protections(host, {});
  for (const auto& reason : map.at(2)) {
    kinds += std::string(protection_text(reason.kind)) + ' ' + reason.vm + ';';
  }
  CHECK(kinds == "vcpu b;sibling a;isolated ;");
}

}  // namespace irqtune::test
