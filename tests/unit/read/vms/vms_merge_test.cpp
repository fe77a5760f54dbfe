// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/vms/vms.h"

#include "support/catch.h"
#include "support/hosts/vm_tree.h"

#include <fmt/format.h>

#include <algorithm>

namespace irqtune::test {

namespace {

constexpr const char* kUuid = "7f99253f-773e-4594-a172-67a84cafcc0b";
constexpr const char* kOther = "00000000-773e-4594-a172-67a84cafcc0b";

std::string domain(const std::string& name, const std::string& uuid, const std::string& inside) {
  return "<domain type='kvm'><name>" + name + "</name><uuid>" + uuid + "</uuid>" + inside +
         "</domain>";
}

std::string status(int pid, const std::string& domain) {
  return "<domstatus state='running' pid='" + std::to_string(pid) + "'>" + domain + "</domstatus>";
}

std::string pins(const std::string& first, const std::string& second) {
  return "<vcpu>2</vcpu><cputune><vcpupin vcpu='0' cpuset='" + first +
         "'/><vcpupin vcpu='1' cpuset='" + second + "'/></cputune>";
}

void add_libvirt_qemu(FakeTree& tree, int pid, std::string_view name, std::string_view uuid) {
  add_process(
      tree, pid, "qemu-system-x86", {"qemu-system-x86_64", "-name", name, "-uuid", uuid}, "0-15");
  add_thread(tree, pid, pid + 1, "CPU 0/KVM", "2");
  add_thread(tree, pid, pid + 2, "CPU 1/KVM", "0-15");
  add_descriptors(tree, pid, {"anon_inode:kvm-vm", "/dev/vfio/35", "anon_inode:[vfio-device]"});
}

VmsRead read(const FakeTree& tree) {
  return read_vms(tree.sysfs(), sixteen_cpus(), {make_device("0000:22:00.0", 35)});
}

std::string sources(const Vm& vm) {
  std::string text;
  for (const auto& source : vm.sources) {
    text += (text.empty() ? "" : " ") + source;
  }
  return text;
}

}  // namespace

TEST_CASE("What runs beats what is written, and the difference is told", "[vms]") {
  FakeTree tree;
  add_libvirt_qemu(tree, 300, "vm1", kUuid);
  tree.file(
      "/run/libvirt/qemu/vm1.xml",
      status(300,
             domain("vm1",
                    kUuid,
                    pins("2", "3") + "<devices><hostdev type='pci'><source><address bus='36'/>"
                                     "</source></hostdev></devices>")));
  const auto result = read(tree);
  REQUIRE(result.vms.size() == 1);
  CHECK(sources(result.vms[0]) == "libvirt process");
  CHECK(pins_text(result.vms[0]) == "0:2! 1:0-15");
  CHECK(result.warnings ==
        std::vector<std::string>{
            "vm1: libvirt pins vCPU 1 to 3, the thread may run on 0-15 (/run/libvirt/qemu/vm1.xml)",
            "vm1: libvirt gives it 0000:24:00.0, its process does not hold it "
            "(/run/libvirt/qemu/vm1.xml)",
            "vm1: its process holds 0000:22:00.0, libvirt does not list it "
            "(/run/libvirt/qemu/vm1.xml)"});
}

TEST_CASE("Where a file tells how a VM runs, its definition tells of the next start", "[vms]") {
  const std::string device =
      "<devices><hostdev type='pci'><source><address bus='0x22'/></source></hostdev></devices>";
  FakeTree tree;
  add_libvirt_qemu(tree, 300, "vm1", kUuid);
  tree.file("/run/libvirt/qemu/vm1.xml",
            status(300, domain("vm1", kUuid, pins("2", "3") + device)));
  SECTION("the same") {
    tree.file("/etc/libvirt/qemu/vm1.xml", domain("vm1", kUuid, pins("2", "3") + device));
    CHECK(read(tree).warnings.size() == 1);
  }
  SECTION("another pin") {
    tree.file("/etc/libvirt/qemu/vm1.xml", domain("vm1", kUuid, pins("2", "7") + device));
    CHECK(read(tree).warnings.size() == 1);
  }
  SECTION("another number of vCPUs, and an emulator pin") {
    tree.file(
        "/etc/libvirt/qemu/vm1.xml",
        domain(
            "vm1", kUuid, "<vcpu>4</vcpu><cputune><emulatorpin cpuset='0-1'/></cputune>" + device));
    CHECK(read(tree).warnings.size() == 1);
  }
}

TEST_CASE("Sources are joined by PID, then UUID, then name", "[vms]") {
  FakeTree tree;
  SECTION("PID: the process has neither name nor UUID") {
    add_process(tree, 300, "qemu-system-x86", {"qemu-system-x86_64"}, "0-15");
    add_thread(tree, 300, 301, "CPU 0/KVM", "2");
    add_descriptors(tree, 300, {"anon_inode:kvm-vm"});
    tree.file("/run/libvirt/qemu/vm1.xml", status(300, domain("vm1", kUuid, "<vcpu>1</vcpu>")));
  }
  SECTION("UUID: it was renamed") {
    add_libvirt_qemu(tree, 300, "old-name", kUuid);
    tree.file("/etc/libvirt/qemu/vm1.xml", domain("vm1", kUuid, "<vcpu>2</vcpu>"));
  }
  SECTION("name: the process has no UUID") {
    add_qemu(tree, 300, "vm1", {"2"});
    add_descriptors(tree, 300, {"anon_inode:kvm-vm"});
    tree.file("/etc/libvirt/qemu/vm1.xml", domain("vm1", kUuid, "<vcpu>1</vcpu>"));
  }
  const auto result = read(tree);
  REQUIRE(result.vms.size() == 1);
  CHECK(sources(result.vms[0]) == "libvirt process");
  CHECK(result.vms[0].uuid == kUuid);
  CHECK(result.vms[0].pid == 300);
}

TEST_CASE("A VM that runs somewhere else altogether is one line", "[vms]") {
  FakeTree tree;
  add_qemu(tree, 300, "vm1", {"8", "9", "10", "11", "12"});
  add_descriptors(tree, 300, {"anon_inode:kvm-vm"});
  std::string written = "<vcpu>5</vcpu><cputune>";
  for (int vcpu = 0; vcpu < 5; ++vcpu) {
    const auto number = std::to_string(vcpu);
    written += "<vcpupin vcpu='" + number + "' cpuset='" + number + "'/>";
  }
  tree.file("/etc/libvirt/qemu/vm1.xml", domain("vm1", kUuid, written + "</cputune>"));
  CHECK(
      read(tree).warnings ==
      std::vector<std::string>{
          "vm1: libvirt pins 5 vCPUs to other CPUs than their threads may run on: vCPU 0 to 0, not "
          "8; vCPU 1 to 1, not 9; and so on (/etc/libvirt/qemu/vm1.xml)"});
}

TEST_CASE("A process of another name is another VM, unless an id says otherwise", "[vms]") {
  FakeTree tree;
  add_qemu(tree, 300, "vm2", {"2"});
  add_descriptors(tree, 300, {"anon_inode:kvm-vm"});
  tree.file("/run/libvirt/qemu/vm1.xml", status(300, domain("vm1", kUuid, pins("2", "3"))));
  tree.file("/etc/pve/qemu-server/100.conf", "name: vm3\n");
  tree.file("/run/qemu-server/100.pid", "300\n");
  const auto result = read(tree);
  REQUIRE(result.vms.size() == 2);
  CHECK(sources(require_vm(result, "vm2")) == "process");
  CHECK(require_vm(result, "vm2").uuid.empty());
  CHECK(require_vm(result, "vm3").state == VmState::defined);
  CHECK(result.warnings.empty());
}

TEST_CASE("Two processes with one UUID: the file is of the one with its name", "[vms]") {
  FakeTree tree;
  add_libvirt_qemu(tree, 300, "copy", kUuid);
  add_libvirt_qemu(tree, 400, "vm1", kUuid);
  tree.file("/etc/libvirt/qemu/vm1.xml", domain("vm1", kUuid, "<vcpu>2</vcpu>"));
  const auto result = read(tree);
  REQUIRE(result.vms.size() == 2);
  CHECK(sources(require_vm(result, "copy")) == "process");
  CHECK(sources(require_vm(result, "vm1")) == "libvirt process");
}

TEST_CASE("Running VMs of one name are told", "[vms]") {
  FakeTree tree;
  add_libvirt_qemu(tree, 300, "web", kUuid);
  tree.file("/etc/libvirt/qemu/web.xml", domain("web", kOther, "<vcpu>2</vcpu>"));
  const auto is_told = [&] {
    return warns(read(tree),
                 "2 VMs that run are called web: --vm and --vm-policy mean all of them");
  };
  CHECK_FALSE(is_told());  // The other does not run.
  add_qemu(tree, 400, "web", {"3"});
  CHECK(is_told());
}

TEST_CASE("VMs of one name with different UUIDs stay two", "[vms]") {
  FakeTree tree;
  add_libvirt_qemu(tree, 300, "vm1", kUuid);
  tree.file("/etc/libvirt/qemu/vm1.xml", domain("vm1", kOther, pins("2", "3")));
  const auto result = read(tree);
  REQUIRE(result.vms.size() == 2);
  CHECK(result.vms[0].state == VmState::defined);
  CHECK(result.vms[1].state == VmState::running);
}

TEST_CASE("A status file that was left behind does not make its VM run", "[vms]") {
  FakeTree tree;
  tree.file("/run/libvirt/qemu/vm1.xml", status(300, domain("vm1", kUuid, pins("2", "3"))));
  SECTION("no such process") {
    tree.file("/proc/1/comm", "systemd\n");
  }
  SECTION("the process is another VM") {
    add_libvirt_qemu(tree, 300, "vm2", kOther);
  }
  SECTION("the process is no VM") {
    add_process(tree, 300, "bash", {"bash"}, "0-15");
  }
  SECTION("the process is no VM, although it is QEMU's") {
    add_process(tree, 300, "qemu-nbd", {"qemu-nbd", "-c", "/dev/nbd0"}, "0-15");
    add_descriptors(tree, 300, {"/dev/null"});
  }
  CHECK(std::ranges::none_of(read(tree).vms, [](const Vm& vm) { return vm.name == "vm1"; }));
  tree.file("/etc/libvirt/qemu/vm1.xml", domain("vm1", kUuid, pins("2", "3")));
  CHECK(require_vm(read(tree), "vm1").state == VmState::defined);
}

TEST_CASE("Without processes in the tree, libvirt's status is believed", "[vms]") {
  FakeTree tree;
  tree.file("/run/libvirt/qemu/vm1.xml", status(300, domain("vm1", kUuid, pins("2", "3"))));
  tree.file("/etc/libvirt/qemu/vm1.xml", domain("vm1", kUuid, pins("2", "3")));
  const auto result = read(tree);
  REQUIRE(result.vms.size() == 1);
  CHECK(result.vms[0].state == VmState::running);
  CHECK(result.vms[0].pid == 300);
  CHECK(pins_text(result.vms[0]) == "0:2! 1:3!");
  CHECK(result.vms[0].vcpus[0].source == "libvirt");
  CHECK(result.warnings.empty());
}

TEST_CASE("What a process does not tell is taken from what is written", "[vms]") {
  FakeTree tree;
  add_process(
      tree, 300, "qemu-system-x86", {"qemu-system-x86_64", "-name", "vm1", "-smp", "2"}, "0");
  add_thread(tree, 300, 301, "qemu-system-x86", "4");
  add_thread(tree, 300, 302, "qemu-system-x86", "5");
  add_thread(tree, 300, 303, "qemu-system-x86", "6");
  tree.file("/etc/libvirt/qemu/vm1.xml",
            domain("vm1",
                   kUuid,
                   pins("2", "3") + "<iothreads>1</iothreads><devices><hostdev type='pci'><source>"
                                    "<address bus='36'/></source></hostdev></devices>"));
  const auto result = read(tree);  // No fd directory: what is held is not known.
  REQUIRE(result.vms.size() == 1);
  const auto& vm = result.vms[0];
  CHECK(pins_text(vm) == "0:2! 1:3!");
  CHECK(vm.vcpus[0].source == "libvirt");
  CHECK(devices_text(vm) == "0000:24:00.0");
  CHECK(vm.iothreads.size() == 1);
  CHECK(warns(result, "vm1: its devices are taken from the command line (/proc/300/fd: "));
}

TEST_CASE("What many VMs have in common is said once, and counted", "[vms]") {
  FakeTree tree;
  for (int i = 0; i < 40; ++i) {
    const int pid = 1000 + (10 * i);
    const auto name = fmt::format("vm{}", i);
    add_qemu(tree, pid, name, {"2", "3"}, "0-1");
    tree.file(fmt::format("/run/libvirt/qemu/{}.xml", name),
              fmt::format("<domstatus state='running' pid='{}'><domain type='kvm'><name>{}</name>"
                          "<vcpu>2</vcpu><cputune><vcpupin vcpu='0' cpuset='{}'/></cputune>"
                          "</domain></domstatus>",
                          pid,
                          name,
                          4 + (i % 4)));
  }
  const auto result = read_vms(tree.sysfs(), sixteen_cpus(), {});
  CHECK(result.vms.size() == 40);
  CHECK(result.warnings.size() <= 3);
  CHECK(warns(result,
              "vm0: libvirt pins vCPU 0 to 4, the thread may run on 2 (/run/libvirt/qemu/vm0.xml) "
              "(and 39 more of this kind)"));
}

}  // namespace irqtune::test
