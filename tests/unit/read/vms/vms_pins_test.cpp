// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/protection.h"
#include "irqtune/read/vms/vms.h"

#include "support/catch.h"
#include "support/hosts/vm_tree.h"

#include <fmt/format.h>

#include <initializer_list>
#include <string>
#include <utility>

namespace irqtune::test {

namespace {

/// Sixteen CPUs, 0 and 1 threads of a core, 2 and 3, ...
Topology sixteen_threads() {
  auto topology = sixteen_cpus();
  topology.cpus.clear();
  for (const int number : topology.online.cpus()) {
    const int first = number - number % 2;
    Cpu cpu;
    cpu.number = number;
    cpu.online = true;
    cpu.core = first / 2;
    cpu.siblings = CpuSet{first, first + 1};
    topology.cpus.push_back(std::move(cpu));
  }
  return topology;
}

void set_init(FakeTree& tree, const std::string& allowed) {
  tree.file("/proc/1/status", fmt::format("Name:\tsystemd\nCpus_allowed_list:\t{}\n", allowed));
}

void add_vm(FakeTree& tree,
            int pid,
            std::string_view name,
            std::initializer_list<std::string_view> pins) {
  add_qemu(tree, pid, name, pins);
  add_descriptors(tree, pid, {"anon_inode:kvm-vm"});
}

void add_slices(FakeTree& tree, const std::string& cpus) {
  for (const auto* slice : {"init.scope", "system.slice", "user.slice"}) {
    tree.file(fmt::format("/sys/fs/cgroup/{}/cpuset.cpus.effective", slice), cpus + "\n");
  }
}

/// The CPUs that are protected, and those of pools, as "2-5 | 8-11".
std::string roles_text(const FakeTree& tree, std::optional<CpuSet> default_set = std::nullopt) {
  Host host;
  host.topology = sixteen_threads();
  host.vms = read_vms(tree.sysfs(), host.topology, {}, default_set).vms;
  const auto map = protections(host, {});
  return protected_cpus(map).to_list() + " | " + pool_cpus(host, {}, map).to_list();
}

}  // namespace

TEST_CASE("One VM pinned, another without a pin: the first stays protected", "[vms]") {
  FakeTree tree;
  set_init(tree, "0-15");
  add_vm(tree, 300, "pinned", {"2", "3", "4", "5"});
  add_vm(tree, 400, "floating", {"0-15", "0-15"});
  const auto read = read_vms(tree.sysfs(), sixteen_threads(), {});
  CHECK(pins_text(require_vm(read, "pinned")) == "0:2! 1:3! 2:4! 3:5!");
  CHECK(pins_text(require_vm(read, "floating")) == "0:0-15 1:0-15");
  CHECK(roles_text(tree) == "2-5 | ");
}

TEST_CASE("vCPUs bound to both threads of their core are dedicated", "[vms]") {
  FakeTree tree;
  set_init(tree, "0-15");
  add_vm(tree, 300, "each", {"2-3", "4-5"});
  add_vm(tree, 400, "both", {"6-7", "6-7"});
  add_vm(tree, 500, "floating", {"0-15"});
  const auto read = read_vms(tree.sysfs(), sixteen_threads(), {});
  CHECK(pins_text(require_vm(read, "each")) == "0:2-3! 1:4-5!");
  CHECK(pins_text(require_vm(read, "both")) == "0:6-7! 1:6-7!");
  CHECK(roles_text(tree) == "2-7 | ");
}

TEST_CASE("nova's mixed policy: dedicated and shared vCPUs of one VM", "[vms]") {
  FakeTree tree;
  set_init(tree, "0-15");
  add_vm(tree, 300, "mixed", {"2", "4", "8-15", "8-15"});
  add_vm(tree, 400, "shared", {"8-15"});
  const auto read = read_vms(tree.sysfs(), sixteen_threads(), {});
  CHECK(pins_text(require_vm(read, "mixed")) == "0:2! 1:4! 2:8-15* 3:8-15*");
  CHECK(pins_text(require_vm(read, "shared")) == "0:8-15*");
  CHECK(roles_text(tree) == "2-5 | 8-15");
}

TEST_CASE("A set is its vCPUs' own while it has no more cores than they are", "[vms]") {
  FakeTree tree;
  set_init(tree, "0-15");
  add_vm(tree, 300, "own", {"2-5", "2-5"});
  add_vm(tree, 400, "more", {"8-15", "8-15", "8-15"});
  const auto read = read_vms(tree.sysfs(), sixteen_threads(), {});
  CHECK(pins_text(require_vm(read, "own")) == "0:2-5! 1:2-5!");
  CHECK(pins_text(require_vm(read, "more")) == "0:8-15* 1:8-15* 2:8-15*");
}

TEST_CASE("A process that floats over a part of the host is a pool's", "[vms]") {
  FakeTree tree;
  set_init(tree, "0-15");
  add_qemu(tree, 300, "narrowed", {"0-1,6-7", "0-1,6-7"}, "0-1,6-7");
  add_qemu(tree, 400, "full", {"8-9", "8-9"}, "8-9");
  add_descriptors(tree, 300, {"anon_inode:kvm-vm"});
  add_descriptors(tree, 400, {"anon_inode:kvm-vm"});
  CHECK(roles_text(tree) == "8-9 | 0-1,6-7");
}

TEST_CASE("Pinned vCPUs of another VM make a pool, each vCPU by itself", "[vms]") {
  FakeTree tree;
  set_init(tree, "0-15");
  add_vm(tree, 300, "one", {"2", "4"});
  add_vm(tree, 400, "two", {"4", "6"});
  const auto read = read_vms(tree.sysfs(), sixteen_threads(), {});
  CHECK(pins_text(require_vm(read, "one")) == "0:2! 1:4*");
  CHECK(pins_text(require_vm(read, "two")) == "0:4* 1:6!");
  CHECK(roles_text(tree) == "2-3,6-7 | 4");
}

TEST_CASE("The default set is what slices leave of PID 1's CPUs", "[vms]") {
  FakeTree tree;
  set_init(tree, "0-31");
  add_vm(tree, 300, "pinned", {"2", "3"});
  add_vm(tree, 400, "session", {"0-1,6-15"});
  SECTION("which need not be pins") {
    add_slices(tree, "0-1,6-15");
    const auto usual = read_default_set(tree.sysfs(), sixteen_threads());
    CHECK(usual.cpus.to_list() == "0-1,6-15");
    CHECK(usual.sources == std::vector<std::string>{"PID 1: 0-15",
                                                    "init.scope: 0-1,6-15",
                                                    "system.slice: 0-1,6-15",
                                                    "user.slice: 0-1,6-15"});
    CHECK(roles_text(tree) == "2-3 | ");
  }
  SECTION("and PID 1's where they have nothing in common") {
    tree.file("/sys/fs/cgroup/system.slice/cpuset.cpus.effective", "0-3\n");
    tree.file("/sys/fs/cgroup/user.slice/cpuset.cpus.effective", "4-7\n");
    CHECK(read_default_set(tree.sysfs(), sixteen_threads()).cpus.to_list() == "0-15");
    CHECK(roles_text(tree) == "2-3 | 0-1,6-15");
  }
  SECTION("the option is over both") {
    add_slices(tree, "0-15");
    CHECK(roles_text(tree, CpuSet{0, 1, 6, 7}) == "2-3 | ");
  }
  SECTION("where PID 1 is a mystery, what isolation leaves") {
    tree.file("/proc/1/status", "Name:\tsystemd\nCpus_allowed_list:\tno list\n");
    auto topology = sixteen_threads();
    topology.isolated = CpuSet{2, 3, 4, 5};
    CHECK(read_default_set(tree.sysfs(), topology).cpus.to_list() == "0-1,6-15");
  }
}

}  // namespace irqtune::test
