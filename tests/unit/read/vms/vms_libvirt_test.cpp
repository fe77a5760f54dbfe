// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/vms/sources.h"
#include "irqtune/read/vms/vms.h"

#include "support/catch.h"
#include "support/hosts/vm_tree.h"

namespace irqtune::test {

namespace {

LibvirtDomain parse(const std::string& inside) {
  const auto text = "<domain type='kvm'><name>vm1</name>" + inside + "</domain>";
  const auto result = parse_libvirt_domain(text, "vm1.xml");
  REQUIRE(result.domain);
  CHECK(result.warnings == std::vector<std::string>{});
  return *result.domain;
}

/// What is said of a text; the domain must still be there, or not.
std::string complaint(const std::string& text, bool is_domain) {
  const auto result = parse_libvirt_domain(text, "x.xml");
  CHECK(result.domain.has_value() == is_domain);
  REQUIRE(result.warnings.size() == 1);
  return result.warnings[0];
}

std::string texts(const std::vector<PciAddress>& addresses) {
  std::string text;
  for (const auto& address : addresses) {
    text += text.empty() ? "" : " ";
    text += address.to_string();
  }
  return text;
}

}  // namespace

TEST_CASE("libvirt's CPU lists, with exclusions from left to right", "[vms]") {
  const auto list = [](std::string_view text) {
    const auto cpus = parse_libvirt_list(text);
    return cpus ? cpus->to_list() : "none";
  };
  CHECK(list("1-4,^3,6") == "1-2,4,6");
  CHECK(list(" 0 , 2-3 ") == "0,2-3");
  CHECK(list("^3,1-4") == "1-4");
  CHECK(list("0-7,^0-3") == "none");
  CHECK(list("1,3,") == "1,3");
  for (const auto* bad :
       {"", "^1", "a", "1-", "-1", "3-1", "1,,2", ",", "1-4:2", "0x1", "99999999", "^"}) {
    INFO(bad);
    CHECK(list(bad) == "none");
  }
}

TEST_CASE("vCPUs and pins of a domain", "[vms]") {
  const auto domain = parse(
      "<uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>"
      "<vcpu placement='static' cpuset='0-11,^5' current='2'>4</vcpu>"
      "<vcpus><vcpu id='0' enabled='yes'/><vcpu id='1' enabled='no'/>"
      "<vcpu id='3' enabled='yes'/></vcpus><iothreads>3</iothreads>"
      "<iothreadids><iothread id='7'/></iothreadids>"
      "<cputune><vcpupin vcpu='0' cpuset='1'/><vcpupin vcpu='3' cpuset='2-3'/>"
      "<emulatorpin cpuset='0-1'/><iothreadpin iothread='7' cpuset='6'/>"
      "<vcpusched vcpus='0' scheduler='fifo' priority='1'/></cputune>"
      "<numatune><memory mode='strict' nodeset='0-1'/></numatune>");
  CHECK(domain.name == "vm1");
  CHECK(domain.uuid == "c7a5fdbd-edaf-9455-926a-d65c16db1809");
  CHECK(domain.vcpus == 4);
  CHECK(domain.current == 2);
  CHECK(domain.enabled == std::vector<int>{0, 3});
  CHECK(domain.placement == "static");
  CHECK(domain.cpuset->to_list() == "0-4,6-11");
  CHECK(domain.vcpupin == std::map<int, CpuSet>{{0, {1}}, {3, {2, 3}}});
  CHECK(domain.emulatorpin == CpuSet{0, 1});
  CHECK(domain.iothreads == 3);
  CHECK(domain.iothread_ids == std::vector<int>{1, 2, 7});
  CHECK(domain.iothreadpin == std::map<int, CpuSet>{{7, {6}}});
  REQUIRE(domain.numatune);
  CHECK(domain.numatune->mode == "strict");
  CHECK(domain.numatune->nodes == CpuSet{0, 1});
  CHECK_FALSE(domain.live);
}

TEST_CASE("Host addresses of a domain's devices, never the guest's", "[vms]") {
  const std::string guest =
      "<address type='pci' domain='0x0000' bus='0x07' slot='0x01' function='0x0'/>";
  const auto domain = parse(
      "<devices>"
      "<hostdev mode='subsystem' type='pci' managed='yes'>" +
      guest +
      "<source><address domain='0' bus='229' slot='25' function='1'/></source></hostdev>"
      "<hostdev mode='subsystem' type='pci'><source>"
      "<address domain='0x10000' bus='0xe1' slot='0x1f' function='0x7' multifunction='on'/>"
      "</source>" +
      guest +
      "</hostdev>"
      "<hostdev mode='subsystem' type='usb'><source><address bus='1' "
      "device='2'/></source></hostdev>"
      "<hostdev mode='subsystem' type='mdev'><source>"
      "<address uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/></source></hostdev>"
      "<interface type='hostdev'><source>"
      "<address type='pci' domain='0x0000' bus='0x27' slot='0x10' function='0x2'/></source>" +
      guest +
      "</interface>"
      "<interface type='network'><source network='pool'/><actual type='hostdev'><source>"
      "<address type='pci' bus='0x27' slot='0x10' function='0x4'/></source></actual></interface>"
      "<interface type='bridge'><source bridge='br0'/>" +
      guest +
      "</interface>"
      "<disk type='nvme' device='disk'><source type='pci' managed='yes' namespace='1'>"
      "<address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></source>" +
      guest + "</disk><disk type='file'>" + guest + "</disk></devices>");
  CHECK(texts(domain.hostdevs) == "0000:e5:19.1 10000:e1:1f.7");
  CHECK(texts(domain.interface_hostdevs) == "0000:27:10.2 0000:27:10.4");
  CHECK(texts(domain.nvme_disks) == "0000:01:00.0");
}

TEST_CASE("Devices of QEMU's own options and of images below a disk's", "[vms]") {
  const auto prefix = GENERATE(std::string("qemu:"), std::string("ns0:"), std::string());
  const auto arg = [&](const std::string& value) {
    return "<" + prefix + "arg value='" + value + "'/>";
  };
  const auto domain = parse(
      "<devices><disk type='file'><source file='/a'/><backingStore type='nvme'><source type='pci'>"
      "<address bus='3'/></source></backingStore></disk></devices><" +
      prefix + "commandline>" + arg("-device") + arg("vfio-pci,host=02:00.1,multifunction=on") +
      arg("-device") + arg("{&quot;driver&quot;:&quot;vfio-pci&quot;,&quot;host&quot;:&quot;") +
      arg("-device") +
      arg("{&quot;driver&quot;:&quot;vfio-pci&quot;,&quot;host&quot;:&quot;0000:05:00.0&quot;}") +
      "<" + prefix + "env name='DISPLAY' value=':0'/></" + prefix + "commandline>");
  CHECK(texts(domain.command_devices) == "0000:02:00.1 0000:05:00.0");
  CHECK(texts(domain.nvme_disks) == "0000:03:00.0");
  CHECK(domain.hostdevs.empty());
}

TEST_CASE("A status file also tells how the domain runs", "[vms]") {
  const auto result = parse_libvirt_domain(
      "<domstatus state='paused' reason='user' pid='352'><vcpus><vcpu id='0' pid='359'/>"
      "<vcpu id='1' pid='360'/></vcpus><numad nodeset='0' cpuset='0-7'/>"
      "<domain type='kvm' id='1'><name>vm1</name><vcpu placement='auto'>2</vcpu></domain>"
      "</domstatus>",
      "vm1.xml");
  REQUIRE(result.domain);
  CHECK(result.domain->live);
  CHECK(result.domain->state == "paused");
  CHECK(result.domain->pid == 352);
  CHECK(result.domain->vcpu_tids == std::map<int, int>{{0, 359}, {1, 360}});
  CHECK(result.domain->numad->to_list() == "0-7");
}

TEST_CASE("What is no domain costs the file, what cannot be read costs the fact", "[vms]") {
  CHECK(complaint("", false).find("x.xml: not XML: ") == 0);
  CHECK(complaint("<domain><name>a", false).find("x.xml: not XML: ") == 0);
  CHECK(complaint("<network><name>a</name></network>", false) == "x.xml: not a libvirt domain");
  CHECK(complaint("<domstatus pid='1'/>", false) == "x.xml: not a libvirt domain");
  CHECK(complaint("<domain/>", false) == "x.xml: a libvirt domain without a name");
  CHECK(complaint("<domain><name>a</name><vcpu cpuset='1-'>1</vcpu></domain>", true) ==
        "x.xml: '1-' is not a CPU list");
  CHECK(complaint("<domain><name>a</name><vcpu>4000000000</vcpu></domain>", true) ==
        "x.xml: '4000000000' is not a number of vCPUs");
  CHECK(
      complaint("<domain><name>a</name><cputune><vcpupin vcpu='-1' cpuset='1'/></cputune></domain>",
                true) == "x.xml: '-1' is not a number that can stand for vcpu");
  CHECK(complaint("<domain><name>a</name><devices><hostdev type='pci'><source><address bus='256'/>"
                  "</source></hostdev></devices></domain>",
                  true) == "x.xml: a hostdev has no valid host address");
}

TEST_CASE("XML that is deep or large is refused", "[vms]") {
  std::string deep;
  for (int i = 0; i < 300'000; ++i) {
    deep += "<a>";
  }
  CHECK_FALSE(parse_libvirt_domain(deep, "x.xml").domain);
  std::string closed = "<domain><name>a</name>";
  for (int i = 0; i < 300; ++i) {
    closed += "<a>";
  }
  for (int i = 0; i < 300; ++i) {
    closed += "</a>";
  }
  CHECK(complaint(closed + "</domain>", false) ==
        "x.xml: elements nest too deep for a libvirt domain");
  std::string large = "<domain><name>a</name>";
  large.resize(std::size_t{5} << 20, ' ');
  CHECK(complaint(large + "</domain>", false) == "x.xml: too large for a libvirt domain");
}

TEST_CASE("Any cut of a domain parses or complains", "[vms]") {
  const std::string text =
      "<?xml version='1.0'?><!DOCTYPE d [<!ENTITY a '&b;'>]><domain><name>a</name>"
      "<vcpu cpuset='0-3'>2</vcpu><cputune><vcpupin vcpu='0' cpuset='^1,2'/></cputune></domain>";
  for (std::size_t size = 0; size < text.size(); ++size) {
    const auto result = parse_libvirt_domain(text.substr(0, size), "x.xml");
    CHECK((result.domain.has_value() || !result.warnings.empty()));
  }
}

TEST_CASE("A defined VM is listed with what is written of it", "[vms]") {
  const FakeTree tree{
      {"/etc/libvirt/qemu/a.xml",
       "<domain><name>a</name><vcpu cpuset='4-7'>3</vcpu><iothreads>1</iothreads><cputune>"
       "<vcpupin vcpu='1' cpuset='2'/></cputune><devices><hostdev type='pci'><source>"
       "<address bus='0x22' slot='0'/></source></hostdev></devices><qemu:commandline>"
       "<qemu:arg value='-device'/><qemu:arg value='vfio-pci,host=24:00.0'/></qemu:commandline>"
       "</domain>"},
      {"/etc/libvirt/qemu/b.xml",
       "<domain><name>b</name><vcpu placement='auto' cpuset='4-7'>1</vcpu>"
       "<cputune><emulatorpin cpuset='0'/></cputune></domain>"},
      {"/etc/libvirt/qemu/c.xml", "rubbish"},
      {"/etc/libvirt/qemu/.c.xml", "of an editor"},
      {"/etc/libvirt/qemu/autostart/a.xml", "rubbish"},
      {"/etc/libvirt/qemu/networks/default.xml", "<network/>"}};
  const auto read = read_vms(tree.sysfs(), sixteen_cpus(), {});
  REQUIRE(read.vms.size() == 2);
  const auto& vm = require_vm(read, "a");
  CHECK(vm.state == VmState::defined);
  CHECK(pins_text(vm) == "0:4-7* 1:2! 2:4-7*");
  CHECK(vm.emulator->to_list() == "4-7");
  CHECK(vm.iothreads[0].id == "iothread1");
  CHECK(vm.sources == std::vector<std::string>{"libvirt"});
  CHECK(devices_text(vm) == "0000:22:00.0 0000:24:00.0");
  CHECK(pins_text(require_vm(read, "b")) == "0:?");
  CHECK(read.warnings.size() == 2);
  CHECK(warns(read, "/etc/libvirt/qemu/c.xml: not XML"));
  CHECK(warns(read, "/etc/libvirt/qemu/.c.xml: not XML"));  // libvirt loads it.
}

}  // namespace irqtune::test
