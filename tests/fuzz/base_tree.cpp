// SPDX-License-Identifier: Apache-2.0
#include "fuzz/base_tree.h"

#include <fmt/format.h>

namespace irqtune::fuzz {

namespace {

constexpr int kCpus = 8;

class Builder {
 public:
  void file(const std::string& path, std::string_view text) {
    items_[path] = {TreeImage::Kind::file, 0644, std::string(text)};
  }

  void link(const std::string& path, std::string_view target) {
    items_[path] = {TreeImage::Kind::symlink, 0777, std::string(target)};
  }

  [[nodiscard]] TreeItems take() { return std::move(items_); }

 private:
  TreeItems items_;
};

void add_kernel(Builder& tree) {
  tree.file("/proc/cmdline", "root=/dev/sda1 isolcpus=managed_irq,2-3 nohz_full=2-3\n");
  tree.file("/proc/version", "Linux version 6.12.1 (gcc 12.2.0) #1 SMP\n");
  tree.file("/proc/modules", "kvm_intel 1 0 - Live 0x0\nvfio_pci 1 0 - Live 0x0\n");
  tree.file("/proc/sys/kernel/osrelease", "6.12.1\n");
  tree.file("/proc/sys/kernel/hostname", "pve1\n");
  tree.file("/proc/sys/kernel/random/boot_id", "0d7a2a3c-7b0e-4b57-9b0b-1f2e3d4c5b6a\n");
  tree.file("/proc/sys/kernel/numa_balancing", "1\n");
  tree.file("/proc/irq/default_smp_affinity", "ff\n");
  tree.file("/sys/module/kvm_intel/parameters/enable_apicv", "Y\n");
  tree.file("/sys/module/kvm/parameters/halt_poll_ns", "200000\n");
  tree.file("/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "N\n");
}

void add_cpus(Builder& tree) {
  const std::string root = "/sys/devices/system/";
  for (const auto* const name : {"online", "possible", "present"}) {
    tree.file(root + "cpu/" + name, "0-7\n");
  }
  tree.file(root + "cpu/isolated", "2-3\n");
  tree.file(root + "cpu/nohz_full", "2-3\n");
  tree.file(root + "cpu/smt/active", "1\n");
  tree.file(root + "cpu/cpuidle/current_driver", "intel_idle\n");
  for (int cpu = 0; cpu < kCpus; ++cpu) {
    const int node = cpu / 4;
    const auto dir = fmt::format("{}cpu/cpu{}/", root, cpu);
    const auto shared = node == 0 ? "0-3\n" : "4-7\n";
    tree.file(dir + "topology/physical_package_id", fmt::format("{}\n", node));
    tree.file(dir + "topology/die_id", "0\n");
    tree.file(dir + "topology/core_id", fmt::format("{}\n", cpu / 2));
    tree.file(dir + "topology/core_cpus_list",
              fmt::format("{}-{}\n", cpu / 2 * 2, cpu / 2 * 2 + 1));
    tree.file(dir + "cache/index3/level", "3\n");
    tree.file(dir + "cache/index3/type", "Unified\n");
    tree.file(dir + "cache/index3/shared_cpu_list", shared);
    tree.file(dir + "cpufreq/scaling_governor", "powersave\n");
    tree.file(dir + "cpuidle/state2/latency", "133\n");
    tree.file(dir + "cpuidle/state2/disable", "0\n");
    tree.file(fmt::format("{}node/node{}/cpulist", root, node), shared);
  }
  tree.file(root + "node/online", "0-1\n");
  tree.file(root + "node/node0/distance", "10 21\n");
  tree.file(root + "node/node1/distance", "21 10\n");
}

std::string address_of(int device) {
  return fmt::format("0000:{:02x}:00.0", 0x21 + device);
}

/// Devices 0 to 2 are passed through, with MSI-X, MSI and INTx; 3 is the host's own.
void add_device(Builder& tree, int device, std::string_view driver, std::string_view node) {
  const auto address = address_of(device);
  const auto home = fmt::format("/sys/devices/pci0000:20/{}/", address);
  tree.file(home + "class", "0x020000\n");
  tree.file(home + "vendor", "0x8086\n");
  tree.file(home + "device", "0x10d3\n");
  tree.file(home + "numa_node", fmt::format("{}\n", node));
  tree.file(home + "irq", fmt::format("{}\n", 40 + device));
  tree.file(home + "enable", "1\n");
  tree.link(home + "driver", fmt::format("../../../bus/pci/drivers/{}", driver));
  tree.link(home + "iommu_group", fmt::format("../../../kernel/iommu_groups/{}", device));
  tree.link(fmt::format("/sys/bus/pci/devices/{}", address),
            fmt::format("../../../devices/pci0000:20/{}", address));
  tree.link(fmt::format("/sys/kernel/iommu_groups/{}/devices/{}", device, address),
            fmt::format("../../../../devices/pci0000:20/{}", address));
  tree.file(fmt::format("/sys/kernel/iommu_groups/{}/type", device), "DMA\n");
}

struct Row {
  int irq;
  int device;
  std::string_view chip;
  std::string_view action;
  std::string_view mask;
};

void add_irq(Builder& tree, const Row& row, std::string& first, std::string& second) {
  const auto proc = fmt::format("/proc/irq/{}/", row.irq);
  const auto kernel = fmt::format("/sys/kernel/irq/{}/", row.irq);
  tree.file(proc + "smp_affinity_list", fmt::format("{}\n", row.mask));
  tree.file(proc + "effective_affinity_list", fmt::format("{}\n", row.mask.substr(0, 1)));
  tree.file(proc + "node", "0\n");
  tree.file(kernel + "actions", fmt::format("{}\n", row.action));
  tree.file(kernel + "chip_name", fmt::format("{}\n", row.chip));
  tree.file(kernel + "hwirq", fmt::format("{}\n", row.irq % 4));
  tree.file(kernel + "type", "edge\n");
  if (row.irq < 40) {
    tree.file(
        fmt::format("/sys/devices/pci0000:20/{}/msi_irqs/{}", address_of(row.device), row.irq),
        "msix\n");
  }
  const auto tail = fmt::format("  {}  {}-edge      {}\n", row.chip, row.irq % 4, row.action);
  for (auto* const table : {&first, &second}) {
    *table += fmt::format("{:4}:", row.irq);
    for (int cpu = 0; cpu < kCpus; ++cpu) {
      *table += fmt::format(" {:10}", cpu == row.irq % kCpus ? (table == &first ? 100 : 900) : 0);
    }
    *table += tail;
  }
}

void add_irqs(Builder& tree) {
  std::string first;
  for (int cpu = 0; cpu < kCpus; ++cpu) {
    first += fmt::format("       CPU{}", cpu);
  }
  first += '\n';
  auto second = first;
  add_irq(tree,
          {30, 0, "IR-PCI-MSIX-0000:21:00.0", "vfio-msix[0](0000:21:00.0)", "0-7"},
          first,
          second);
  add_irq(
      tree, {31, 0, "IR-PCI-MSIX-0000:21:00.0", "vfio-msix[1](0000:21:00.0)", "2"}, first, second);
  add_irq(
      tree, {32, 1, "IR-PCI-MSI-0000:22:00.0", "vfio-msi[0](0000:22:00.0)", "4-7"}, first, second);
  add_irq(tree, {36, 3, "IR-PCI-MSIX-0000:24:00.0", "eth0-rx-0", "2"}, first, second);
  add_irq(
      tree, {42, 2, "IR-IO-APIC", "vfio-intx(0000:23:00.0), ehci_hcd:usb1", "0-3"}, first, second);
  first += " NMI:          1          2          3          4  Non-maskable interrupts\n ERR:  0\n";
  tree.file("/proc/interrupts", first);
  tree.file("/sample2/proc/interrupts", second);
  tree.file("/proc/uptime", "1000.10 7000.00\n");
  tree.file("/sample2/proc/uptime", "1005.10 7030.00\n");
  std::string stat = "cpu  8 8 8 8 8 8 8 0 0 0\n";
  for (int cpu = 0; cpu < kCpus; ++cpu) {
    stat += fmt::format("cpu{} 100 2 30 4000 5 6 7 0 80 0\n", cpu);
  }
  tree.file("/proc/stat", stat);
  tree.file("/sample2/proc/stat", stat);
}

void add_thread(Builder& tree, int pid, int tid, std::string_view comm, std::string_view cpus) {
  const auto dir = fmt::format("/proc/{}/task/{}/", pid, tid);
  tree.file(dir + "comm", fmt::format("{}\n", comm));
  tree.file(dir + "status", fmt::format("Name:\t{}\nCpus_allowed_list:\t{}\n", comm, cpus));
  tree.file(
      dir + "stat",
      fmt::format("{} ({}) S 1 1 1 0 -1 0 0 0 0 0 9 9 0 0 20 0 6 0 9 0 0 0 0 0 0 0 0 0 0 0 0 0"
                  " 0 0 0 0 0 0 0 0 0 0 77 0 0 0 0 0 0 0 0 0 0\n",
                  tid,
                  comm));
}

void add_processes(Builder& tree) {
  using namespace std::string_view_literals;
  tree.file("/proc/700/comm", "qemu-system-x86\n");
  tree.file("/proc/700/cmdline",
            "/usr/bin/qemu-system-x86_64\0-name\0guest=web,debug-threads=on\0-uuid\0"
            "11111111-2222-3333-4444-555555555555\0-smp\0"
            "2,sockets=1\0-device\0vfio-pci,host=0000:21:00.0,id=hostdev0\0-device\0"
            "{\"driver\":\"vfio-pci\",\"host\":\"0000:22:00.0\"}\0"sv);
  tree.file("/proc/700/cgroup", "0::/machine.slice/vm1.scope/libvirt/emulator\n");
  tree.link("/proc/700/exe", "/usr/bin/qemu-system-x86_64");
  tree.link("/proc/700/fd/9", "anon_inode:kvm-vm");
  tree.link("/proc/700/fd/10", "/dev/vfio/0");
  tree.link("/proc/700/fd/11", "anon_inode:[vfio-device]");
  tree.file("/proc/700/fdinfo/11",
            "pos:\t0\nvfio-device-syspath: /sys/devices/pci0000:20/0000:21:00.0\n");
  add_thread(tree, 700, 700, "qemu-system-x86", "0-7");
  add_thread(tree, 700, 702, "CPU 0/KVM", "2");
  add_thread(tree, 700, 703, "CPU 1/KVM", "3");
  add_thread(tree, 700, 704, "IO iothread1", "0-1");
  tree.file("/proc/800/comm", "irqbalance\n");
  tree.file("/proc/800/cmdline", "/usr/sbin/irqbalance\0--banmod=vfio-pci\0--foreground\0"sv);
  tree.file("/etc/default/irqbalance", "IRQBALANCE_BANNED_CPULIST=2-3\n");
  add_thread(tree, 800, 800, "irqbalance", "0-7");
  tree.file("/proc/900/comm", "dpdk\n");
  tree.file("/proc/900/cmdline", "dpdk-testpmd\0"sv);
  tree.link("/proc/900/fd/3", "/dev/vfio/2");
  add_thread(tree, 900, 900, "dpdk", "5");
}

constexpr std::string_view kDomain = R"(<domain type='kvm' id='1'>
  <name>web</name><uuid>11111111-2222-3333-4444-555555555555</uuid>
  <vcpu placement='static' cpuset='2-3' current='2'>4</vcpu>
  <vcpus><vcpu id='0' enabled='yes'/><vcpu id='1' enabled='yes'/></vcpus>
  <iothreads>1</iothreads><iothreadids><iothread id='1'/></iothreadids>
  <cputune><vcpupin vcpu='0' cpuset='2'/><vcpupin vcpu='1' cpuset='1-4,^1,^2,^4'/>
    <emulatorpin cpuset='0-1'/><iothreadpin iothread='1' cpuset='0'/></cputune>
  <numatune><memory mode='strict' nodeset='0'/></numatune>
  <devices>
    <hostdev mode='subsystem' type='pci' managed='yes'><source>
      <address domain='0x0000' bus='0x21' slot='0x00' function='0x0'/></source></hostdev>
    <interface type='hostdev'><source>
      <address type='pci' domain='0' bus='34' slot='0' function='0'/></source></interface>
    <disk type='nvme' device='disk'><source type='pci' managed='yes' namespace='1'>
      <address domain='0x0000' bus='0x25' slot='0x00' function='0x0'/></source></disk>
  </devices>
</domain>
)";

void add_managers(Builder& tree) {
  tree.file("/etc/libvirt/qemu/web.xml", kDomain);
  tree.file(
      "/run/libvirt/qemu/web.xml",
      fmt::format("<domstatus state='running' reason='booted' pid='700'><vcpus>"
                  "<vcpu id='0' pid='702'/><vcpu id='1' pid='703'/></vcpus>\n{}</domstatus>\n",
                  kDomain));
  tree.file("/run/libvirt/qemu/web.pid", "700\n");
  tree.file("/etc/pve/qemu-server/101.conf",
            "name: db\ncores: 2\nsockets: 1\naffinity: 6-7\nhostpci0: 0000:23:00,pcie=1\n"
            "hostpci1: mapping=nic\nsmbios1: uuid=99999999-2222-3333-4444-555555555555\n\n[old]\n"
            "cores: 8\n");
  tree.file("/etc/pve/mapping/pci.cfg",
            "nic\n\tmap id=8086:10d3,iommugroup=1,node=pve1,path=0000:22:00.0\n");
  tree.file("/run/qemu-server/101.pid", "900\n");
  tree.file("/sys/fs/cgroup/cpuset.cpus.isolated", "5\n");
  const std::string scope = "/sys/fs/cgroup/machine.slice/vm1.scope/";
  tree.file(scope + "cpuset.cpus", "2-3\n");
  tree.file(scope + "cpuset.cpus.effective", "2-3\n");
  tree.file(scope + "cpuset.cpus.partition", "isolated\n");
  tree.file(scope + "cgroup.procs", "700\n");
  tree.file(scope + "libvirt/vcpu0/cgroup.threads", "702\n");
  tree.file(scope + "libvirt/vcpu0/cpuset.cpus", "2\n");
}

}  // namespace

TreeItems base_tree() {
  Builder tree;
  add_kernel(tree);
  add_cpus(tree);
  add_device(tree, 0, "vfio-pci", "0");
  add_device(tree, 1, "vfio-pci", "1");
  add_device(tree, 2, "vfio-pci", "-1");
  add_device(tree, 3, "e1000e", "0");
  add_irqs(tree);
  add_processes(tree);
  add_managers(tree);
  return tree.take();
}

}  // namespace irqtune::fuzz
