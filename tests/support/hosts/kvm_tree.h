// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/hosts/fake_tree.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace irqtune::test {

/// One interrupt of a KvmTree.
struct TreeIrq {
  std::vector<std::string> actions;
  int cpu = 0;             ///< Where it is delivered.
  double rate = 0;         ///< Interrupts per second, since boot and now.
  std::string device;      ///< Its PCI address; empty for a line.
  std::string chip;        ///< Empty: by what it is.
  std::string mask = {};   ///< Empty: `cpu`.
  bool settable = true;    ///< False: its files are read-only, as of a managed interrupt.
  unsigned unhandled = 0;  ///< Of /proc/irq/N/spurious
  unsigned hwirq = 0;
};

/// A VM of a KvmTree.
struct TreeVm {
  std::vector<std::string> pins;  ///< Of each vCPU; "" is one that floats.
  std::string emulator;
  std::vector<int> groups;  ///< IOMMU groups that it has open.
};

/// A KVM host with nothing to complain about, as a tree with two readings ten seconds apart.
///
/// Two nodes of four cores with two threads: CPUs 0-3 and 8-11, 4-7 and 12-15. VMs db1 (cores 2 and
/// 10) and web1 (3 and 11); the kernel keeps their cores clear, and interrupts start elsewhere. db1
/// has 0000:3b:00.0 of node 0 with IRQ 40-43; the host has a NIC (60-63), an NVMe with managed
/// queues (80-83) and a quiet shared line (16). A test changes what it likes, and then calls
/// write().
class KvmTree : public FakeTree {
 public:
  KvmTree();

  /// Writes what the members say.
  void write();

  /// A PCI device of node `node`, bound to `driver`, in an IOMMU group unless that is negative.
  void add_device(std::string_view address, std::string_view driver, int node, int group = -1);

  /// A passed-through device that has nothing but a line; its capability list offers `capability`
  /// (5 is MSI), or nothing if that is 0.
  void add_line_device(std::string_view address, int group, unsigned char capability = 0);

  /// A process, by its name and its words.
  void add_process(int pid, std::string_view comm, const std::vector<std::string>& words = {});

  /// What decides how fast a CPU wakes up.
  void add_power(int cpu, std::string_view governor, int deepest_us);

  std::map<unsigned, TreeIrq> irqs;
  std::map<std::string, TreeVm> vms;
  std::string kernel = "6.12.95+deb13-amd64";
  std::string cmdline = "ro irqaffinity=0-1,4-9,12-15 isolcpus=managed_irq,domain,2-3,10-11";
  std::string isolated = "2-3,10-11";  ///< Of /sys/devices/system/cpu
  std::string default_mask = "f3f3";
  std::string counters;        ///< More rows behind the interrupts, with their newlines.
  std::map<int, double> busy;  ///< Share of time in interrupts, by CPU.

 private:
  [[nodiscard]] std::string table(int seconds) const;
  [[nodiscard]] std::string stat(int seconds) const;
  void write_irq(unsigned number, const TreeIrq& irq);
  void write_vm(int pid, std::string_view name, const TreeVm& vm);
};

}  // namespace irqtune::test
