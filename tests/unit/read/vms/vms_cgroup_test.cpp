// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/vms/vms.h"

#include "read/vms/sources.h"
#include "support/catch.h"
#include "support/hosts/vm_tree.h"

#include <fmt/format.h>

namespace irqtune::test {

namespace {

std::vector<IsolatedSet> partitions_of(const FakeTree& tree) {
  std::vector<std::string> warnings;
  auto found = read_partitions(tree.sysfs(), warnings);
  CHECK(warnings.empty());
  return found;
}

}  // namespace

TEST_CASE("Isolated cpuset partitions are found, and only those", "[vms]") {
  FakeTree tree{{"/sys/fs/cgroup/cgroup.controllers", "cpuset cpu\n"},
                {"/sys/fs/cgroup/cpuset.cpus.effective", "0-3\n"},
                {"/sys/fs/cgroup/vms/cpuset.cpus.partition", "isolated\n"},
                {"/sys/fs/cgroup/vms/cpuset.cpus.effective", "4-5\n"},
                {"/sys/fs/cgroup/a.slice/cpuset.cpus.partition", "root\n"},
                {"/sys/fs/cgroup/a.slice/cpuset.cpus.effective", "6-7\n"},
                {"/sys/fs/cgroup/a.slice/in/cpuset.cpus.partition", "isolated\n"},
                {"/sys/fs/cgroup/a.slice/in/cpuset.cpus.effective", "8\n"},
                {"/sys/fs/cgroup/b/cpuset.cpus.partition", "isolated invalid (Cpu list empty)\n"},
                {"/sys/fs/cgroup/b/cpuset.cpus.effective", "0-3\n"},
                {"/sys/fs/cgroup/c/d/cpuset.cpus.partition", "isolated\n"}};
  const auto found = partitions_of(tree);
  REQUIRE(found.size() == 2);
  CHECK(found[0].source == "/sys/fs/cgroup/a.slice/in: cpuset.cpus.partition isolated");
  CHECK(found[0].cpus == CpuSet{8});
  CHECK(found[1].source == "/sys/fs/cgroup/vms: cpuset.cpus.partition isolated");
  CHECK(found[1].cpus == CpuSet{4, 5});
}

TEST_CASE("The root cgroup's list of isolated CPUs", "[vms]") {
  FakeTree tree{{"/sys/fs/cgroup/vms/cpuset.cpus.partition", "isolated\n"},
                {"/sys/fs/cgroup/vms/cpuset.cpus.effective", "4-5\n"},
                {"/sys/devices/system/cpu/isolated", "9\n"}};
  SECTION("spares the search if it is empty") {
    tree.file("/sys/fs/cgroup/cpuset.cpus.isolated", "\n");
    CHECK(partitions_of(tree).empty());
  }
  SECTION("adds what the search did not find, less what the boot isolated") {
    tree.file("/sys/fs/cgroup/cpuset.cpus.isolated", "4-6,9\n");
    const auto found = partitions_of(tree);
    REQUIRE(found.size() == 2);
    CHECK(found[1].source == "/sys/fs/cgroup: cpuset.cpus.isolated");
    CHECK(found[1].cpus == CpuSet{6});
  }
}

TEST_CASE("cgroup v1: CPUs that no cpuset balances are isolated", "[vms]") {
  FakeTree tree{{"/sys/fs/cgroup/cpuset/cpuset.sched_load_balance", "0\n"},
                {"/sys/fs/cgroup/cpuset/cpuset.effective_cpus", "0-7\n"},
                {"/sys/fs/cgroup/cpuset/system/cpuset.sched_load_balance", "1\n"},
                {"/sys/fs/cgroup/cpuset/system/cpuset.effective_cpus", "0-3\n"},
                {"/sys/fs/cgroup/cpuset/rt/cpuset.sched_load_balance", "0\n"},
                {"/sys/fs/cgroup/cpuset/rt/cpuset.cpu_exclusive", "1\n"},
                {"/sys/fs/cgroup/cpuset/rt/cpuset.effective_cpus", "3-7\n"},
                {"/sys/fs/cgroup/cpuset/rt/soft/cpuset.sched_load_balance", "1\n"},
                {"/sys/fs/cgroup/cpuset/rt/soft/cpuset.cpus", "7\n"},
                {"/sys/fs/cgroup/cpuset/none/cpuset.sched_load_balance", "0\n"},
                {"/sys/fs/cgroup/cpuset/none/cpuset.effective_cpus", "\n"}};
  SECTION("once the root's balancing is off") {
    const auto found = partitions_of(tree);
    REQUIRE(found.size() == 1);
    CHECK(found[0].source == "/sys/fs/cgroup/cpuset/rt: cpuset.sched_load_balance 0");
    CHECK(found[0].cpus == CpuSet{4, 5, 6});
  }
  SECTION("while the root balances, none is, however exclusive") {
    tree.file("/sys/fs/cgroup/cpuset/cpuset.sched_load_balance", "1\n");
    CHECK(partitions_of(tree).empty());
  }
}

TEST_CASE("A host of too many cgroups is told about", "[vms]") {
  const auto v1 = GENERATE(false, true);
  FakeTree tree;
  const std::string root = v1 ? "/sys/fs/cgroup/cpuset" : "/sys/fs/cgroup";
  const std::string file = v1 ? "/cpuset.sched_load_balance" : "/cpuset.cpus.partition";
  tree.file("/sys/fs/cgroup/cpuset/cpuset.sched_load_balance", "0\n");
  const auto add = [&](std::size_t group) {
    tree.file(fmt::format("{}/g{}{}", root, group, file), v1 ? "1\n" : "member\n");
  };
  for (std::size_t group = 0; group < kMaxGroups; ++group) {
    add(group);
  }
  std::vector<std::string> warnings;
  CHECK(read_partitions(tree.sysfs(), warnings).empty());
  CHECK(warnings.empty());
  add(kMaxGroups);
  CHECK(read_partitions(tree.sysfs(), warnings).empty());
  CHECK(warnings == std::vector{too_many_groups(root)});
}

TEST_CASE("A tree of cgroups without end is walked to its end", "[vms]") {
  FakeTree tree;
  std::string path = "/sys/fs/cgroup";
  for (int depth = 0; depth < 40; ++depth) {
    path += "/g";
    tree.file(path + "/cpuset.cpus.partition", "member\n");
  }
  tree.link("/sys/fs/cgroup/g/loop", "../../cgroup");
  CHECK(partitions_of(tree).empty());
}

TEST_CASE("A vCPU's own cpuset stands behind its thread", "[vms]") {
  FakeTree tree;
  add_qemu(tree, 300, "vm1", {"2", "3"});
  add_descriptors(tree, 300, {"anon_inode:kvm-vm"});
  const std::string scope = R"(/machine.slice/machine-qemu\x2d1-vm1.scope/libvirt)";
  SECTION("cgroup v2") {
    for (const auto* vcpu : {"0", "1"}) {
      tree.file(std::string("/proc/300/task/30") + (*vcpu == '0' ? "2" : "3") + "/cgroup",
                "0::" + scope + "/vcpu" + vcpu + "\n");
      tree.file("/sys/fs/cgroup" + scope + "/vcpu" + vcpu + "/cpuset.cpus.effective",
                *vcpu == '0' ? "2\n" : "3\n");
    }
  }
  SECTION("cgroup v1, of the group above") {
    tree.file("/proc/300/task/302/cgroup", "7:memory:/x\n5:cpuset:" + scope + "/vcpu0\n0::/y\n");
    tree.file("/sys/fs/cgroup/cpuset" + scope + "/cpuset.effective_cpus", "2-3\n");
  }
  const auto read = read_vms(tree.sysfs(), sixteen_cpus(), {});
  CHECK(pins_text(require_vm(read, "vm1")) == "0:2! 1:3!");
  CHECK(require_vm(read, "vm1").sources == std::vector<std::string>{"cgroup", "process"});
  CHECK(read.warnings.empty());
}

TEST_CASE("A cpuset tells where a thread is whose status does not", "[vms]") {
  FakeTree tree;
  add_qemu(tree, 300, "vm1", {"not a list"});
  add_descriptors(tree, 300, {"anon_inode:kvm-vm"});
  tree.file("/proc/300/task/302/cgroup", "0::/vms\n");
  tree.file("/sys/fs/cgroup/vms/cpuset.cpus.effective", "4-5\n");
  const auto read = read_vms(tree.sysfs(), sixteen_cpus(), {});
  CHECK(pins_text(require_vm(read, "vm1")) == "0:4-5*");
  CHECK(require_vm(read, "vm1").vcpus[0].source == "cgroup");
}

TEST_CASE("A thread outside its cpuset is a difference", "[vms]") {
  FakeTree tree;
  add_qemu(tree, 300, "vm1", {"2"});
  add_descriptors(tree, 300, {"anon_inode:kvm-vm"});
  tree.file("/proc/300/task/302/cgroup", "0::/vms\n");
  tree.file("/sys/fs/cgroup/vms/cpuset.cpus.effective", "4-5\n");
  CHECK(warns(read_vms(tree.sysfs(), sixteen_cpus(), {}),
              "vm1: its cgroup gives vCPU 0 4-5, the thread may run on 2"));
}

TEST_CASE("vCPUs at odds with their cgroup share a line", "[vms]") {
  FakeTree tree;
  add_qemu(tree, 300, "vm1", {"2-3", "2-3", "2-3", "5"});
  add_descriptors(tree, 300, {"anon_inode:kvm-vm"});
  tree.file("/sys/fs/cgroup/vm/cpuset.cpus.effective", "6-7\n");
  for (const auto* tid : {"302", "303", "304", "305"}) {
    tree.file(std::string("/proc/300/task/") + tid + "/cgroup", "0::/vm\n");
  }
  const auto read = read_vms(tree.sysfs(), sixteen_cpus(), {});
  CHECK(read.warnings ==
        std::vector<std::string>{"vm1: its cgroup gives vCPUs 0-2 6-7, the threads may run on 2-3",
                                 "vm1: its cgroup gives vCPU 3 6-7, the thread may run on 5"});
}

TEST_CASE("What partitions that balance leave to everybody is no pin either", "[vms]") {
  FakeTree tree{{"/sys/fs/cgroup/cpuset.cpus.effective", "0-3,8-15\n"},
                {"/sys/fs/cgroup/db/cpuset.cpus.partition", "root\n"},
                {"/sys/fs/cgroup/db/cpuset.cpus.effective", "4-7\n"}};
  add_qemu(tree, 300, "free", {"0-3,8-15"});
  add_qemu(tree, 400, "db", {"4-7"});
  add_qemu(tree, 500, "late", {"0-3,8-13"});
  for (const int pid : {300, 400, 500}) {
    add_descriptors(tree, pid, {"anon_inode:kvm-vm"});
  }
  auto topology = sixteen_cpus();
  SECTION("alone") {
    const auto read = read_vms(tree.sysfs(), topology, {});
    CHECK(pins_text(require_vm(read, "free")) == "0:0-3,8-15");
    CHECK(pins_text(require_vm(read, "db")) == "0:4-7*");
    CHECK(pins_text(require_vm(read, "late")) == "0:0-3,8-13*");
  }
  SECTION("and with boot isolation") {
    topology.isolated = CpuSet{14, 15};
    const auto read = read_vms(tree.sysfs(), topology, {});
    CHECK(pins_text(require_vm(read, "late")) == "0:0-3,8-13");
  }
}

}  // namespace irqtune::test
