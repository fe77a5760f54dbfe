// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/host.h"

#include "irqtune/core/error.h"
#include "irqtune/read/read.h"

#include "support/catch.h"
#include "support/hosts/cpu_tree.h"
#include "support/hosts/make_host.h"

#include <fmt/format.h>

#include <sys/stat.h>

namespace irqtune::test {

namespace {

constexpr auto kTable =
    "           CPU0       CPU2\n"
    " 40:  100  0  IR-PCI-MSI 1-edge vfio-msix[0](0000:21:00.0)\n"
    "NMI:    1  2  Non-maskable interrupts\n";

bool warns(const Host& host, std::string_view text) {
  return std::ranges::any_of(host.warnings, [&](const std::string& warning) {
    return warning.find(text) != std::string::npos;
  });
}

}  // namespace

TEST_CASE("host: /proc/interrupts alone is enough", "[read][host]") {
  const FakeTree tree{{"/proc/interrupts", kTable}};
  const auto host = read_host(tree.sysfs(), {});
  REQUIRE(host.irqs.size() == 1);
  CHECK(host.irqs[0].vector == VectorId{address("0000:21:00.0"), VectorKind::msix, 0});
  CHECK(host.counters.size() == 1);
  CHECK(host.topology.online == CpuSet{0, 2});
  REQUIRE(host.topology.cpus.size() == 2);
  CHECK(host.topology.cpus[1].number == 2);
  CHECK(host.topology.cpus[1].online);
  CHECK(host.devices.size() == 1);
  CHECK(host.rate_source == RateSource::none);
  CHECK_FALSE(host.id.hostname);
  CHECK_FALSE(host.default_affinity);
  CHECK(warns(host, "/sys/devices/system/cpu"));
  CHECK(warns(host, "/sys/bus/pci/devices"));
}

TEST_CASE("host: an empty tree is a host of which nothing is known", "[read][host]") {
  const FakeTree tree;
  const auto host = read_host(tree.sysfs(), {});
  CHECK(host.irqs.empty());
  CHECK(host.vms.empty());
  CHECK(warns(host, "/proc/interrupts: No such file or directory"));
}

TEST_CASE("host: who it is", "[read][host]") {
  FakeTree tree{{"/proc/sys/kernel/hostname", "kvm7\n"},
                {"/proc/sys/kernel/osrelease", "6.12.95+deb12-amd64\n"},
                {"/proc/sys/kernel/random/boot_id", "0d9bd1b6-ec80-48e9-9a5a-2ab5a52c3c4b\n"},
                {"/proc/cmdline", "quiet\n"},
                {"/proc/version", "Linux version 5.0 (gcc)\n"}};
  auto id = read_host_id(tree.sysfs());
  CHECK(id.hostname == "kvm7");
  CHECK(id.kernel == "6.12.95+deb12-amd64");
  CHECK(id.boot_id == "0d9bd1b6-ec80-48e9-9a5a-2ab5a52c3c4b");
  CHECK(id.cmdline == "quiet");
  std::filesystem::remove(tree.root() / "proc/sys/kernel/osrelease");
  CHECK(read_host_id(tree.sysfs()).kernel == "5.0");
}

TEST_CASE("host: default_smp_affinity", "[read][host]") {
  FakeTree tree{{"/proc/interrupts", kTable}, {"/proc/irq/default_smp_affinity", "0,00000f0f\n"}};
  CHECK(read_host(tree.sysfs(), {}).default_affinity == CpuSet{0, 1, 2, 3, 8, 9, 10, 11});
  tree.file("/proc/irq/default_smp_affinity", "nonsense\n");
  CHECK_FALSE(read_host(tree.sysfs(), {}).default_affinity);
}

TEST_CASE("host: a node that the user names", "[read][host]") {
  FakeTree tree{{"/proc/interrupts", kTable}};
  add_pci(tree, "/pci0000:20", "0000:21:00.0", "-1");
  ReadOptions options;
  options.assume_nodes[address("0000:21:00.0")] = NodeId{1};
  const auto host = read_host(tree.sysfs(), options);
  CHECK(host.devices[0].node == NodeId{1});
  CHECK(host.devices[0].node_source == NodeSource::assumed);
  options.assume_nodes[address("0000:22:00.0")] = NodeId{0};
  CHECK_THROWS_WITH(read_host(tree.sysfs(), options),
                    "--assume-node 0000:22:00.0: this host has no such device");
}

TEST_CASE("host: --lscpu fills what sysfs does not say", "[read][host]") {
  const FakeTree tree{{"/proc/interrupts", kTable}};
  ReadOptions options;
  options.cpu_text = parse_cpu_text("# CPU,Core,Socket,Node\n0,0,0,0\n2,1,1,1\n?,2,1,1\n", "f");
  const auto host = read_host(tree.sysfs(), options);
  CHECK(host.topology.nodes.size() == 2);
  CHECK(find_cpu(host.topology, 2)->node == NodeId{1});
  CHECK(warns(host, "f: 1 row"));
}

TEST_CASE("host: siblings that --lscpu counts and does not name are missed", "[read][host]") {
  FakeTree tree{{"/proc/interrupts", kTable}};
  const auto read = [&](std::string_view threads) {
    ReadOptions options;
    options.cpu_text = parse_cpu_text(
        fmt::format("CPU(s): 2\nOn-line CPU(s) list: 0,2\nThread(s) per core: {}\n", threads), "f");
    return read_host(tree.sysfs(), options);
  };
  CHECK(warns(read("2"), "--lscpu: 2 threads a core"));
  const auto single = read("1");
  CHECK_FALSE(warns(single, "threads a core"));
  CHECK(find_cpu(single.topology, 2)->siblings == CpuSet{2});
  for (const auto* cpu : {"0", "2"}) {
    tree.file(fmt::format("/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list", cpu),
              "0,2\n");
  }
  CHECK_FALSE(warns(read("2"), "threads a core"));
}

TEST_CASE("host: things in the files' places neither hang nor stop it", "[read][host]") {
  FakeTree tree{{"/proc/interrupts", kTable}};
  for (const auto* path : {"/proc/stat/x",
                           "/proc/uptime/x",
                           "/proc/sys/kernel/hostname/x",
                           "/proc/irq/default_smp_affinity/x",
                           "/sys/devices/system/cpu/cpu0/topology/core_id/x"}) {
    tree.file(path, "");
  }
  for (const auto* path : {"proc/cmdline", "proc/version", "sys/devices/system/cpu/online"}) {
    REQUIRE(::mkfifo((tree.root() / path).c_str(), 0600) == 0);
  }
  tree.link("/proc/irq/40", "40");
  tree.link("/sys/bus/pci/devices/0000:21:00.0", "/nowhere");
  const auto host = read_host(tree.sysfs(), {});
  CHECK(host.irqs.size() == 1);
  CHECK(host.topology.online == CpuSet{0});
  CHECK(host.devices.size() == 1);
}

TEST_CASE("host: look-ups", "[core][host]") {
  auto host = make_host({2, 2, 1, 1});
  add_device(host, "0000:21:00.0", NodeId{0});
  add_vector(host, "0000:21:00.0", "0-1", 5);
  const auto& irq = host.irqs[0];
  CHECK(find_irq(host, irq.number) == &irq);
  CHECK(find_irq(host, IrqNumber{9999}) == nullptr);
  CHECK(find_vector(host, *irq.vector) == &irq);
  CHECK(find_vector(host, {address("0000:21:00.0"), VectorKind::msi, 0}) == nullptr);
  CHECK(find_device(host, address("0000:21:00.0")) == host.devices.data());
  CHECK(find_device(host, address("0000:21:00.1")) == nullptr);
  CHECK(find_cpu(host.topology, 3)->number == 3);
  CHECK(find_cpu(host.topology, 4) == nullptr);
  CHECK(find_cpu(host.topology, -1) == nullptr);
}

TEST_CASE("host: a running VM owns its device before a defined one", "[core][host]") {
  auto host = make_host({1, 4, 1, 1});
  const auto device = address("0000:21:00.0");
  CHECK(find_owner(host, device) == nullptr);
  add_vm(host, "a-defined", {""}, {"0000:21:00.0"}).state = VmState::defined;
  CHECK(find_owner(host, device)->name == "a-defined");
  add_vm(host, "running", {""}, {"0000:21:00.0"});
  CHECK(find_owner(host, device)->name == "running");
}

TEST_CASE("host: distances", "[core][host]") {
  auto host = make_host({2, 1, 1, 1});
  CHECK(distance(host.topology, NodeId{0}, NodeId{1}) == 21);
  CHECK(distance(host.topology, NodeId{1}, NodeId{1}) == 10);
  CHECK_FALSE(distance(host.topology, NodeId{0}, NodeId{7}));
  host.topology.nodes[0].distances.clear();
  CHECK_FALSE(distance(host.topology, NodeId{0}, NodeId{1}));
}

}  // namespace irqtune::test
