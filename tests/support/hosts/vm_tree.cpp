// SPDX-License-Identifier: Apache-2.0
#include "support/hosts/vm_tree.h"

#include "support/catch.h"

#include <fmt/format.h>

#include <algorithm>

namespace irqtune::test {

void add_thread(FakeTree& tree,
                int pid,
                int tid,
                std::string_view comm,
                std::string_view cpus,
                int guest_time,
                int started) {
  const auto directory = fmt::format("/proc/{}/task/{}", pid, tid);
  tree.file(directory + "/comm", fmt::format("{}\n", comm));
  tree.file(directory + "/status",
            fmt::format("Name:\t{}\nState:\tS (sleeping)\nCpus_allowed:\tffff\n"
                        "Cpus_allowed_list:\t{}\nMems_allowed_list:\t0\n",
                        comm,
                        cpus));
  std::string stat = fmt::format("{} ({}) S", tid, comm);
  for (int field = 4; field <= 52; ++field) {
    stat += fmt::format(" {}", field == 43 ? guest_time : field == 22 ? started : field);
  }
  tree.file(directory + "/stat", stat + '\n');
}

void add_process(FakeTree& tree,
                 int pid,
                 std::string_view comm,
                 const std::vector<std::string_view>& words,
                 std::string_view cpus) {
  tree.file(fmt::format("/proc/{}/comm", pid), fmt::format("{}\n", comm));
  std::string cmdline;
  for (const auto word : words) {
    cmdline += word;
    cmdline += '\0';
  }
  tree.file(fmt::format("/proc/{}/cmdline", pid), cmdline);
  tree.file(fmt::format("/proc/{}/status", pid),
            fmt::format("Name:\t{}\nUid:\t0\t0\t0\t0\n", comm));
  add_thread(tree, pid, pid, comm, cpus);
}

void add_descriptors(FakeTree& tree, int pid, std::initializer_list<std::string_view> targets) {
  int fd = 0;
  for (const auto target : targets) {
    tree.link(fmt::format("/proc/{}/fd/{}", pid, fd++), target);
  }
}

PciDevice make_device(std::string_view address, int group, bool passthrough) {
  PciDevice device;
  device.address = PciAddress::parse(address).value();
  device.class_code = 0x020000;
  device.driver = passthrough ? "vfio-pci" : "e1000e";
  device.passthrough = passthrough;
  device.iommu_group = group;
  return device;
}

void add_qemu(FakeTree& tree,
              int pid,
              std::string_view name,
              std::initializer_list<std::string_view> pins,
              std::string_view others) {
  const auto option = fmt::format("guest={},debug-threads=on", name);
  add_process(
      tree, pid, "qemu-system-x86", {"/usr/bin/qemu-system-x86_64", "-name", option}, others);
  add_thread(tree, pid, pid + 1, "call_rcu", others);
  int vcpu = 0;
  for (const auto pin : pins) {
    add_thread(tree, pid, pid + 2 + vcpu, fmt::format("CPU {}/KVM", vcpu), pin, 7);
    ++vcpu;
  }
}

Topology sixteen_cpus() {
  Topology topology;
  topology.online.insert_range(0, 15);
  return topology;
}

const Vm& require_vm(const VmsRead& read, std::string_view name) {
  const auto found = std::ranges::find(read.vms, name, &Vm::name);
  INFO("VM " << name);
  REQUIRE(found != read.vms.end());
  return *found;
}

std::string pins_text(const Vm& vm) {
  std::string text;
  for (const auto& vcpu : vm.vcpus) {
    text += fmt::format("{}{}:{}{}",
                        text.empty() ? "" : " ",
                        vcpu.id,
                        vcpu.cpus ? vcpu.cpus->to_list() : "?",
                        vcpu.dedicated ? "!"
                        : vcpu.pinned  ? "*"
                                       : "");
  }
  return text;
}

std::string devices_text(const Vm& vm) {
  std::string text;
  for (const auto& device : vm.devices) {
    text += text.empty() ? "" : " ";
    text += device.to_string();
  }
  return text;
}

bool warns(const VmsRead& read, std::string_view text) {
  return std::ranges::any_of(read.warnings, [&](const std::string& warning) {
    return warning.find(text) != std::string::npos;
  });
}

}  // namespace irqtune::test
