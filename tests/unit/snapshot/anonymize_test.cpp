// SPDX-License-Identifier: Apache-2.0
#include "snapshot/anonymize.h"

#include "irqtune/read/vms/vms.h"
#include "irqtune/snapshot/snapshot.h"

#include "support/catch.h"
#include "support/hosts/captured_host.h"
#include "support/hosts/vm_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace irqtune::test {

namespace {

TreeItems anonymous(const FakeTree& tree) {
  SnapshotOptions options;
  options.anonymize = true;
  std::vector<std::string> warnings;
  return collect_snapshot(tree.sysfs(), options, warnings);
}

/// The anonymous copy as a tree of its own.
void copy(const TreeItems& items, FakeTree& to) {
  for (const auto& [path, item] : items) {
    if (item.kind == TreeImage::Kind::symlink) {
      to.link(path, item.text);
    } else if (item.kind == TreeImage::Kind::file) {
      to.file(path, item.text);
    }
  }
}

bool tells(const TreeItems& items, std::string_view word) {
  return std::ranges::any_of(items, [&](const auto& entry) {
    return entry.first.find(word) != std::string::npos ||
           entry.second.text.find(word) != std::string::npos;
  });
}

/// A VM on a host of cgroup v1, of which only the cpusets tell where its vCPUs run. `controllers`
/// as /proc has them, `mount` is the directory's name.
void add_cgroup_v1(FakeTree& tree, const std::string& controllers, const std::string& mount) {
  const std::string scope = "/machine.slice/machine-qemu\\x2d1\\x2dpayroll.scope/libvirt";
  const auto directory = "/sys/fs/cgroup/" + mount;
  add_process(tree, 300, "qemu-system-x86", {"qemu-system-x86_64", "-name", "payroll"}, "0-15");
  for (const int vcpu : {0, 1}) {
    const auto task = fmt::format("/proc/300/task/{}", 301 + vcpu);
    tree.file(task + "/comm", fmt::format("CPU {}/KVM\n", vcpu));
    tree.file(task + "/status", "Name:\tCPU\n");
    tree.file(task + "/cgroup",
              fmt::format("7:memory:/machine.slice\n5:{}:{}/vcpu{}\n1:name=systemd:/a\n0::/a\n",
                          controllers,
                          scope,
                          vcpu));
    tree.file(fmt::format("{}{}/vcpu{}/cpuset.effective_cpus", directory, scope, vcpu),
              fmt::format("{}\n", 2 + vcpu));
  }
  add_descriptors(tree, 300, {"anon_inode:kvm-vm"});
  tree.file(directory + "/cpuset.sched_load_balance", "1\n");
  tree.file(directory + "/tenant/cpuset.effective_cpus", "8-9\n");
  if (mount != "cpuset") {
    tree.link("/sys/fs/cgroup/cpuset", mount);
  }
}

}  // namespace

TEST_CASE("anonymize: the cpusets of a host of cgroup v1 are kept", "[snapshot][vms]") {
  const auto [controllers, mount] = GENERATE(table<std::string, std::string>(
      {{"cpuset", "cpuset"},
       {"cpuset,cpu,cpuacct", "cpuset"},                 // A tree that was put together by hand
       {"cpuset,cpu,cpuacct", "cpuset,cpu,cpuacct"},     // Mounted as one
       {"cpuacct,cpu,cpuset", "cpu,cpuacct,cpuset"}}));  // The kernel has its own order.
  CAPTURE(controllers, mount);
  FakeTree tree;
  add_cgroup_v1(tree, controllers, mount);
  CHECK(pins_text(require_vm(read_vms(tree.sysfs(), sixteen_cpus(), {}), "payroll")) ==
        "0:2! 1:3!");
  const auto items = anonymous(tree);
  CHECK_FALSE(tells(items, "payroll"));
  CHECK_FALSE(tells(items, "tenant"));
  FakeTree same;
  copy(items, same);
  CHECK(pins_text(require_vm(read_vms(same.sysfs(), sixteen_cpus(), {}), "vm0001")) == "0:2! 1:3!");
}

TEST_CASE("anonymize: cgroup lines without a path", "[snapshot][vms]") {
  Aliases aliases;
  CHECK(anonymous_groups("0:\n", aliases) == "0::\n");
  CHECK(anonymous_groups("", aliases).empty());
  CHECK(anonymous_groups("0::/\n", aliases) == "0::/\n");
}

TEST_CASE("anonymize: the node of a Proxmox cluster is not told", "[snapshot][vms]") {
  FakeTree tree{
      {"/proc/sys/kernel/hostname", "atlas.example.org\n"},
      {"/etc/pve/nodes/atlas/qemu-server/100.conf",
       "name: web\nargs: -device vfio-pci,host=02:00.0,id=secret\nhostpci0: mapping=nic\n"},
      {"/etc/pve/nodes/atlas/qemu-server/101.conf", "name: db\nargs: -cpu secret\n"},
      {"/etc/pve/mapping/pci.cfg", "nic\n\tmap node=atlas,path=0000:24:00.0\n"}};
  tree.link("/etc/pve/qemu-server", "nodes/atlas/qemu-server");
  const auto items = anonymous(tree);
  for (const auto* word : {"atlas", "example", "web", "secret"}) {
    CAPTURE(word);
    CHECK_FALSE(tells(items, word));
  }
  FakeTree same;
  copy(items, same);
  const auto read = read_vms(same.sysfs(), sixteen_cpus(), {});
  REQUIRE(read.vms.size() == 2);
  CHECK(devices_text(require_vm(read, "vm0003")) == "0000:02:00.0 0000:24:00.0");
}

TEST_CASE("anonymize: what Proxmox passes over is passed over", "[snapshot][vms]") {
  const FakeTree tree{{"/etc/pve/qemu-server/100.conf", "name: web\ncores: 2\n cores: 3\n"}};
  FakeTree same;
  copy(anonymous(tree), same);
  const auto read = read_vms(same.sysfs(), sixteen_cpus(), {});
  REQUIRE(read.vms.size() == 1);
  CHECK(read.vms[0].vcpus.size() == 2);
}

TEST_CASE("anonymize: where a thread may run is not taken for its name", "[snapshot][vms]") {
  FakeTree tree;
  add_qemu(tree, 300, "vm1", {"2"});
  for (const auto* const tid : {"300", "310"}) {
    const auto file = fmt::format("/proc/300/task/{}/status", tid);
    if (std::filesystem::exists(tree.root() / file.substr(1))) {
      tree.file(file, "Cpus_allowed_list:\t5\n");
    }
  }
  FakeTree same;
  copy(anonymous(tree), same);
  CHECK(read_vms(same.sysfs(), sixteen_cpus(), {}).vms.at(0).emulator == CpuSet{5});
}

TEST_CASE("anonymize: a vDPA device is its VM's in the copy too", "[snapshot][vms]") {
  FakeTree tree;
  add_qemu(tree, 300, "vm1", {"2"});
  tree.link("/sys/class/vhost-vdpa/vhost-vdpa-0",
            "../../devices/pci0000:00/0000:27:00.0/vdpa0/vhost-vdpa-0");
  tree.file("/sys/devices/pci0000:00/0000:27:00.0/vdpa0/vhost-vdpa-0/dev", "511:0\n");
  add_descriptors(tree, 300, {"anon_inode:kvm-vm", "/dev/vhost-vdpa-0"});
  FakeTree same;
  copy(anonymous(tree), same);
  const auto read =
      read_vms(same.sysfs(), sixteen_cpus(), {make_device("0000:27:00.0", 40, false)});
  REQUIRE(read.vms.size() == 1);
  CHECK(devices_text(read.vms[0]) == "0000:27:00.0");
}

TEST_CASE("anonymize: devices of QEMU's own options stay with their domain", "[snapshot][vms]") {
  const FakeTree tree{
      {"/etc/libvirt/qemu/payroll.xml",
       "<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"
       "<name>payroll</name><vcpu>1</vcpu><devices><disk type='file'><source file='/secret'/>"
       "<backingStore type='nvme'><source type='pci'><address bus='3'/></source></backingStore>"
       "</disk></devices><qemu:commandline><qemu:arg value='-device'/>"
       "<qemu:arg value='vfio-pci,host=02:00.0,id=secret'/></qemu:commandline></domain>"}};
  const auto items = anonymous(tree);
  CHECK_FALSE(tells(items, "payroll"));
  CHECK_FALSE(tells(items, "secret"));
  FakeTree same;
  copy(items, same);
  const auto read = read_vms(same.sysfs(), sixteen_cpus(), {});
  CHECK(devices_text(require_vm(read, "vm0001")) == "0000:02:00.0 0000:03:00.0");
}

TEST_CASE("anonymize: what KVM tells of threads without names is kept", "[snapshot][vms]") {
  FakeTree tree;
  add_process(tree, 300, "qemu-system-x86", {"qemu-system-x86_64", "-name", "payroll"}, "0-15");
  add_thread(tree, 300, 301, "qemu-system-x86", "2");
  add_descriptors(tree, 300, {"anon_inode:kvm-vm"});
  tree.file("/sys/kernel/debug/kvm/300-11/vcpu0/pid", "301\n");
  FakeTree same;
  copy(anonymous(tree), same);
  CHECK(pins_text(require_vm(read_vms(same.sysfs(), sixteen_cpus(), {}), "vm0001")) == "0:2!");
}

TEST_CASE("anonymize: a VM stays one, whatever its process is called", "[snapshot][vms]") {
  FakeTree tree;
  add_process(
      tree, 300, ".qemu-system-x8", {"qemu-system-x86_64", "-name", "guest=pay,,roll"}, "0-15");
  add_thread(tree, 300, 301, "CPU 0/KVM", "2");
  add_process(tree,
              400,
              "cloud-hyperviso",
              {"cloud-hypervisor", "--api-socket", "/run/vm/ledger/clh-api.sock"},
              "0-15");
  add_thread(tree, 400, 401, "vcpu0", "3");
  add_process(tree, 500, "lkvm", {"lkvm", "run", "--name", "zeus"}, "0-15");
  add_thread(tree, 500, 501, "kvm-vcpu-0", "4");
  for (const int pid : {300, 400, 500}) {
    add_descriptors(tree, pid, {"anon_inode:kvm-vm"});
  }
  const auto items = anonymous(tree);
  for (const auto* word : {"pay", "roll", "ledger", "zeus"}) {
    CAPTURE(word);
    CHECK_FALSE(tells(items, word));
  }
  FakeTree same;
  copy(items, same);
  const auto read = read_vms(same.sysfs(), sixteen_cpus(), {});
  REQUIRE(read.vms.size() == 3);
  CHECK(pins_text(require_vm(read, "vm0001")) == "0:3!");
  CHECK(pins_text(require_vm(read, "vm0002")) == "0:2!");
  CHECK(pins_text(require_vm(read, "vm0003")) == "0:4!");
}

TEST_CASE("anonymize: no VMM's own options tell a name", "[snapshot][vms]") {
  using Words = std::vector<std::string_view>;
  const std::vector<std::pair<std::string, Words>> commands = {
      {"qemu-system-x86", {"qemu-system-x86_64", "-name", "guest=payroll,debug-threads=on"}},
      {"payroll", {"qemu-system-x86_64", "-name", "a,process=payroll", "-smp", "2"}},
      {"qemu-system-x86", {"payroll@host", "-readconfig", "/run/payroll/qemu.conf"}},
      {"qemu-kvm",
       {"/usr/libexec/qemu-kvm", "-chardev", R"({"id":"c","path":"/run/payroll.sock"})"}},
      {"kvm", {"/usr/bin/kvm", "-id", "100", "-name", "payroll,debug-threads=on"}},
      {"cloud-hyperviso", {"cloud-hypervisor", "--api-socket", "path=/run/payroll.sock"}},
      {"firecracker", {"firecracker", "--id", "payroll", "--api-sock=/run/payroll.sock"}},
      {"crosvm", {"crosvm", "run", "--name=payroll", "-s", "/run/payroll.sock", "payroll.img"}},
      {"lkvm", {"lkvm", "run", "--name", "payroll", "-d", "payroll.img"}},
      {"stratovirt", {"stratovirt", "-name", "payroll", "-smp", "2"}},
      {"VBoxHeadless", {"VBoxHeadless", "--comment", "payroll", "--startvm", "payroll"}},
      {"containerd-shim", {"containerd-shim-kata-v2", "-id", "payroll"}},
      {"payroll", {"/opt/payroll/vmm", "payroll"}}};
  for (const auto& [comm, words] : commands) {
    INFO(comm);
    FakeTree tree;
    add_process(tree, 300, comm, words, "0-15");
    add_thread(tree, 300, 310, "vcpu0", "2", 5);
    add_thread(tree, 300, 311, "payroll-worker", "3");
    tree.file("/proc/300/cgroup", "0::/machine.slice/machine-payroll.scope\n");
    tree.file("/sys/fs/cgroup/machine.slice/machine-payroll.scope/cpuset.cpus.effective", "2\n");
    add_descriptors(tree, 300, {"/dev/kvm", "anon_inode:kvm-vm", "anon_inode:kvm-vcpu:0"});
    const auto items = anonymous(tree);
    CHECK_FALSE(tells(items, "payroll"));
    FakeTree same;
    copy(items, same);
    const auto read = read_vms(same.sysfs(), sixteen_cpus(), {});
    REQUIRE(read.vms.size() == 1);
    CHECK(pins_text(read.vms[0]) == "0:2!");
  }
}

TEST_CASE("anonymize: no bundled host tells its VMs' names", "[snapshot][vms]") {
  for (const auto& name : captures_with_vms()) {
    INFO(name);
    const CapturedHost host(name);
    const auto read = read_vms(host.sysfs(), sixteen_cpus(), {});
    const auto items = anonymous(host);
    for (const auto& vm : read.vms) {
      INFO(vm.name);
      CHECK_FALSE(tells(items, "guest=" + vm.name));
      CHECK_FALSE(tells(items, "/" + vm.name + "."));
      CHECK_FALSE(tells(items, "<name>" + vm.name));
      CHECK_FALSE((!vm.uuid.empty() && tells(items, vm.uuid)));
    }
  }
}

}  // namespace irqtune::test
