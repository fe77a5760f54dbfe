// SPDX-License-Identifier: Apache-2.0
#include "read/interrupts/irqs.h"

#include "irqtune/core/text.h"
#include "irqtune/read/interrupts/interrupts.h"

#include "read/devices/devices.h"
#include "support/catch.h"
#include "support/hosts/cpu_tree.h"

#include <fmt/format.h>

#include <sys/stat.h>

namespace irqtune::test {

namespace {

constexpr auto kParents = "/pci0000:20/0000:20:00.0";

/// A host with the rows of `table` and the devices of the tree.
Host join(const FakeTree& tree,
          const std::string& table,
          Detail detail = Detail::passthrough,
          const std::string& kernel = "6.1.0-56-amd64") {
  Host host;
  host.id.kernel = kernel;
  host.irqs = parse_interrupts(table).irqs;
  host.devices = read_pci(tree.sysfs());
  join_irqs(tree.sysfs(), detail, host);
  return host;
}

const Irq& irq(const Host& host, std::uint32_t number) {
  const auto* found = find_irq(host, IrqNumber{number});
  INFO("IRQ " << number);
  REQUIRE(found != nullptr);
  return *found;
}

std::string vector_of(const Host& host, std::uint32_t number) {
  const auto& found = irq(host, number);
  return found.vector ? found.vector->to_string() : "none";
}

/// A device bound to vfio-pci that has the given MSI-X interrupts.
void add_passthrough(FakeTree& tree, const std::string& name, const std::vector<int>& irqs) {
  const auto dir = add_pci(tree, kParents, name, "0");
  tree.link(dir + "/driver", "../../../../bus/pci/drivers/vfio-pci");
  for (const int number : irqs) {
    tree.file(fmt::format("{}/msi_irqs/{}", dir, number), "msix\n");
  }
}

void add_masks(FakeTree& tree, int number, std::string_view asked, std::string_view effective) {
  const auto dir = fmt::format("/proc/irq/{}/", number);
  tree.file(dir + "smp_affinity_list", fmt::format("{}\n", asked));
  tree.file(dir + "effective_affinity_list", fmt::format("{}\n", effective));
  tree.file(dir + "node", "0\n");
}

void set_mode(const FakeTree& tree, const std::string& path, mode_t mode) {
  REQUIRE(::chmod((tree.root() / path.substr(1)).c_str(), mode) == 0);
}

constexpr auto kHeader = "           CPU0       CPU1\n";

}  // namespace

TEST_CASE("irqs: a vfio handler's name is the identity, before chip and msi_irqs", "[read][irqs]") {
  FakeTree tree;
  add_passthrough(tree, "0000:21:00.0", {40, 41});
  const auto host = join(tree,
                         std::string(kHeader) +
                             " 40:  1  2  IR-PCI-MSI 17301504-edge  vfio-msix[7](0000:21:00.0)\n"
                             " 41:  1  2  IR-PCI-MSI 17301505-edge  vfio-msi[0](0000:99:00.0)\n"
                             " 11:  0  3  IR-IO-APIC 20-fasteoi  vfio-intx(0000:00:04.0)\n");
  CHECK(vector_of(host, 40) == "0000:21:00.0/msix/7");
  CHECK(vector_of(host, 41) == "0000:99:00.0/msi/0");
  CHECK(vector_of(host, 11) == "0000:00:04.0/intx/0");
  CHECK(irq(host, 11).device == PciAddress{0, 0, 4, 0});
}

TEST_CASE("irqs: the owner of a vfio row is passed through, also unlisted", "[read][irqs]") {
  FakeTree tree;
  add_pci(tree, kParents, "0000:21:00.0", "0");
  const auto host = join(tree,
                         std::string(kHeader) +
                             " 40: 1 2 IR-PCI-MSI 1-edge vfio-msix[0](0000:21:00.0)\n"
                             " 41: 1 2 IR-PCI-MSI 2-edge vfio-msix[0](10000:e1:00.0)\n");
  REQUIRE(host.devices.size() == 2);
  CHECK(host.devices[0].passthrough);
  CHECK(host.devices[1].address.to_string() == "10000:e1:00.0");
  CHECK(host.devices[1].passthrough);
  CHECK_FALSE(host.devices[1].node);
}

TEST_CASE("irqs: the index of a vector without a vfio handler, by kernel", "[read][irqs]") {
  FakeTree tree;
  add_passthrough(tree, "0000:21:00.0", {40, 41});
  const auto old = join(tree,
                        std::string(kHeader) +
                            " 40: 1 2 IR-PCI-MSI 17301504-edge other\n"
                            " 41: 1 2 IR-PCI-MSI 17301507-edge other\n");
  CHECK(vector_of(old, 40) == "0000:21:00.0/msix/0");
  CHECK(vector_of(old, 41) == "0000:21:00.0/msix/3");
  const auto recent = join(tree,
                           std::string(kHeader) +
                               " 40: 1 2 IR-PCI-MSIX-0000:21:00.0 0-edge other\n"
                               " 41: 1 2 IR-PCI-MSIX-0000:21:00.0 3-edge other\n");
  CHECK(vector_of(recent, 40) == "0000:21:00.0/msix/0");
  CHECK(vector_of(recent, 41) == "0000:21:00.0/msix/3");
}

TEST_CASE("irqs: a chip that is not MSI's gives no index", "[read][irqs]") {
  FakeTree tree;
  add_passthrough(tree, "0000:21:00.0", {40});
  const auto host = join(tree, std::string(kHeader) + " 40: 1 2 GICv3 33 Level other\n");
  CHECK(irq(host, 40).device == PciAddress{0, 0x21, 0, 0});
  CHECK_FALSE(irq(host, 40).vector);
}

TEST_CASE("irqs: the index at a GIC ITS before 6.2 and since", "[read][irqs]") {
  FakeTree tree;
  add_passthrough(tree, "0000:21:00.0", {40, 41});
  const auto old = join(tree,
                        std::string(kHeader) +
                            " 40: 1 2 ITS-MSI 17301504 Edge other\n"
                            " 41: 1 2 ITS-MSI 17301507 Edge other\n");
  CHECK(vector_of(old, 40) == "0000:21:00.0/msix/0");
  CHECK(vector_of(old, 41) == "0000:21:00.0/msix/3");
  const auto recent = join(tree,
                           std::string(kHeader) +
                               " 40: 1 2 ITS-PCI-MSIX-0000:21:00.0 0 Edge other\n"
                               " 41: 1 2 ITS-PCI-MSIX-0000:21:00.0 3 Edge other\n");
  CHECK(vector_of(recent, 40) == "0000:21:00.0/msix/0");
  CHECK(vector_of(recent, 41) == "0000:21:00.0/msix/3");
}

TEST_CASE("irqs: allocated vectors without a row are added", "[read][irqs]") {
  FakeTree tree{{"/sys/kernel/irq/41/chip_name", "IR-PCI-MSI\n"},
                {"/sys/kernel/irq/41/hwirq", "17301506\n"},
                {"/sys/kernel/irq/41/type", "edge\n"},
                {"/sys/kernel/irq/41/actions", "\n"}};
  add_passthrough(tree, "0000:21:00.0", {40, 41, 42});
  add_masks(tree, 41, "0-1", "1");
  const auto host =
      join(tree,
           std::string(kHeader) + " 40: 1 2 IR-PCI-MSI 17301504-edge vfio-msix[0](0000:21:00.0)\n");
  REQUIRE(host.irqs.size() == 3);
  CHECK(irq(host, 40).listed);
  CHECK_FALSE(irq(host, 41).listed);
  CHECK(vector_of(host, 41) == "0000:21:00.0/msix/2");
  CHECK(irq(host, 41).actions.empty());
  CHECK(irq(host, 41).trigger == "edge");
  CHECK(irq(host, 41).affinity == CpuSet{0, 1});
  CHECK(irq(host, 41).effective == CpuSet{1});
  CHECK(total_count(irq(host, 41)) == 0);
  CHECK(vector_of(host, 42) == "none");  // Nothing says which it is.
  CHECK(irq(host, 42).device == PciAddress{0, 0x21, 0, 0});
}

TEST_CASE("irqs: where a row and the kernel's own file name another handler, the file is right",
          "[read][irqs]") {
  const std::string row = GENERATE("eth0", "vfio-msix[3](0000:99:00.0)", "vfio-msix[1](0000:21:0");
  FakeTree tree{{"/sys/kernel/irq/40/actions", "vfio-msix[1](0000:21:00.0)\n"},
                {"/sys/kernel/irq/50/actions", "another\n"}};
  add_passthrough(tree, "0000:21:00.0", {40});
  const auto host = join(tree,
                         std::string(kHeader) + " 40: 1 2 IR-PCI-MSI 17301504-edge  " + row +
                             "\n 50: 1 2 IR-PCI-MSI 5-edge  eth1\n");
  CHECK(vector_of(host, 40) == "0000:21:00.0/msix/1");
  CHECK(irq(host, 40).device == PciAddress{0, 0x21, 0, 0});
  CHECK(irq(host, 40).actions.front() == "vfio-msix[1](0000:21:00.0)");
  CHECK(irq(host, 50).actions.front() == "eth1");  // Nothing doubtful: not opened.
}

TEST_CASE("irqs: names that went on in other lines are the kernel's file's", "[read][irqs]") {
  const FakeTree tree{{"/sys/kernel/irq/40/actions", "eth0,eth1\n"},
                      {"/sys/kernel/irq/41/actions", "\n"}};
  Host host;
  host.irqs = parse_interrupts(std::string(kHeader) +
                               " 40: 1 2 PCI-MSI 5-edge  eth0\nrubbish\n"
                               " 41: 1 2 PCI-MSI 6-edge  odd\nname\n")
                  .irqs;
  read_true_names(tree.sysfs(), {IrqNumber{40}, IrqNumber{41}, IrqNumber{77}}, host);
  CHECK(irq(host, 40).actions == std::vector<std::string>{"eth0", "eth1"});
  CHECK(irq(host, 41).actions == std::vector<std::string>{"odd\nname"});
}

TEST_CASE("irqs: a host device's numbers without a row are nobody's business", "[read][irqs]") {
  FakeTree tree;
  tree.file(add_pci(tree, kParents, "0000:21:00.0", "0") + "/msi_irqs/40", "msix\n");
  CHECK(join(tree, kHeader, Detail::devices).irqs.empty());
}

TEST_CASE("irqs: only what is asked for is opened", "[read][irqs]") {
  FakeTree tree;
  tree.file(add_pci(tree, kParents, "0000:21:00.0", "0") + "/msi_irqs/40", "msix\n");
  add_masks(tree, 40, "0-1", "1");
  const auto* const table = "           CPU0       CPU1\n 40: 1 2 IR-PCI-MSI 1-edge eth0-rx-0\n";
  auto host = join(tree, table);
  CHECK_FALSE(irq(host, 40).affinity);
  CHECK_FALSE(irq(host, 40).device);
  host = join(tree, table, Detail::devices);
  CHECK(irq(host, 40).affinity == CpuSet{0, 1});
  CHECK(irq(host, 40).device == PciAddress{0, 0x21, 0, 0});
  CHECK(irq(host, 40).node == NodeId{0});
  CHECK(vector_of(host, 40) == "none");
}

TEST_CASE("irqs: a line of INTx belongs to the one bound device that names it", "[read][irqs]") {
  FakeTree tree;
  const auto add = [&](const std::string& name, const std::string& line, bool bound, bool msi) {
    const auto dir = add_pci(tree, "/pci0000:00", name, "-1");
    tree.file(dir + "/irq", line + '\n');
    if (bound) {
      tree.link(dir + "/driver", "../../../bus/pci/drivers/some");
    }
    if (msi) {
      tree.file(dir + "/msi_irqs/99", "msi\n");
    }
  };
  add("0000:00:01.0", "16", true, false);
  add("0000:00:02.0", "16", false, false);  // Unbound: takes none.
  add("0000:00:03.0", "16", true, true);    // Has left INTx for MSI.
  add("0000:00:04.0", "17", true, false);
  add("0000:00:05.0", "17", true, false);
  add("0000:00:06.0", "0", true, false);
  const auto host = join(tree,
                         std::string(kHeader) +
                             "  0: 1 2 IO-APIC 2-edge timer\n"
                             " 16: 1 2 IO-APIC 16-fasteoi ehci_hcd:usb1\n"
                             " 17: 1 2 IO-APIC 17-fasteoi uhci, eth3\n",
                         Detail::devices);
  CHECK(irq(host, 16).device == PciAddress{0, 0, 1, 0});
  CHECK_FALSE(irq(host, 17).device);
  CHECK_FALSE(irq(host, 0).device);
}

TEST_CASE("irqs: whether it can be moved is known by the mode since 6.12", "[read][irqs]") {
  FakeTree tree;
  add_passthrough(tree, "0000:21:00.0", {40, 41});
  add_masks(tree, 40, "0-1", "1");
  add_masks(tree, 41, "0-1", "1");
  set_mode(tree, "/proc/irq/41/smp_affinity_list", 0444);
  const auto table = std::string(kHeader) +
                     " 40: 1 2 IR-PCI-MSI 1-edge vfio-msix[0](0000:21:00.0)\n"
                     " 41: 1 2 IR-PCI-MSI 2-edge vfio-msix[1](0000:21:00.0)\n";
  for (const auto* kernel : {"6.12.95+deb12-amd64", "6.13.0", "7.0.0-rc1"}) {
    INFO(kernel);
    const auto host = join(tree, table, Detail::passthrough, kernel);
    CHECK(irq(host, 40).settable == true);
    CHECK(irq(host, 41).settable == false);
  }
  for (const auto* kernel : {"6.1.0-56-amd64", "6.9.12", "5.14.0-427.el9.x86_64", "nonsense"}) {
    INFO(kernel);
    const auto host = join(tree, table, Detail::passthrough, kernel);
    CHECK_FALSE(irq(host, 40).settable);
    CHECK(irq(host, 41).settable == false);  // For root too this kernel would say no.
  }
}

TEST_CASE("irqs: kernels before 2.6.36 have the mask only", "[read][irqs]") {
  FakeTree tree{{"/proc/irq/40/smp_affinity", "00000000,00000003\n"}};
  add_passthrough(tree, "0000:21:00.0", {40});
  const auto host =
      join(tree, std::string(kHeader) + " 40: 1 2 PCI-MSI-edge vfio-msix[0](0000:21:00.0)\n");
  CHECK(irq(host, 40).affinity == CpuSet{0, 1});
  CHECK_FALSE(irq(host, 40).effective);
}

TEST_CASE("irqs: a node of -1 is unknown", "[read][irqs]") {
  FakeTree tree;
  add_passthrough(tree, "0000:21:00.0", {40});
  add_masks(tree, 40, "0-1", "1");
  tree.file("/proc/irq/40/node", "-1\n");
  const auto host =
      join(tree,
           std::string(kHeader) + " 40: 1 2 IR-PCI-MSI 1-edge vfio-msix[0](0000:21:00.0)\n",
           Detail::devices);
  CHECK_FALSE(irq(host, 40).node);
}

TEST_CASE("irqs: masks that are none, or no file, are unknown", "[read][irqs]") {
  FakeTree tree;
  add_passthrough(tree, "0000:21:00.0", {40, 41, 42});
  tree.file("/proc/irq/40/smp_affinity_list", "garbage\n");
  tree.file("/proc/irq/40/effective_affinity_list/file", "\n");
  tree.file("/proc/irq/41/spurious", "count 0\n");
  REQUIRE(::mkfifo((tree.root() / "proc/irq/41/smp_affinity_list").c_str(), 0600) == 0);
  tree.file("/proc/irq/42", "no directory\n");
  const auto host = join(tree,
                         std::string(kHeader) +
                             " 40: 1 2 IR-PCI-MSI 1-edge vfio-msix[0](0000:21:00.0)\n"
                             " 41: 1 2 IR-PCI-MSI 2-edge vfio-msix[1](0000:21:00.0)\n"
                             " 42: 1 2 IR-PCI-MSI 2-edge vfio-msix[2](0000:21:00.0)\n");
  for (const auto number : {40U, 41U, 42U}) {
    INFO(number);
    CHECK_FALSE(irq(host, number).affinity);
    CHECK_FALSE(irq(host, number).effective);
  }
  CHECK_FALSE(irq(host, 41).settable);
}

TEST_CASE("irqs: kernel versions", "[read][irqs]") {
  using Version = std::pair<int, int>;
  CHECK(kernel_version("6.12.95+deb12-amd64") == Version{6, 12});
  CHECK(kernel_version("6.12") == Version{6, 12});
  CHECK(kernel_version("7.0-rc3") == Version{7, 0});
  CHECK(kernel_version("2.6.32-754.el6.x86_64") == Version{2, 6});
  CHECK_FALSE(kernel_version(""));
  CHECK_FALSE(kernel_version("6"));
  CHECK_FALSE(kernel_version("six.one"));
}

}  // namespace irqtune::test
