// SPDX-License-Identifier: Apache-2.0
#include "support/hosts/kvm_tree.h"

#include "support/hosts/cpu_tree.h"
#include "support/hosts/vm_tree.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>

namespace irqtune::test {

namespace {

namespace fs = std::filesystem;

constexpr int kCpus = 16;
constexpr int kUptime = 86400;  // Seconds, at the first reading
constexpr int kSample = 10;
constexpr int kFirstPid = 1000;

constexpr auto kDevice = "0000:3b:00.0";
constexpr auto kNic = "0000:5e:00.0";
constexpr auto kDisk = "0000:01:00.0";

std::string device_dir(std::string_view address) {
  return fmt::format("/sys/devices/pci0000:00/{}", address);
}

bool is_msi(const TreeIrq& irq) {
  return !irq.device.empty();
}

std::string chip_of(const TreeIrq& irq) {
  const auto chip = !irq.chip.empty() ? irq.chip : is_msi(irq) ? "IR-PCI-MSIX" : "IR-IO-APIC";
  return is_msi(irq) ? fmt::format("{}-{}", chip, irq.device) : chip;
}

}  // namespace

KvmTree::KvmTree() {
  for (int cpu = 0; cpu < kCpus; ++cpu) {
    const int core = cpu % 8;
    add_cpu(*this, cpu, core / 4, core, fmt::format("{},{}", core, core + 8));
    add_cache(*this, cpu, 3, 3, "Unified", core < 4 ? "0-3,8-11" : "4-7,12-15");
  }
  add_node(*this, 0, "0-3,8-11", "10 21");
  add_node(*this, 1, "4-7,12-15", "21 10");
  add_device(kDevice, "vfio-pci", 0, 7);
  add_device(kNic, "ixgbe", 1);
  add_device(kDisk, "nvme", 0);
  const std::vector<int> near_vm = {0, 1, 8, 9};
  const std::vector<int> disk_cpus = {0, 1, 4, 5};
  for (unsigned i = 0; i < 4; ++i) {
    irqs[40 + i] = {{fmt::format("vfio-msix[{}]({})", i, kDevice)},
                    near_vm[i],
                    i == 0 ? 2.0 : 900.0,
                    kDevice,
                    {}};
    irqs[60 + i] = {{fmt::format("eth0-TxRx-{}", i)}, 4 + static_cast<int>(i), 500, kNic, {}};
    irqs[80 + i] = {{fmt::format("nvme0q{}", i)}, disk_cpus[i], 100, kDisk, {}};
    irqs[80 + i].settable = false;
    irqs[40 + i].hwirq = irqs[60 + i].hwirq = irqs[80 + i].hwirq = i;
  }
  irqs[16] = {{"i801_smbus", "ehci_hcd:usb1"}, 1, 2, {}, {}};
  vms["db1"] = {{"2", "10"}, "0-1,8-9", {7}};
  vms["web1"] = {{"3", "11"}, "0-1,8-9", {}};
  file("/sys/module/kvm_intel/parameters/enable_apicv", "Y\n");
  file("/sys/module/kvm/parameters/halt_poll_ns", "200000\n");
  file("/proc/sys/net/core/netdev_budget", "300\n");
  file("/proc/sys/net/core/netdev_budget_usecs", "8000\n");
  for (const int cpu : near_vm) {
    add_power(cpu, "schedutil", 2);
  }
}

void KvmTree::add_device(std::string_view address, std::string_view driver, int node, int group) {
  const auto dir = add_pci(*this, "/pci0000:00", address, std::to_string(node));
  file(dir + "/irq", "0\n");
  file(fmt::format("/sys/bus/pci/drivers/{}/uevent", driver), "");
  link(dir + "/driver", fmt::format("../../../bus/pci/drivers/{}", driver));
  if (group >= 0) {
    const auto iommu = fmt::format("/sys/kernel/iommu_groups/{}", group);
    file(iommu + "/type", "DMA\n");
    link(dir + "/iommu_group", fmt::format("../../../kernel/iommu_groups/{}", group));
    link(fmt::format("{}/devices/{}", iommu, address), "../../../.." + dir.substr(4));
  }
}

void KvmTree::add_line_device(std::string_view address, int group, unsigned char capability) {
  add_device(address, "vfio-pci", 0, group);
  std::string config(64, '\0');
  config[0] = '\x86';
  config[1] = '\x80';
  if (capability != 0) {
    config[0x06] = 0x10;
    config[0x34] = 0x38;
    config[0x38] = static_cast<char>(capability);
  }
  file(device_dir(address) + "/config", config);
}

void KvmTree::add_process(int pid, std::string_view comm, const std::vector<std::string>& words) {
  test::add_process(*this, pid, comm, {}, fmt::format("0-{}", kCpus - 1));
  std::string text;
  for (const auto& word : words) {
    text += word;
    text += '\0';
  }
  file(fmt::format("/proc/{}/cmdline", pid), text);
}

void KvmTree::add_power(int cpu, std::string_view governor, int deepest_us) {
  const auto dir = fmt::format("/sys/devices/system/cpu/cpu{}/", cpu);
  file(dir + "cpufreq/scaling_governor", fmt::format("{}\n", governor));
  file(dir + "cpufreq/scaling_driver", "acpi-cpufreq\n");
  file(dir + "power/pm_qos_resume_latency_us", "0\n");
  file(dir + "cpuidle/state0/name", "POLL\n");
  file(dir + "cpuidle/state0/latency", "0\n");
  file(dir + "cpuidle/state1/name", "C6\n");
  file(dir + "cpuidle/state1/latency", fmt::format("{}\n", deepest_us));
}

std::string KvmTree::table(int seconds) const {
  std::string text(5, ' ');
  for (int cpu = 0; cpu < kCpus; ++cpu) {
    text += fmt::format("CPU{:<8}", cpu);
  }
  text += '\n';
  for (const auto& [number, irq] : irqs) {
    text += fmt::format("{:4}: ", number);
    for (int cpu = 0; cpu < kCpus; ++cpu) {
      const auto count = irq.rate * (kUptime + seconds);
      text += fmt::format("{:10} ", cpu == irq.cpu ? static_cast<std::uint32_t>(count) : 0);
    }
    text += fmt::format(" {}  {}-{}      {}\n",
                        chip_of(irq),
                        irq.hwirq,
                        is_msi(irq) ? "edge" : "fasteoi",
                        fmt::join(irq.actions, ", "));
  }
  return text + " NMI: 0 0 Non-maskable interrupts\n" + counters;
}

std::string KvmTree::stat(int seconds) const {
  std::string text;
  for (int cpu = 0; cpu < kCpus; ++cpu) {
    const auto found = busy.find(cpu);
    const auto ticks = static_cast<double>(seconds) * 100;
    const auto irq = ticks * (found != busy.end() ? found->second : 0.01);
    text += fmt::format("cpu{} 0 0 0 {:.0f} 0 {:.0f} 0 0 0 0\n", cpu, 1e6 + ticks - irq, 1e4 + irq);
  }
  return text;
}

void KvmTree::write_irq(unsigned number, const TreeIrq& irq) {
  const auto dir = fmt::format("/proc/irq/{}/", number);
  const auto cpu = fmt::format("{}\n", irq.cpu);
  file(dir + "smp_affinity_list", irq.mask.empty() ? cpu : irq.mask + '\n');
  file(dir + "effective_affinity_list", cpu);
  file(dir + "spurious",
       fmt::format("count 9\nunhandled {}\nlast_unhandled 0 ms\n", irq.unhandled));
  fs::permissions(root() / dir.substr(1) / "smp_affinity_list",
                  irq.settable ? fs::perms(0644) : fs::perms(0444));
  if (is_msi(irq)) {
    file(fmt::format("{}/msi_irqs/{}", device_dir(irq.device), number), "msix\n");
  }
}

void KvmTree::write_vm(int pid, std::string_view name, const TreeVm& vm) {
  const auto option = fmt::format("guest={},debug-threads=on", name);
  test::add_process(*this,
                    pid,
                    "qemu-system-x86",
                    {"/usr/bin/qemu-system-x86_64", "-name", option, "-enable-kvm"},
                    vm.emulator);
  int tid = pid + 10;
  for (const auto& pin : vm.pins) {
    add_thread(*this,
               pid,
               tid,
               fmt::format("CPU {}/KVM", tid - pid - 10),
               pin.empty() ? fmt::format("0-{}", kCpus - 1) : pin,
               7);
    ++tid;
  }
  link(fmt::format("/proc/{}/fd/0", pid), "/dev/null");
  int fd = 20;
  for (const int group : vm.groups) {
    link(fmt::format("/proc/{}/fd/{}", pid, fd++), fmt::format("/dev/vfio/{}", group));
  }
}

void KvmTree::write() {
  const auto all = fmt::format("0-{}\n", kCpus - 1);
  for (const auto* const name : {"online", "present", "possible"}) {
    file(fmt::format("/sys/devices/system/cpu/{}", name), all);
  }
  file("/sys/devices/system/cpu/isolated", isolated + '\n');
  file("/proc/cmdline", cmdline + '\n');
  file("/proc/sys/kernel/osrelease", kernel + '\n');
  file("/proc/irq/default_smp_affinity", default_mask + '\n');
  for (const auto& [number, irq] : irqs) {
    write_irq(number, irq);
  }
  int pid = kFirstPid;
  for (const auto& [name, vm] : vms) {
    write_vm(pid, name, vm);
    pid += 100;
  }
  file("/proc/interrupts", table(0));
  file("/proc/stat", stat(0));
  file("/proc/uptime", fmt::format("{}.00 1.00\n", kUptime));
  file("/sample2/proc/interrupts", table(kSample));
  file("/sample2/proc/stat", stat(kSample));
  file("/sample2/proc/uptime", fmt::format("{}.00 1.00\n", kUptime + kSample));
}

}  // namespace irqtune::test
