// SPDX-License-Identifier: Apache-2.0
#include "irqtune/snapshot/snapshot.h"

#include "irqtune/core/error.h"
#include "irqtune/read/read.h"
#include "irqtune/read/settings/settings.h"

#include "support/catch.h"
#include "support/hosts/captured_host.h"
#include "support/hosts/fake_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include <sys/stat.h>

namespace irqtune {

namespace {

using test::FakeTree;

TreeItems collect(const Sysfs& sysfs, bool anonymize = false) {
  SnapshotOptions options;
  options.anonymize = anonymize;
  std::vector<std::string> warnings;
  auto items = collect_snapshot(sysfs, options, warnings);
  CHECK(warnings.empty());
  return items;
}

std::string text_of(const TreeItems& items, const std::string& path) {
  const auto found = items.find(path);
  return found != items.end() ? found->second.text : "(absent)";
}

/// All paths and texts that hold `word`.
std::vector<std::string> places_of(const TreeItems& items, std::string_view word) {
  std::vector<std::string> found;
  for (const auto& [path, item] : items) {
    if (path.find(word) != std::string::npos || item.text.find(word) != std::string::npos) {
      found.push_back(path);
    }
  }
  return found;
}

/// A host with one VM in it that libvirt and Proxmox know.
struct VmHost {
  VmHost();

  FakeTree tree;
};

std::vector<std::pair<std::string, std::string>> vm_files() {
  using namespace std::string_literals;
  return {
      {"/proc/interrupts", "           CPU0\n"},
      {"/proc/uptime", "100.25 50.00\n"},
      {"/proc/cmdline",
       "root=UUID=11111111-2222-3333-4444-555555555555 isolcpus=2-3 iommu=pt secretkey=abc "
       "quiet\n"},
      {"/proc/version", "Linux version 6.1.0 (bob@build7) (gcc 12) #1 SMP\n"},
      {"/proc/sys/kernel/hostname", "atlas\n"},
      {"/proc/sys/kernel/random/boot_id", "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee\n"},
      {"/proc/50/comm", "qemu-system-x86\n"},
      {"/proc/50/cmdline",
       "/home/bob/qemu-system-x86_64\0-name\0guest=web-1,debug-threads=on\0-uuid\0"
       "12345678-1234-1234-1234-123456789abc\0-device\0vfio-pci,host=0000:3b:00.0\0-device\0"
       "{\"driver\":\"virtio-net-pci\",\"mac\":\"52:54:00:aa:bb:cc\"}\0-drive\0file=/srv/"
       "payroll.img\0"
       "-object\0secret,id=s0,data=hunter2\0-smp\0004\0"s},
      {"/proc/50/cgroup", "0::/machine.slice/machine-qemu\\x2d1\\x2dweb\\x2d1.scope\n"},
      {"/proc/50/status", "Name:\tqemu-system-x86\nCpus_allowed_list:\t0-3\n"},
      {"/proc/50/environ", "TOKEN=hunter2"},
      {"/proc/50/task/51/comm", "CPU 0/KVM\n"},
      {"/proc/50/task/51/status", "Name:\tCPU 0/KVM\nCpus_allowed_list:\t2\n"},
      {"/proc/60/comm", "irqbalance\n"},
      {"/proc/60/cmdline", "/usr/sbin/irqbalance\0"s},
      {"/proc/70/comm", "bash\n"},
      {"/proc/70/cmdline", "bash\0"s},
      {"/sys/fs/cgroup/machine.slice/machine-qemu\\x2d1\\x2dweb\\x2d1.scope/cpuset.cpus", "2-3\n"},
      {"/sys/fs/cgroup/machine.slice/cpuset.cpus.effective", "0-3\n"},
      {"/sys/fs/cgroup/payroll.service/cpuset.cpus.effective", "0-3\n"},
      {"/sys/fs/cgroup/payroll.service/memory.max", "max\n"},
      {"/run/libvirt/qemu/web-1.xml",
       "<!-- by atlas --><domstatus state='running' pid='50'><monitor path='/x/web-1.sock'/>"
       "<vcpus><vcpu id='0' pid='51'/></vcpus><domain type='kvm' id='1'><name>web-1</name>"
       "<uuid>12345678-1234-1234-1234-123456789abc</uuid>"
       "<metadata><x:owner xmlns:x='u'><name>bob</name></x:owner></metadata>"
       "<vcpu placement='static'>1</vcpu><cputune><vcpupin vcpu='0' cpuset='2'/></cputune>"
       "<devices><disk type='file'><source file='/srv/payroll.img'/><serial>S3CR</serial></disk>"
       "<hostdev mode='subsystem' type='pci'><source><address domain='0x0000' bus='0x3b' "
       "slot='0x00' function='0x0'/></source></hostdev>"
       "<graphics type='vnc' passwd='hunter2'/></devices></domain></domstatus>"},
      {"/run/libvirt/qemu/web-1.pid", "50"},
      {"/etc/pve/qemu-server/100.conf",
       "#notes of bob\ncores: 4\nname: web-1\nhostpci0: mapping=fastnic,pcie=1\nnet0: "
       "virtio=52:54:00:AA:BB:CC\n"
       "smbios1: uuid=12345678-1234-1234-1234-123456789abc,serial=S3CR\naffinity: "
       "2-3\n[snap]\ncores: 1\n"},
      {"/etc/pve/mapping/pci.cfg",
       "fastnic\n\tdescription bobs card\n\tmap id=8086:1521,node=atlas,path=0000:3b:00.0\n"
       "\tmap id=8086:1521,node=zeus,path=0000:3c:00.0\n"},
      {"/etc/default/irqbalance", "# by bob\nIRQBALANCE_ONESHOT=\n"},
      {"/sys/devices/pci0000:3a/0000:3b:00.0/numa_node", "1\n"},
      {"/sys/devices/pci0000:3a/0000:3b:00.0/msi_irqs/90", "msix\n"},
      {"/sys/devices/pci0000:3a/0000:3b:00.0/config", "not read"},
  };
}

VmHost::VmHost() {
  for (const auto& [path, text] : vm_files()) {
    tree.file(path, text);
  }
  tree.link("/sys/bus/pci/devices/0000:3b:00.0", "../../../devices/pci0000:3a/0000:3b:00.0");
  tree.link("/proc/50/exe", "/home/bob/qemu-system-x86_64");
  tree.link("/proc/50/fd/3", "/dev/vfio/35");
  tree.link("/proc/50/fd/4", "/srv/payroll.img");
  tree.link("/var/run", "../run");
}

void check_same(const std::string& path, const TreeItem& item, const TreeItem& other) {
  INFO(path);
  const bool same = other.kind == item.kind && other.mode == item.mode && other.text == item.text;
  CHECK(same);
}

}  // namespace

TEST_CASE("snapshot: holds what irqtune reads, and nothing else", "[snapshot]") {
  const VmHost host;
  const auto items = collect(host.tree.sysfs());
  CHECK(text_of(items, "/proc/interrupts") == "           CPU0\n");
  CHECK(text_of(items, "/sys/bus/pci/devices/0000:3b:00.0") ==
        "../../../devices/pci0000:3a/0000:3b:00.0");
  CHECK(text_of(items, "/sys/devices/pci0000:3a/0000:3b:00.0/numa_node") == "1\n");
  CHECK(text_of(items, "/sys/devices/pci0000:3a/0000:3b:00.0/msi_irqs/90") == "msix\n");
  CHECK(text_of(items, "/proc/50/fd/3") == "/dev/vfio/35");
  CHECK(text_of(items, "/proc/60/comm") == "irqbalance\n");
  CHECK(text_of(items, "/var/run") == "../run");
  CHECK_FALSE(items.contains("/proc/50/environ"));
  CHECK_FALSE(items.contains("/proc/70/comm"));
  CHECK_FALSE(items.contains("/sys/devices/pci0000:3a/0000:3b:00.0/config"));
  CHECK_FALSE(items.contains("/sys/fs/cgroup/payroll.service/memory.max"));
  CHECK_THAT(text_of(items, "/CAPTURE"), Catch::Contains("anonymized no"));
}

TEST_CASE("snapshot: file modes are kept, they tell what is settable", "[snapshot]") {
  const FakeTree tree{{"/proc/irq/24/smp_affinity_list", "0-3\n"},
                      {"/proc/irq/25/smp_affinity_list", "0-3\n"},
                      {"/proc/interrupts", ""}};
  std::filesystem::create_directory(tree.root() / "proc/irq/24/vfio-msix[0](0000:3b:00.0)");
  ::chmod((tree.root() / "proc/irq/25/smp_affinity_list").c_str(), 0444);
  const FakeTree target;
  const auto output = target.root() / GENERATE(as<std::string>{}, "s.tar.gz", "dir");
  const auto report = write_snapshot(tree.sysfs(), output, {});
  CHECK(report.files == 4);  // With CAPTURE
  const Sysfs copy(output);
  CHECK(copy.read_file("/proc/irq/24/smp_affinity_list").mode == 0644);
  CHECK(copy.read_file("/proc/irq/25/smp_affinity_list").mode == 0444);
  CHECK(copy.list("/proc/irq/24") ==
        std::vector<std::string>{"smp_affinity_list", "vfio-msix[0](0000:3b:00.0)"});

  struct stat status {};

  REQUIRE(::stat(output.c_str(), &status) == 0);
  CHECK((status.st_mode & 0077U) == 0);
}

TEST_CASE("snapshot: an output without a name is refused", "[snapshot]") {
  CHECK_THROWS_AS(write_tree("", {}), Error);
  CHECK_THROWS_AS(check_output(""), Error);
}

TEST_CASE("snapshot: a snapshot of a snapshot is the same", "[snapshot]") {
  const auto name = GENERATE(as<std::string>{}, "two-vms", "libvirt-kvm");
  const auto first = collect(Sysfs(test::capture_file(name)));
  CHECK(first.size() > 3000);
  CHECK(first.contains("/sample2/proc/interrupts"));
  const FakeTree target;
  write_tree(target.root() / "copy.tar.gz", first);
  write_tree(target.root() / "copy", first);
  for (const auto* copy : {"copy.tar.gz", "copy"}) {
    auto second = collect(Sysfs(target.root() / copy));
    CHECK(second.size() == first.size());
    for (const auto& [path, item] : first) {
      check_same(path, item, second[path]);
    }
  }
}

TEST_CASE("snapshot: an anonymous one tells no names and no secrets", "[snapshot]") {
  const VmHost host;
  const auto items = collect(host.tree.sysfs(), true);
  for (const auto* word : {"atlas",
                           "zeus",
                           "bob",
                           "web",
                           "payroll",
                           "hunter2",
                           "S3CR",
                           "fastnic",
                           "12345678-1234",
                           "11111111-2222",
                           "aaaaaaaa-bbbb",
                           "52:54:00",
                           "abc "}) {
    CAPTURE(word);
    CHECK(places_of(items, word).empty());
  }
}

TEST_CASE("snapshot: an anonymous one keeps what the planner needs", "[snapshot]") {
  using namespace std::string_literals;
  const VmHost host;
  const auto items = collect(host.tree.sysfs(), true);
  const auto cmdline = text_of(items, "/proc/50/cmdline");
  CHECK(cmdline.starts_with("qemu-system-x86_64\0-name\0guest=vm0002,debug-threads=on\0"s));
  CHECK(cmdline.find("vfio-pci,host=0000:3b:00.0"s) != std::string::npos);
  CHECK(cmdline.find("-smp\0004\0"s) != std::string::npos);
  CHECK(text_of(items, "/proc/50/task/51/comm") == "CPU 0/KVM\n");
  CHECK(text_of(items, "/proc/50/cgroup") ==
        "0::/machine.slice/machine-qemu\\x2d1\\x2dvm0002.scope\n");
  CHECK(text_of(items,
                "/sys/fs/cgroup/machine.slice/machine-qemu\\x2d1\\x2dvm0002.scope/cpuset.cpus") ==
        "2-3\n");
  CHECK(text_of(items, "/sys/fs/cgroup/machine.slice/cpuset.cpus.effective") == "0-3\n");
  const auto xml = text_of(items, "/run/libvirt/qemu/vm0002.xml");
  CHECK_THAT(xml, Catch::Contains("<name>vm0002</name>"));
  CHECK_THAT(xml, Catch::Contains("<vcpu id='0' pid='51'/>"));
  CHECK_THAT(xml, Catch::Contains("<vcpupin vcpu='0' cpuset='2'/>"));
  CHECK_THAT(xml,
             Catch::Contains("<address domain='0x0000' bus='0x3b' slot='0x00' function='0x0'/>"));
  CHECK(text_of(items, "/run/libvirt/qemu/vm0002.pid") == "50");
  const auto conf = text_of(items, "/etc/pve/qemu-server/100.conf");
  CHECK_THAT(conf, Catch::StartsWith("cores: 4\nname: vm0002\nhostpci0: mapping=vm0001,pcie=1\n"));
  CHECK_THAT(conf, Catch::EndsWith("affinity: 2-3\n"));
  CHECK(text_of(items, "/etc/pve/mapping/pci.cfg") ==
        "vm0001\n\tmap id=8086:1521,node=host,path=0000:3b:00.0\n"
        "\tmap id=8086:1521,node=other,path=0000:3c:00.0\n");
  CHECK_THAT(text_of(items, "/proc/cmdline"), Catch::Contains("isolcpus=2-3 iommu=pt"));
  CHECK(text_of(items, "/proc/sys/kernel/hostname") == "host\n");
  CHECK(text_of(items, "/proc/50/fd/3") == "/dev/vfio/35");
}

TEST_CASE("snapshot: an anonymous one hides what others made of a VM's name", "[snapshot]") {
  using namespace std::string_literals;
  // libvirt drops the underscores in cgroups, and puts a session's user first; the kernel cuts a
  // process' name at 15 characters.
  const auto group = "/tenants-zeus.slice/machine-bob\\x2dqemu\\x2d2\\x2dpayrolldb.scope"s;
  FakeTree tree{{"/proc/interrupts", "           CPU0\n"},
                {"/proc/80/comm", "payroll_db_berl\n"},
                {"/proc/80/cmdline",
                 "qemu-system-x86_64\0-name\0guest=payroll_db_berlin,process="
                 "payroll_db_berlin\0-object\0iothread,id=payrolldisk\0-drive\0"
                 "file=nvme://0000:05:00.0/1,id=payroll0\0"s},
                {"/proc/80/status", "Name:\tpayroll_db_berl\nCpus_allowed_list:\t0-3\n"},
                {"/proc/80/stat", "80 (payroll_db_berl) S 1\n"},
                {"/proc/80/cgroup", "0::" + group + "/libvirt/emulator\n"},
                {"/proc/80/task/81/comm", "IO payrolldisk\n"},
                {"/proc/80/task/82/comm", "CPU 0/KVM\n"},
                {"/proc/80/task/82/cgroup", "0::" + group + "/libvirt/vcpu0\n"},
                {"/sys/fs/cgroup" + group + "/libvirt/vcpu0/cpuset.cpus.effective", "2\n"}};
  tree.link("/proc/80/fd/3", "anon_inode:kvm-vm");
  const auto items = collect(tree.sysfs(), true);
  for (const auto* word : {"payroll", "zeus", "bob", "tenants", "berl"}) {
    CAPTURE(word);
    CHECK(places_of(items, word).empty());
  }
  CHECK(text_of(items, "/proc/80/task/82/comm") == "CPU 0/KVM\n");
  CHECK(text_of(items, "/proc/80/task/81/comm").starts_with("IO x"));
  CHECK(text_of(items, "/proc/80/cmdline").find("file=nvme://0000:05:00.0/1") != std::string::npos);
  // The path in /proc still leads to the group's files.
  const auto line = text_of(items, "/proc/80/task/82/cgroup");
  CHECK_THAT(line, Catch::EndsWith("/libvirt/vcpu0\n"));
  const auto path = line.substr(3, line.size() - 4);
  CHECK(text_of(items, "/sys/fs/cgroup" + path + "/cpuset.cpus.effective") == "2\n");
}

TEST_CASE("snapshot: one UUID has one replacement", "[snapshot]") {
  const auto items = collect(VmHost().tree.sysfs(), true);
  const auto conf = text_of(items, "/etc/pve/qemu-server/100.conf");
  const auto at = conf.find("uuid=") + 5;
  const auto uuid = conf.substr(at, 36);
  CHECK(uuid.starts_with("00000000-0000-4000-8000-"));
  CHECK(places_of(items, uuid).size() == 3);  // Also the command line and libvirt's file
}

namespace {

/// A host with everything in it that only `diagnose` looks at.
struct TunedHost {
  TunedHost();

  FakeTree tree;
};

TunedHost::TunedHost() {
  const std::vector<std::pair<std::string, std::string>> files{
      {"/proc/interrupts", "           CPU0\n"},
      {"/proc/cmdline", "isolcpus=managed_irq,2-3 irqaffinity=0-1 nox2apic\n"},
      {"/proc/net/softnet_stat", "00000100 00000000 0000000a\n"},
      {"/proc/sys/net/core/netdev_budget", "60000\n"},
      {"/proc/sys/net/core/netdev_budget_usecs", "8000\n"},
      {"/sys/module/kvm/parameters/halt_poll_ns", "400000\n"},
      {"/sys/devices/system/cpu/online", "0-3\n"},
      {"/proc/20/comm", "crio\n"},
      {"/proc/20/cmdline", "crio --bob\n"},
      {"/proc/21/comm", "google_guest_ag\n"},
      {"/proc/22/comm", "tuned\n"},
      {"/proc/22/cmdline", "tuned\n"},
      {"/etc/crio/crio.conf", "bob = 1\nirqbalance_config_file = \"/etc/default/irqbalance\"\n"},
      {"/etc/default/instance_configs.cfg", "[Accounts]\ngroups = bob\nset_multiqueue = false\n"},
      {"/etc/tuned/active_profile", "bobs-own\n"},
      {"/etc/tuned/bobs-own/tuned.conf",
       "[main]\nsummary=of bob\ninclude=network-latency\n[scheduler]\nisolated_cores=2\n"},
      {"/usr/lib/tuned/network-latency/tuned.conf", "[main]\nsummary=fast\n"},
      {"/etc/rc.local",
       "#!/bin/sh\n# by bob\nmail bob\n"
       "echo 3 > /proc/irq/9/smp_affinity # bob\nethtool -X bob0 hkey\n"},
      {"/etc/cron.d/bob", "@reboot bob /home/bob/set_irq_affinity.sh bob0\n"},
      {"/etc/systemd/network/10-bob.link",
       "[Match]\nName=bob0\n[Link]\nIRQAffinityPolicy=spread\n"},
      {"/etc/systemd/system/bob.service", "[Service]\nExecStart=/opt/bob/pin.sh\n"},
      {"/etc/sysctl.d/10-bob.conf", "net.core.netdev_budget = 60000\n"},
      {"/etc/udev/rules.d/10-bob.rules", "SUBSYSTEM==\"net\", NAME=\"bob0\"\n"},
      {"/opt/bob/pin.sh", "#!/bin/sh\necho bob\necho 1 > /proc/irq/8/smp_affinity\n"},
  };
  for (const auto& [path, text] : files) {
    tree.file(path, text);
  }
}

/// What `diagnose` gets to know, without names: topics of lines, programs and whether they meddle.
std::string settings_text(const Sysfs& sysfs) {
  const auto settings = read_settings(sysfs, read_host(sysfs, {}));
  std::string text;
  for (const auto& line : settings.config) {
    text += std::to_string(static_cast<int>(line.topic)) + " ";
  }
  for (const auto& meddler : settings.meddlers) {
    text +=
        meddler.name + (meddler.would_undo ? "! " : " ") + (meddler.advice.empty() ? "told " : "");
  }
  for (const auto& parameter : settings.kernel) {
    text += parameter.name + "=" + parameter.value + " ";
  }
  return text + std::to_string(settings.netdev_budget.value_or(0)) + " " +
         std::to_string(settings.netdev_time_us.value_or(0)) + " " +
         std::to_string(settings.halt_poll_ns.value_or(0)) + " " +
         std::to_string(settings.softnet.size());
}

}  // namespace

TEST_CASE("snapshot: settings are the same in it, lines at their places", "[snapshot]") {
  const TunedHost host;
  const auto items = collect(host.tree.sysfs());
  const FakeTree target;
  write_tree(target.root() / "copy", items);
  const Sysfs copy(target.root() / "copy");
  CHECK(settings_text(copy) == settings_text(host.tree.sysfs()));
  const auto expected = read_settings(host.tree.sysfs(), {}).config;
  const auto config = read_settings(copy, {}).config;
  REQUIRE(config.size() == 7);
  for (std::size_t i = 0; i < config.size(); ++i) {
    CHECK(config.at(i).file == expected.at(i).file);
    CHECK(config.at(i).line == expected.at(i).line);
    CHECK(config.at(i).text == expected.at(i).text);
  }
  CHECK(text_of(items, "/etc/rc.local") ==
        "\n\n\necho 3 > /proc/irq/9/smp_affinity # bob\nethtool -X bob0 hkey\n");
  CHECK(text_of(items, "/etc/udev/rules.d/10-bob.rules") == "(absent)");
  CHECK(text_of(items, "/proc/20/cmdline") == "(absent)");
  CHECK(collect(copy).size() == items.size());
}

TEST_CASE("snapshot: settings of an anonymous one tell no names", "[snapshot]") {
  const TunedHost host;
  const auto items = collect(host.tree.sysfs(), true);
  CHECK(places_of(items, "bob").empty());
  const FakeTree target;
  write_tree(target.root() / "copy", items);
  auto text = settings_text(host.tree.sysfs());
  // The script that a unit names is left out; the unit's line says what it does.
  REQUIRE(text.starts_with("0 0 4 3 1 0 0 "));
  CHECK(settings_text(Sysfs(target.root() / "copy")) == text.erase(12, 2));
  CHECK(text_of(items, "/etc/tuned/profile1/tuned.conf") ==
        "[main]\ninclude=network-latency \n[scheduler]\nisolated_cores=2\n");
}

TEST_CASE("snapshot: how a passed-through device could interrupt, without its serial number",
          "[snapshot]") {
  FakeTree tree;
  const std::string guest = "/sys/devices/pci0000:00/0000:00:05.0";
  const std::string other = "/sys/devices/pci0000:00/0000:00:06.0";
  for (const auto& [device, driver] : {std::pair(guest, "vfio-pci"), std::pair(other, "nvme")}) {
    tree.file(device + "/config", std::string(4096, 'c'));
    tree.link(device + "/driver", fmt::format("../../../bus/pci/drivers/{}", driver));
    tree.link("/sys/bus/pci/devices/" + device.substr(device.rfind('/') + 1),
              "../../.." + device.substr(4));
  }
  const auto items = collect(tree.sysfs());
  CHECK(text_of(items, guest + "/config") == std::string(256, 'c'));
  CHECK(text_of(items, other + "/config") == "(absent)");
}

TEST_CASE("snapshot: how irqbalance is started", "[snapshot]") {
  const auto anonymous = GENERATE(false, true);
  const FakeTree tree{
      {"/usr/lib/systemd/system/irqbalance.service",
       "[Unit]\nDescription=of bob\n[Service]\nExecStart=/sbin/irqbalance $OPTIONS\n"}};
  CHECK(text_of(collect(tree.sysfs(), anonymous), "/usr/lib/systemd/system/irqbalance.service") ==
        "[Unit]\n[Service]\nExecStart=/sbin/irqbalance $OPTIONS\n");
}

TEST_CASE("snapshot: what cannot be read is left out and named", "[snapshot]") {
  FakeTree tree{{"/proc/interrupts", "x"}};
  REQUIRE(::mkfifo((tree.root() / "proc/stat").c_str(), 0600) == 0);
  const FakeTree target;
  const auto report = write_snapshot(tree.sysfs(), target.root() / "s.tar.gz", {});
  REQUIRE(report.warnings.size() == 1);
  CHECK_THAT(report.warnings.front(), Catch::StartsWith("/proc/stat: "));
}

TEST_CASE("snapshot: links cannot lead the copy out of the tree", "[snapshot]") {
  FakeTree tree{{"/proc/interrupts", "x"}, {"/secret/qemu-server/1.conf", "name: inside\n"}};
  tree.link("/etc/pve", "../../../../../../secret");
  tree.link("/etc/libvirt", "libvirt");
  const auto items = collect(tree.sysfs());
  CHECK(text_of(items, "/secret/qemu-server/1.conf") == "name: inside\n");
  CHECK(text_of(items, "/etc/pve") == "../../../../../../secret");
}

TEST_CASE("snapshot: the output is replaced whole or not at all", "[snapshot]") {
  const FakeTree tree{{"/proc/interrupts", "new"}};
  const FakeTree target{{"/full/file", "old"}, {"/s.tar.gz", "old"}, {"/plain", "old"}};
  std::filesystem::create_directory(target.root() / "empty");
  static_cast<void>(write_snapshot(tree.sysfs(), target.root() / "s.tar.gz", {}));
  CHECK(Sysfs(target.root() / "s.tar.gz").read("/proc/interrupts") == "new");
  static_cast<void>(write_snapshot(tree.sysfs(), target.root() / "empty", {}));
  CHECK(target.text("/empty/proc/interrupts") == "new");
  static_cast<void>(write_snapshot(tree.sysfs(), target.root() / "slash/", {}));
  CHECK(target.text("/slash/proc/interrupts") == "new");
  for (const auto* name : {"full", "plain", "s.tar.xz", "gone/s.tar.gz"}) {
    CAPTURE(name);
    CHECK_THROWS_AS(write_snapshot(tree.sysfs(), target.root() / name, {}), Error);
  }
  CHECK(target.text("/full/file") == "old");
  std::vector<std::string> left;
  for (const auto& entry : std::filesystem::directory_iterator(target.root())) {
    left.push_back(entry.path().filename());
  }
  std::ranges::sort(left);
  CHECK(left == std::vector<std::string>{"empty", "full", "plain", "s.tar.gz", "slash"});
}

}  // namespace irqtune
