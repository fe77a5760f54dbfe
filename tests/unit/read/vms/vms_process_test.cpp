// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/vms/vmm.h"
#include "irqtune/read/vms/vms.h"

#include "support/catch.h"
#include "support/hosts/vm_tree.h"

#include <filesystem>

#include <unistd.h>

namespace irqtune::test {

namespace {

/// Until its end, files are opened as another user opens them.
class AsNobody {
 public:
  explicit AsNobody(const FakeTree& tree) {
    std::filesystem::permissions(tree.root(), std::filesystem::perms{0755});
    constexpr ::uid_t kNobody = 65534;
    changed_ = ::geteuid() == 0 && ::seteuid(kNobody) == 0;
  }

  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;
  AsNobody(AsNobody&&) = delete;
  AsNobody& operator=(AsNobody&&) = delete;

  ~AsNobody() {
    if (changed_ && ::seteuid(0) != 0) {
      std::abort();
    }
  }

 private:
  bool changed_ = false;
};

VmsRead read(const FakeTree& tree, const std::vector<PciDevice>& devices = {}) {
  return read_vms(tree.sysfs(), sixteen_cpus(), devices);
}

/// A QEMU whose threads all have its own name.
void add_unnamed_qemu(FakeTree& tree, int pid) {
  add_process(tree,
              pid,
              "qemu-system-x86",
              {"qemu-system-x86_64", "-name", "old", "-smp", "cpus=3,maxcpus=8", "-m", "512"},
              "0-1");
  add_thread(tree, pid, pid + 1, "qemu-system-x86", "0-1");
  add_thread(tree, pid, pid + 3, "qemu-system-x86", "5", 70);
  add_thread(tree, pid, pid + 2, "qemu-system-x86", "4", 9);
  add_thread(tree, pid, pid + 4, "vhost-300", "0-15", 0);
}

}  // namespace

TEST_CASE("QEMU's vCPUs are its threads by name, with the CPUs they may run on", "[vms]") {
  FakeTree tree;
  add_qemu(tree, 300, "vm1", {"2", "3"}, "0-1");
  add_thread(tree, 300, 310, "IO iothread0", "0");
  add_thread(tree, 300, 311, "IO mon_iothread", "0-1");
  add_thread(tree, 300, 312, "kvm-nx-lpage-re", "2", 9);
  add_thread(tree, 300, 313, "vhost-300", "3");
  add_descriptors(tree, 300, {"/dev/kvm", "anon_inode:kvm-vm", "anon_inode:kvm-vcpu:0"});
  const auto result = read(tree);
  REQUIRE(result.vms.size() == 1);
  const auto& vm = result.vms[0];
  CHECK(vm.name == "vm1");
  CHECK(vm.pid == 300);
  CHECK(vm.state == VmState::running);
  CHECK(vm.sources == std::vector<std::string>{"process"});
  CHECK(pins_text(vm) == "0:2! 1:3!");
  CHECK(vm.vcpus[1].tid == 303);
  CHECK(vm.vcpus[1].source == "process");
  CHECK(vm.emulator == CpuSet{0, 1});
  REQUIRE(vm.iothreads.size() == 1);
  CHECK(vm.iothreads[0].id == "iothread0");
  CHECK(vm.iothreads[0].cpus == CpuSet{0});
  CHECK(result.warnings.empty());
}

TEST_CASE("A vCPU that may run on every online CPU is not pinned", "[vms]") {
  FakeTree tree;
  add_qemu(tree, 300, "vm1", {"0-15", "0-255", "0-14"});
  add_descriptors(tree, 300, {"anon_inode:kvm-vm"});
  CHECK(pins_text(require_vm(read(tree), "vm1")) == "0:0-15 1:0-15 2:0-14*");
}

TEST_CASE("What boot isolation and partitions leave to everybody is no pin", "[vms]") {
  FakeTree tree;
  add_qemu(tree, 300, "vm1", {"0-9", "0-7", "8-15"});
  add_descriptors(tree, 300, {"anon_inode:kvm-vm"});
  auto topology = sixteen_cpus();
  topology.isolated = CpuSet{10, 11, 12, 13, 14, 15};
  topology.partitions = {{"/sys/fs/cgroup/vms: cpuset.cpus.partition isolated", CpuSet{8, 9}}};
  const auto result = read_vms(tree.sysfs(), topology, {});
  CHECK(pins_text(require_vm(result, "vm1")) == "0:0-9 1:0-7 2:8-15*");
}

TEST_CASE("Two VMs on the same CPUs are a pool, the vCPUs of one VM are not", "[vms]") {
  FakeTree tree;
  add_qemu(tree, 300, "a", {"2-5", "6-7"});
  add_qemu(tree, 400, "b", {"4-5", "8-9", "8-9"});
  add_descriptors(tree, 300, {"anon_inode:kvm-vm"});
  add_descriptors(tree, 400, {"anon_inode:kvm-vm"});
  const auto result = read(tree);
  CHECK(pins_text(require_vm(result, "a")) == "0:2-5* 1:6-7*");
  CHECK(pins_text(require_vm(result, "b")) == "0:4-5* 1:8-9! 2:8-9!");
}

TEST_CASE("Without online CPUs no vCPU counts as pinned, and it is said", "[vms]") {
  FakeTree tree;
  add_qemu(tree, 300, "vm1", {"2"});
  add_descriptors(tree, 300, {"anon_inode:kvm-vm"});
  const auto result = read_vms(tree.sysfs(), Topology{}, {});
  CHECK(pins_text(require_vm(result, "vm1")) == "0:2");
  CHECK(warns(result, "which CPUs are online is not known"));
}

TEST_CASE("Threads without names are vCPUs if they have run a guest", "[vms]") {
  FakeTree tree;
  add_unnamed_qemu(tree, 300);
  SECTION("as many as have run it") {
    add_descriptors(
        tree, 300, {"anon_inode:kvm-vm", "anon_inode:kvm-vcpu:0", "anon_inode:kvm-vcpu:2"});
    const auto result = read(tree);
    CHECK(pins_text(require_vm(result, "old")) == "0:4! 1:5!");
    CHECK(require_vm(result, "old").vcpus[0].tid == 302);
    CHECK(result.warnings.empty());
  }
  SECTION("the rest by the order of their start") {
    add_descriptors(tree,
                    300,
                    {"anon_inode:kvm-vm",
                     "anon_inode:kvm-vcpu:0",
                     "anon_inode:kvm-vcpu:1",
                     "anon_inode:kvm-vcpu:2"});
    const auto result = read(tree);
    CHECK(pins_text(require_vm(result, "old")) == "0:0-1* 1:4! 2:5!");
    CHECK(require_vm(result, "old").unsure_vcpus.empty());
  }
  SECTION("or by where they alone are bound") {
    add_thread(tree, 300, 309, "qemu-system-x86", "7");
    add_descriptors(tree, 300, {"anon_inode:kvm-vm"});
    const auto result = read(tree);  // Three by -smp
    CHECK(pins_text(require_vm(result, "old")) == "0:4! 1:5! 2:7!");
    CHECK(warns(result, "old: which thread runs vCPU 2 is not certain"));
  }
}

TEST_CASE("Threads without names are told apart by libvirt's thread ids", "[vms]") {
  FakeTree tree{{"/run/libvirt/qemu/old.xml",
                 "<domstatus state='running' pid='300'><vcpus><vcpu id='0' pid='303'/>"
                 "<vcpu id='1' pid='302'/></vcpus><domain><name>old</name><vcpu>2</vcpu></domain>"
                 "</domstatus>"}};
  add_unnamed_qemu(tree, 300);
  add_descriptors(tree, 300, {"anon_inode:kvm-vm"});
  CHECK(pins_text(require_vm(read(tree), "old")) == "0:5! 1:4!");
}

TEST_CASE("Other VMMs are known by their threads", "[vms]") {
  FakeTree tree;
  add_process(tree,
              300,
              "cloud-hyperviso",
              {"/usr/bin/cloud-hypervisor",
               "--api-socket",
               "/run/ch/web.sock",
               "--cpus",
               "boot=2,affinity=[0@[2],1@[3]]",
               "--device",
               "path=/sys/bus/pci/devices/0000:22:00.0/",
               "path=/sys/bus/pci/devices/0000:24:00.0"},
              "0-15");
  add_thread(tree, 300, 301, "vmm", "0-15");
  add_thread(tree, 300, 302, "vcpu0", "2");
  add_thread(tree, 300, 303, "vcpu1", "3");
  add_thread(tree, 300, 304, "_net1_qp0", "0-15");
  add_process(tree, 400, "firecracker", {"/firecracker", "--id", "fc-1"}, "0-15");
  add_thread(tree, 400, 401, "fc_api", "0-15");
  add_thread(tree, 400, 402, "fc_vcpu 0", "4");
  add_process(tree, 500, "crosvm", {"crosvm", "run", "--name=droid", "--cpus", "2"}, "0-15");
  add_thread(tree, 500, 501, "crosvm_vcpu0", "5-6");
  add_thread(tree, 500, 502, "crosvm_vcpu1", "5-6");
  add_process(tree, 510, "crosvm", {"crosvm", "run", "--name=droid"}, "0-15");  // A device
  for (const int pid : {400, 500}) {
    add_descriptors(tree, pid, {"/dev/null", "anon_inode:kvm-vm"});
  }
  add_descriptors(tree, 510, {"/dev/null"});
  add_descriptors(
      tree, 300, {"anon_inode:kvm-vm", "anon_inode:[vfio-device]", "/dev/vfio/8", "/dev/vfio/9"});
  const std::vector<PciDevice> devices = {make_device("0000:22:00.0", 8),
                                          make_device("0000:23:00.0", 9),
                                          make_device("0000:24:00.0", 9)};
  const auto result = read(tree, devices);
  REQUIRE(result.vms.size() == 3);
  CHECK(pins_text(require_vm(result, "web")) == "0:2! 1:3!");
  CHECK(devices_text(require_vm(result, "web")) == "0000:22:00.0 0000:24:00.0");
  CHECK(pins_text(require_vm(result, "fc-1")) == "0:4!");
  CHECK(pins_text(require_vm(result, "droid")) == "0:5-6! 1:5-6!");
  CHECK(result.warnings.empty());
}

TEST_CASE("A VMM under any name is found by what KVM starts for it", "[vms]") {
  FakeTree tree;
  add_process(tree, 300, "my-vm", {"/usr/bin/qemu-system-x86_64", "-name", "x,process=my-vm"}, "0");
  add_thread(tree, 300, 301, "CPU 0/KVM", "7");
  SECTION("what it holds") {
    add_descriptors(tree, 300, {"anon_inode:kvm-vm"});
  }
  SECTION("a kernel thread") {
    tree.file("/proc/302/comm", "kvm-nx-lpage-recovery-300\n");
  }
  SECTION("a directory in debugfs") {
    tree.file("/sys/kernel/debug/kvm/300-11/exits", "0\n");
  }
  CHECK(pins_text(require_vm(read(tree), "x")) == "0:7!");
}

TEST_CASE("What only looks like a VMM is none", "[vms]") {
  FakeTree tree;
  add_process(tree, 300, "qemu-img", {"qemu-img", "convert"}, "0-15");
  add_process(tree,
              301,
              "qemu-system-x86",
              {"qemu-system-x86_64", "-machine", "none,accel=kvm:tcg", "-S"},
              "0-15");
  add_process(tree, 302, "kvm", {}, "0-15");  // A kernel thread has no command line.
  add_process(tree, 303, "qemu-bash", {"bash"}, "0-15");
  add_thread(tree, 303, 304, "CPU 0/KVM", "0-7");  // Any program may name a thread so.
  for (const int pid : {300, 301, 302, 303}) {
    add_descriptors(tree, pid, {"/dev/null"});
  }
  const auto result = read(tree);
  CHECK(result.vms.empty());
  CHECK(result.warnings.empty());
}

TEST_CASE("A VM that ends while being read is left out without noise", "[vms]") {
  FakeTree tree;
  add_qemu(tree, 300, "vm1", {"2"});
  add_descriptors(tree, 300, {"anon_inode:kvm-vm"});
  tree.file("/proc/400/comm", "qemu-system-x86\n");
  tree.file("/proc/500/comm", "qemu-system-x86\n");
  tree.file("/proc/500/cmdline", std::string("qemu-system-x86_64\0-name\0gone\0", 30));
  tree.file("/proc/500/task/500/comm", "qemu-system-x86\n");
  tree.file("/proc/500/task/501/comm", "CPU 0/KVM\n");
  const auto result = read(tree);
  CHECK(result.vms.size() == 1);
  CHECK(result.warnings.empty());
}

TEST_CASE("Without root the command line tells the devices, and that is said once", "[vms]") {
  FakeTree tree;
  for (const int pid : {300, 400}) {
    add_process(tree,
                pid,
                "qemu-system-x86",
                {"qemu-system-x86_64",
                 "-name",
                 pid == 300 ? "guest=a" : "guest=b",
                 "-device",
                 pid == 300 ? "vfio-pci,host=0000:22:00.0"
                            : R"({"driver":"vfio-pci","host":"0000:24:00.0","id":"hostdev0"})"},
                "0-15");
    add_thread(tree, pid, pid + 1, "CPU 0/KVM", pid == 300 ? "2" : "3");
    add_descriptors(tree, pid, {"/dev/vfio/35"});
    std::filesystem::permissions(tree.root() / "proc" / std::to_string(pid) / "fd",
                                 std::filesystem::perms{0});
  }
  VmsRead result;
  {
    const AsNobody nobody(tree);
    result = read(tree, {make_device("0000:22:00.0", 35), make_device("0000:24:00.0", 36)});
  }
  for (const auto* pid : {"300", "400"}) {
    std::filesystem::permissions(tree.root() / "proc" / pid / "fd", std::filesystem::perms{0700});
  }
  CHECK(pins_text(require_vm(result, "a")) == "0:2!");
  CHECK(devices_text(require_vm(result, "a")) == "0000:22:00.0");
  CHECK(devices_text(require_vm(result, "b")) == "0000:24:00.0");
  REQUIRE(result.warnings.size() == 1);
  CHECK(result.warnings[0] ==
        "a and 1 more: their devices are taken from the command line (/proc/300/fd: "
        "Permission denied; run as root to see what is held)");
}

TEST_CASE("Who holds a device and is no VM is told, unless it runs a guest", "[vms]") {
  FakeTree tree;
  const std::vector<PciDevice> devices = {make_device("0000:22:00.0", 35),
                                          make_device("0000:24:00.0", 37)};
  add_process(tree, 600, "dpdk-testpmd", {"dpdk-testpmd"}, "0-15");
  add_descriptors(tree, 600, {"/dev/vfio/vfio", "/dev/vfio/35", "anon_inode:[vfio-device]"});
  add_process(tree, 700, "unheard-of", {"/opt/unheard-of"}, "0-15");
  add_thread(tree, 700, 701, "unheard-of", "9", 4);
  add_descriptors(tree, 700, {"/dev/vfio/37", "anon_inode:kvm-vm", "anon_inode:kvm-vcpu:0"});
  SECTION("if a device is open") {
    const auto result = read(tree, devices);
    REQUIRE(result.vfio_users.size() == 1);
    CHECK(result.vfio_users[0].pid == 600);
    CHECK(result.vfio_users[0].comm == "dpdk-testpmd");
    CHECK(result.vfio_users[0].devices == std::vector{devices[0].address});
    const auto& vm = require_vm(result, "unheard-of-700");
    CHECK(pins_text(vm) == "0:9!");
    CHECK(devices_text(vm) == "0000:24:00.0");
  }
  SECTION("nobody is looked for if none is") {
    tree.file("/sys/bus/pci/devices/0000:22:00.0/enable", "0\n");
    tree.file("/sys/bus/pci/devices/0000:24:00.0/enable", "0\n");
    CHECK(read(tree, devices).vfio_users.empty());
  }
}

TEST_CASE("A name cannot command the terminal", "[vms]") {
  FakeTree tree;
  add_qemu(tree, 300, "a\x1b[2Jb", {"2"});
  add_descriptors(tree, 300, {"anon_inode:kvm-vm"});
  CHECK(require_vm(read(tree), "a?[2Jb").pid == 300);
}

TEST_CASE("Where descriptors may not be seen, threads' names tell a VM of whatever VMM", "[vms]") {
  FakeTree tree;
  add_process(tree, 900, "containerd-shim", {"/usr/local/bin/cube-runtime", "-id", "x"}, "0-15");
  add_thread(tree, 900, 901, "vmm", "0-15");
  add_thread(tree, 900, 910, "vcpu0", "2");
  add_thread(tree, 900, 911, "vcpu1", "3");
  const auto result = read(tree);
  REQUIRE(result.vms.size() == 1);
  CHECK(pins_text(result.vms[0]) == "0:2! 1:3!");
}

TEST_CASE("A process that ran a guest in its main thread, or nowhere else, is no VM", "[vms]") {
  FakeTree tree;
  add_process(tree, 900, "python3", {"/usr/bin/python3", "/usr/sbin/tuned"}, "0-15");
  add_thread(tree, 900, 900, "python3", "0-15", 1);
  tree.file("/proc/900/stat", tree.text("/proc/900/task/900/stat"));
  add_process(tree, 950, "validator", {"/opt/v/validator", "run"}, "8-15");
  add_thread(tree, 950, 950, "validator", "8-15", 1);
  add_thread(tree, 950, 951, "worker", "8", 1);
  CHECK(read(tree).vms.empty());
}

TEST_CASE("A program of QEMU's name that holds no VM and has one thread is none", "[vms]") {
  FakeTree tree;
  add_process(tree, 900, "qemu-system-x86", {"/bin/sh", "/opt/qemu-system-x86_64"}, "0-15");
  add_descriptors(tree, 900, {"/dev/null"});
  add_process(tree, 901, "kvm", {"/usr/bin/kvm", "-version"}, "0-15");
  add_descriptors(tree, 901, {"/dev/null"});
  CHECK(read(tree).vms.empty());
  add_thread(tree, 901, 902, "ALL CPUs/TCG", "3");
  CHECK(read(tree).vms.size() == 1);
}

TEST_CASE("vCPUs of the rarer VMMs", "[vms]") {
  CHECK(vcpu_of_thread("db_vcpu3") == 3);
  CHECK(vcpu_of_thread("vp-4") == 4);
  CHECK(vcpu_of_thread("EMT-2") == 2);
  CHECK(vcpu_of_thread("vcpu_1") == 1);
  CHECK(vcpu_of_thread("vcpu-1") == 1);
  CHECK_FALSE(vcpu_of_thread("vcpu-"));
  CHECK_FALSE(vcpu_of_thread("EMT"));
  CHECK(vmm_of_comm("stratovirt") != nullptr);
  CHECK(vmm_of_comm("VBoxHeadless") != nullptr);
}

}  // namespace irqtune::test
