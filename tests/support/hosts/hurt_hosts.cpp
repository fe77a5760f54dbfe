// SPDX-License-Identifier: Apache-2.0
#include "support/hosts/hurt_hosts.h"

#include <fmt/format.h>

namespace irqtune::test {

namespace {

constexpr auto kLineDevice = "0000:3c:00.0";
constexpr auto kOtherLineDevice = "0000:3d:00.0";

void add_process(KvmTree& tree, const std::string& comm, const std::vector<std::string>& words) {
  tree.add_process(812, comm, words);
}

/// A thread that runs a handler, as the kernel lists it.
void add_handler_thread(KvmTree& tree, int pid, const std::string& comm, const std::string& cpus) {
  tree.add_process(pid, comm);
  tree.file(fmt::format("/proc/{}/status", pid),
            fmt::format("Name:\t{}\nPPid:\t2\nCpus_allowed_list:\t{}\n", comm, cpus));
}

std::string line_handler(std::string_view device) {
  return fmt::format("vfio-intx({})", device);
}

/// irqbalance that keeps off vfio's vectors, and off these CPUs alone.
void balance(KvmTree& tree, const std::string& cpus) {
  add_process(tree, "irqbalance", {"/usr/sbin/irqbalance", "--foreground", "--banmod=vfio"});
  tree.file("/etc/default/irqbalance", fmt::format("IRQBALANCE_BANNED_CPULIST={}\n", cpus));
}

void more_cmdline(KvmTree& tree, std::string_view tokens) {
  tree.cmdline += fmt::format(" {}", tokens);
}

void set_rates(KvmTree& tree, unsigned first, double rate) {
  for (unsigned irq = first; irq < first + 4; ++irq) {
    tree.irqs[irq].rate = rate;
  }
}

void set_cpus(KvmTree& tree, unsigned first, const std::vector<int>& cpus) {
  for (unsigned i = 0; i < cpus.size(); ++i) {
    tree.irqs[first + i].cpu = cpus[i];
  }
}

/// Node 0 belongs to vCPUs as a whole, and the host knows.
void fill_node(KvmTree& tree) {
  tree.cmdline = "irqaffinity=4-7,12-15 isolcpus=managed_irq,domain,0-3,8-11";
  tree.isolated = "0-3,8-11";
  tree.default_mask = "f0f0";
  tree.vms["db1"] = {{"2", "10", "0", "8"}, "4-7", {7}};
  tree.vms["web1"] = {{"3", "11", "1", "9"}, "4-7", {}};
  set_cpus(tree, 40, {4, 5, 12, 13});
  set_cpus(tree, 80, {4, 5, 6, 7});
  tree.irqs[16].cpu = 4;
}

std::vector<HurtHost> sharing_cases() {
  return {
      {"irq-shared-passthrough",
       [](KvmTree& tree) {
         tree.add_line_device(kLineDevice, 8);
         tree.add_device("0000:00:1f.3", "i801_smbus", 0);
         tree.file("/sys/devices/pci0000:00/0000:00:1f.3/irq", "16\n");
         tree.link("/sys/bus/pci/drivers/i801_smbus/module", "../../../../module/i2c_i801");
         tree.vms["db1"].groups.push_back(8);
         tree.irqs[16].actions = {"i801_smbus", line_handler(kLineDevice)};
       }},
      {"irq-shared-guests",
       [](KvmTree& tree) {
         tree.add_line_device(kLineDevice, 8);
         tree.add_line_device(kOtherLineDevice, 9);
         tree.vms["db1"].groups.push_back(8);
         tree.vms["web1"].groups.push_back(9);
         tree.irqs[17] = {
             {line_handler(kLineDevice), line_handler(kOtherLineDevice)}, 8, 20, {}, {}};
       }},
      {"irq-shared-host", [](KvmTree& tree) { tree.irqs[16].rate = 900; }},
      {"irq-intx-passthrough",
       [](KvmTree& tree) {
         tree.add_line_device(kLineDevice, 8, 5);
         tree.vms["db1"].groups.push_back(8);
         tree.irqs[17] = {{line_handler(kLineDevice)}, 8, 20, {}, {}};
       }},
      {"irq-spurious", [](KvmTree& tree) { tree.irqs[16].unhandled = 20'000; }},
      {"irq-one-cpu",
       [](KvmTree& tree) {
         set_cpus(tree, 60, {4, 4, 4, 4});
         set_rates(tree, 60, 6000);
       }},
  };
}

std::vector<HurtHost> posting_cases() {
  return {
      {"posted-msi-clobber",
       [](KvmTree& tree) {
         tree.kernel = "6.12.23";
         more_cmdline(tree, "intremap=posted_msi");
         tree.counters = " PMN: 5 5 Posted MSI notification event\n";
       }},
      {"irq-posted", [](KvmTree& tree) { set_rates(tree, 40, 0); }},
  };
}

std::vector<HurtHost> placement_cases() {
  return {
      {"vector-on-vcpu", [](KvmTree& tree) { tree.irqs[41].cpu = 2; }},
      {"vector-on-vcpu-sibling",
       [](KvmTree& tree) {
         tree.vms["web1"].pins = {"3"};
         tree.irqs[41].cpu = 11;
       }},
      {"vector-on-isolated",
       [](KvmTree& tree) {
         tree.cmdline = "irqaffinity=0,4-8,12-15 isolcpus=managed_irq,domain,1-3,9-11";
         tree.isolated = "1-3,9-11";
         tree.default_mask = "f1f1";
         tree.irqs[43].cpu = 8;
         tree.irqs[81].rate = 10;  // The host's own is another finding.
       }},
      {"irq-thread-on-vcpu",
       [](KvmTree& tree) {
         tree.file("/sys/kernel/realtime", "1\n");
         add_handler_thread(tree, 941, "irq/41-vfio-msi", "3");
         add_handler_thread(tree, 942, "irq/42-vfio-msi", "8");  // With its interrupt.
       }},
      {"vector-remote", [](KvmTree& tree) { tree.irqs[41].cpu = 4; }},
      {"host-irq-on-vcpu", [](KvmTree& tree) { tree.irqs[60].cpu = 2; }},
      {"host-irq-on-isolated",
       [](KvmTree& tree) {
         tree.cmdline = "irqaffinity=0,4-8,12-15 isolcpus=managed_irq,domain,1-3,9-11";
         tree.isolated = "1-3,9-11";
         tree.default_mask = "f1f1";
         tree.irqs[41].cpu = 8;  // The vectors' own is another finding.
         tree.irqs[43].cpu = 0;
         tree.irqs[60].cpu = 1;
       }},
      {"irq-storm",
       [](KvmTree& tree) {
         tree.irqs[9] = {{"acpi"}, 4, 52'000, {}, {}};
         tree.irqs[9].chip = "IR-IO-APIC";
       }},
      {"cpu-crowded",
       [](KvmTree& tree) {
         set_cpus(tree, 40, {0, 0, 0, 0});
         set_rates(tree, 40, 3000);
       }},
      {"cpu-irq-busy", [](KvmTree& tree) { tree.busy[5] = 0.9; }},
      {"effective-outside-mask", [](KvmTree& tree) { tree.irqs[41].mask = "0"; }},
      {"vector-budget",
       [](KvmTree& tree) {
         for (unsigned i = 0; i < 170; ++i) {
           tree.irqs[100 + i] = {{fmt::format("eth1-TxRx-{}", i)}, 6, 0, "0000:5e:00.0", {}};
         }
       }},
      {"no-housekeeping-cpu", fill_node},
      {"device-node-unknown",
       [](KvmTree& tree) { tree.file("/sys/devices/pci0000:00/0000:3b:00.0/numa_node", "-1\n"); }},
      {"vm-remote-device",
       [](KvmTree& tree) {
         tree.file("/sys/devices/pci0000:00/0000:3b:00.0/numa_node", "1\n");
         set_cpus(tree, 40, {12, 13, 14, 15});
       }},
      {"vm-unpinned",
       [](KvmTree& tree) {
         tree.add_device(kOtherLineDevice, "vfio-pci", 0, 9);
         tree.vms["float"] = {{"", ""}, "0-1", {9}};
       }},
      {"emulator-on-vcpu", [](KvmTree& tree) { tree.vms["db1"].emulator = "2,10"; }},
      {"vcpus-share-a-cpu",
       [](KvmTree& tree) {
         tree.vms["db1"].pins = {"2", "2"};
       }},
      {"vcpu-pin-absent",
       [](KvmTree& tree) {
         tree.file("/etc/libvirt/qemu/off.xml",
                   "<domain><name>off</name><vcpu cpuset='4000'>1</vcpu></domain>");
       }},
      {"vcpu-pool-isolated",
       [](KvmTree& tree) {
         tree.vms["db1"].pins = {"2,10", "2,10"};
       }},
  };
}

std::vector<HurtHost> conflict_cases() {
  return {
      {"irqbalance-moves-vectors",
       [](KvmTree& tree) {
         add_process(tree, "irqbalance", {"/usr/sbin/irqbalance", "--foreground"});
       }},
      {"irqbalance-cpus", [](KvmTree& tree) { balance(tree, "2-3"); }},
      {"tuned-moves-vectors",
       [](KvmTree& tree) {
         add_process(tree, "tuned", {"/usr/bin/python3", "/usr/sbin/tuned"});
         tree.file("/etc/tuned/active_profile", "realtime-virtual-host\n");
         tree.file("/usr/lib/tuned/profiles/realtime-virtual-host/tuned.conf",
                   "[scheduler]\nisolated_cores=2-3,10-11\n");
       }},
      {"crio-irq-affinity", [](KvmTree& tree) { add_process(tree, "crio", {"/usr/bin/crio"}); }},
      {"google-agent-irq-affinity",
       [](KvmTree& tree) {
         add_process(tree, "google_guest_ag", {"/usr/bin/google_guest_agent"});
       }},
      {"link-irq-affinity",
       [](KvmTree& tree) {
         tree.file("/usr/lib/systemd/network/70-nic.link", "[Link]\nIRQAffinityPolicy=spread\n");
       }},
      {"irq-affinity-script",
       [](KvmTree& tree) {
         tree.file("/etc/rc.local",
                   "#!/bin/sh\nfor i in /proc/irq/*/smp_affinity; do echo f > $i; done\n");
       }},
  };
}

std::vector<HurtHost> setting_cases() {
  return {
      {"default-affinity-on-vcpu", [](KvmTree& tree) { tree.default_mask = "ffff"; }},
      {"intremap-off",
       [](KvmTree& tree) {
         for (unsigned irq = 40; irq < 44; ++irq) {
           tree.irqs[irq].chip = "PCI-MSIX";
         }
       }},
      {"unsafe-interrupts",
       [](KvmTree& tree) {
         tree.file("/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "Y\n");
       }},
      {"iommu-off", [](KvmTree& tree) { more_cmdline(tree, "intel_iommu=off"); }},
      {"pci-nomsi", [](KvmTree& tree) { more_cmdline(tree, "pci=nomsi"); }},
      {"posting-off", [](KvmTree& tree) { more_cmdline(tree, "intremap=nopost"); }},
      {"threadirqs", [](KvmTree& tree) { more_cmdline(tree, "threadirqs"); }},
      {"cmdline-conflict",
       [](KvmTree& tree) { tree.cmdline = "irqaffinity=0-N isolcpus=domain,2-3,10-11"; }},
      {"kernel-cmdline",
       [](KvmTree& tree) {
         tree.cmdline = "root=/dev/sda1 quiet intel_iommu=on iommu=pt";
         tree.isolated = "";
       }},
      {"cpu-governor", [](KvmTree& tree) { tree.add_power(8, "powersave", 2); }},
      {"cpu-deep-idle", [](KvmTree& tree) { tree.add_power(8, "schedutil", 170); }},
      {"halt-polling",
       [](KvmTree& tree) { tree.file("/sys/module/kvm/parameters/halt_poll_ns", "1000000\n"); }},
      {"time-squeeze",
       [](KvmTree& tree) {
         tree.file("/proc/net/softnet_stat",
                   "000f4240 00000000 000007d0 0 0 0 0 0 0 0 0 0 00000005 0 0\n");
       }},
      {"folklore-nox2apic", [](KvmTree& tree) { more_cmdline(tree, "nox2apic"); }},
      {"folklore-max-cstate", [](KvmTree& tree) { more_cmdline(tree, "intel_idle.max_cstate=1"); }},
      {"folklore-numa-aware",
       [](KvmTree& tree) {
         tree.file("/etc/default/irqbalance", "IRQBALANCE_ARGS=\"--numa_aware\"\n");
       }},
      {"folklore-netdev-budget",
       [](KvmTree& tree) {
         tree.file("/proc/sys/net/core/netdev_budget", "60000\n");
         tree.file("/etc/sysctl.d/90-tuning.conf", "net.core.netdev_budget = 60000\n");
       }},
      {"folklore-ethtool-hkey",
       [](KvmTree& tree) { tree.file("/etc/rc.local", "#!/bin/sh\nethtool -X eth0 hkey\n"); }},
  };
}

}  // namespace

std::vector<HurtHost> hurt_hosts() {
  std::vector<HurtHost> all;
  for (const auto& family :
       {sharing_cases(), posting_cases(), placement_cases(), conflict_cases(), setting_cases()}) {
    all.insert(all.end(), family.begin(), family.end());
  }
  return all;
}

}  // namespace irqtune::test
