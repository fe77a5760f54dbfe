// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/interrupts/interrupts.h"

#include "support/catch.h"

#include <string>

namespace irqtune {

namespace {

using Strings = std::vector<std::string>;

Irq only_irq(const std::string& row) {
  const auto table = parse_interrupts("           CPU0       CPU1\n" + row + "\n");
  REQUIRE(table.irqs.size() == 1);
  return table.irqs.front();
}

std::uint64_t on_cpu(const Irq& irq, int cpu) {
  for (const auto& count : irq.counts) {
    if (count.cpu == cpu) {
      return count.count;
    }
  }
  return 0;
}

struct Row {
  std::string text;
  std::string chip;
  std::optional<std::uint64_t> hwirq;
  std::string trigger;
  Strings actions;
};

// One row of each kind of kernel and architecture.
const std::vector<Row> kRows = {
    {" 74:     893     1  IR-PCI-MSI 18874368-edge      vfio-msix[0](0000:24:00.0)",
     "IR-PCI-MSI",
     18874368,
     "edge",
     {"vfio-msix[0](0000:24:00.0)"}},
    {" 74:     893     1  IR-PCI-MSIX-0000:24:00.0    0-edge      vfio-msix[0](0000:24:00.0)",
     "IR-PCI-MSIX-0000:24:00.0",
     0,
     "edge",
     {"vfio-msix[0](0000:24:00.0)"}},
    {" 28:          0          0 PCI-MSIX-0000:00:01.0   0-edge      virtio0-config",
     "PCI-MSIX-0000:00:01.0",
     0,
     "edge",
     {"virtio0-config"}},
    {"  28:          0          0  PCI-MSIX-10000:e1:00.0      0-edge      "
     "vfio-msi[3](10000:e1:00.0)",
     "PCI-MSIX-10000:e1:00.0",
     0,
     "edge",
     {"vfio-msi[3](10000:e1:00.0)"}},
    {" 20:          0         83  IR-IO-APIC  20-fasteoi   vfio-intx(0000:00:04.0)",
     "IR-IO-APIC",
     20,
     "level",
     {"vfio-intx(0000:00:04.0)"}},
    {" 11:       2196       1753     GICv3  30 Level arch_timer",
     "GICv3",
     30,
     "level",
     {"arch_timer"}},
    {" 15:          0          0     GICv3  23 Level     arm-pmu",
     "GICv3",
     23,
     "level",
     {"arm-pmu"}},
    {" 16:          0          0     GICv3 135 Level     302c0000.dma-controller",
     "GICv3",
     135,
     "level",
     {"302c0000.dma-controller"}},
    {" 12:          3          0 SiFive PLIC 111 Edge 17030000.power-controller",
     "SiFive PLIC",
     111,
     "edge",
     {"17030000.power-controller"}},
    {" 44:          0          0 PLDA PCIe MSI   0 Edge      PCIe PME, aerdrv, PCIe bwctrl",
     "PLDA PCIe MSI",
     0,
     "edge",
     {"PCIe PME", "aerdrv", "PCIe bwctrl"}},
    {" 41:          0          0  30200000.gpio  12 Edge      mmc 0, cd:wp",
     "30200000.gpio",
     12,
     "edge",
     {"mmc 0", "cd:wp"}},
    {" 24:      16841          0     VMBus   7  heartbeat", "VMBus", 7, "", {"heartbeat"}},
    {" 24:      16841          0  Hyper-V PCIe MSI 4194304-edge      mlx5_async0@pci:0001:00:02.0",
     "Hyper-V PCIe MSI",
     4194304,
     "edge",
     {"mlx5_async0@pci:0001:00:02.0"}},
    {"164:          0          0  VMD-MSI  146  PCIe PME, PCIe bwctrl",
     "VMD-MSI",
     146,
     "",
     {"PCIe PME", "PCIe bwctrl"}},
    {"  3:          6          4   PCI-MSI  mlx5_async@pci:0002:00:00.0",
     "PCI-MSI",
     std::nullopt,
     "",
     {"mlx5_async@pci:0002:00:00.0"}},
    {" 45:    2316334          0  IR-PCI-MSI-edge      vfio-msi[0](0000:07:00.0)",
     "IR-PCI-MSI",
     std::nullopt,
     "edge",
     {"vfio-msi[0](0000:07:00.0)"}},
    {"  7:         37          0  IR-IO-APIC-edge    ", "IR-IO-APIC", std::nullopt, "edge", {}},
    {" 30:        100         90  DMAR-MSI   0-edge    ", "DMAR-MSI", 0, "edge", {}},
    {"  0:         37          0          XT-PIC  timer", "XT-PIC", std::nullopt, "", {"timer"}},
    {" 48:          1          2   xen-dyn    -event     eth0-q0-rx",
     "xen-dyn",
     std::nullopt,
     "event",
     {"eth0-q0-rx"}},
    {"  1:         12          0   sun4v  -IVEC    MSIQ", "sun4v", std::nullopt, "IVEC", {"MSIQ"}},
    {" 21:          0          0   xen-dyn     Edge    -event     xenbus",
     "xen-dyn",
     std::nullopt,
     "edge",
     {"xenbus"}},
    {" 61:          0          1  xen-pirq    -msi-x     eth0-rx-0",
     "xen-pirq",
     std::nullopt,
     "msi-x",
     {"eth0-rx-0"}},
    {"18:          0         16  IR-IO-APIC     18    -fasteoi   i801_smbus",
     "IR-IO-APIC",
     18,
     "level",
     {"i801_smbus"}},
    {" 17:          0          0  EIO PIC EXT    4  acpi", "EIO PIC EXT", 4, "", {"acpi"}},
    {"  5:          1          2  vfio-msix[1](0000:3b:00.0)",
     "",
     std::nullopt,
     "",
     {"vfio-msix[1](0000:3b:00.0)"}},
    {" 16:          4          2  IO-APIC  16-fasteoi   ehci_hcd:usb1, vfio-intx(0000:00:1a.0)",
     "IO-APIC",
     16,
     "level",
     {"ehci_hcd:usb1", "vfio-intx(0000:00:1a.0)"}},
    {"523:          0          0  ITS-MSI 524288 Edge      PCIe PME",
     "ITS-MSI",
     524288,
     "edge",
     {"PCIe PME"}},
    {" 30:    1000000 3000000000   IR-PCI-MSI-edge eth0-TxRx-0",
     "IR-PCI-MSI",
     std::nullopt,
     "edge",
     {"eth0-TxRx-0"}},
    {" 16:          4          2   IO-APIC-fasteoi uhci_hcd:usb3, eth0",
     "IO-APIC",
     std::nullopt,
     "level",
     {"uhci_hcd:usb3", "eth0"}},
    {" 31:          0         12   IR-PCI-MSI-0000:00:19.0      0 oob-edge      eth1",
     "IR-PCI-MSI-0000:00:19.0",
     0,
     "edge",
     {"eth1"}},
    {" 33:          0         12   IO-APIC   9 oob-fasteoi   acpi",
     "IO-APIC",
     9,
     "level",
     {"acpi"}},
    {" 34:          0         12   GICv3 27 oob-level", "GICv3", 27, "level", {}},
    {" 32:          0          3   amd_gpio 61 ACPI:Event", "amd_gpio", 61, "", {"ACPI:Event"}},
    {" 35:          0          3 VMD-MSI 146 PCIe PME, PCIe bwctrl",
     "VMD-MSI",
     146,
     "",
     {"PCIe PME", "PCIe bwctrl"}},
    {" 36:          0          3 PCI-MSI 5 vfio-msix[0](0000:3b:00.0)",
     "PCI-MSI",
     5,
     "",
     {"vfio-msix[0](0000:3b:00.0)"}},
    {" 37:          0          3   sep4020 Timer 5 Tick",
     "",
     std::nullopt,
     "",
     {"sep4020 Timer 5 Tick"}},
    {" 18:          0          0  IO-APIC  18-edge      eth 0 (a, b), 12 Level",
     "IO-APIC",
     18,
     "edge",
     {"eth 0 (a", "b)", "12 Level"}},
};

}  // namespace

TEST_CASE("interrupts: chip, hardware number, trigger and names of every kind of row", "[read]") {
  for (const auto& row : kRows) {
    CAPTURE(row.text);
    const auto irq = only_irq(row.text);
    CHECK(irq.chip == row.chip);
    CHECK(irq.hwirq == row.hwirq);
    CHECK(irq.trigger == row.trigger);
    CHECK(irq.actions == row.actions);
  }
}

TEST_CASE("interrupts: columns belong to the CPUs that the header names", "[read]") {
  const auto table = parse_interrupts(
      "           CPU0       CPU2       CPU65\n"
      " 10:          7          0          9  IO-APIC  10-edge  a\n"
      "LOC:          1          2          3   Local timer interrupts\n"
      "ERR:          4\n");
  CHECK(table.cpus == std::vector<int>{0, 2, 65});
  REQUIRE(table.irqs.size() == 1);
  CHECK(table.irqs[0].counts == std::vector<CpuCount>{{0, 7}, {65, 9}});
  REQUIRE(table.counters.size() == 2);
  CHECK(table.counters[0].total == 6);
  CHECK(table.counters[0].text == "Local timer interrupts");
  CHECK(table.counters[1].columns == 1);
  CHECK_FALSE(table.torn);
}

TEST_CASE("interrupts: runs of zeros of any length are skipped to the right column", "[read]") {
  const auto cpus = GENERATE(1, 7, 8, 15, 16, 17, 31, 32, 33, 64, 300);
  const auto last = GENERATE(true, false);
  const auto leading = GENERATE(true, false);  // 6.18 prints the blank before the number.
  CAPTURE(cpus, last, leading);
  std::string header = "    ";
  std::string row = leading ? "  9:" : "  9: ";
  for (int cpu = 0; cpu < cpus; ++cpu) {
    header += " CPU" + std::to_string(cpu);
    const auto count = std::to_string(cpu == (last ? cpus - 1 : 0) ? 1234567890 : 0);
    const std::string cell = std::string(10 - count.size(), ' ') + count;
    row += leading ? " " + cell : cell + " ";
  }
  const auto table = parse_interrupts(header + "\n" + row + " IO-APIC 9-fasteoi   acpi\n");
  REQUIRE(table.irqs.size() == 1);
  CHECK(table.irqs[0].counts == std::vector<CpuCount>{{last ? cpus - 1 : 0, 1234567890}});
  CHECK(table.irqs[0].chip == "IO-APIC");
  CHECK(table.irqs[0].actions == Strings{"acpi"});
  CHECK_FALSE(table.torn);
}

TEST_CASE("interrupts: a number that begins like a cell of zero is read whole", "[read]") {
  const auto zeros = GENERATE(range(0, 70));
  const auto* const end = GENERATE("", " ", "\t", "  IO-APIC 9-fasteoi   acpi");
  CAPTURE(zeros, end);
  std::string header = "    ";
  std::string row = "  9:";
  for (int cpu = 0; cpu < zeros; ++cpu) {
    header += " CPU" + std::to_string(cpu);
    row += "          0";
  }
  header += " CPU" + std::to_string(zeros);
  const auto table = parse_interrupts(header + "\n" + row + "          012" + end + "\n");
  REQUIRE(table.irqs.size() == 1);
  CHECK(table.irqs[0].counts == std::vector<CpuCount>{{zeros, 12}});
  CHECK_FALSE(table.torn);
}

TEST_CASE("interrupts: rows and columns in any order are kept by number", "[read]") {
  const auto table = parse_interrupts(
      "           CPU2       CPU0       CPU1\n"
      " 10:          7          8          9  IO-APIC  10-edge  a\n"
      " 12:          1          0          2  IO-APIC  12-edge  b\n"
      " 11:          0          3          4  IO-APIC  11-edge  c\n"
      " 13:          5          0          0  IO-APIC  13-edge  d\n"
      " 12:          6          6          6  IO-APIC  12-edge  e\n"
      " 10:          6          6          6  IO-APIC  10-edge  f\n");
  REQUIRE(table.irqs.size() == 4);
  CHECK(table.irqs[0].counts == std::vector<CpuCount>{{0, 8}, {1, 9}, {2, 7}});
  CHECK(table.irqs[1].counts == std::vector<CpuCount>{{0, 3}, {1, 4}});
  CHECK(table.irqs[2].counts == std::vector<CpuCount>{{1, 2}, {2, 1}});
  CHECK(table.irqs[3].counts == std::vector<CpuCount>{{2, 5}});
  CHECK(table.irqs[3].actions == Strings{"d"});
  CHECK(table.warnings.size() == 2);
}

TEST_CASE("interrupts: a name that holds a newline is kept, and nothing behind it is lost",
          "[read]") {
  const auto table = parse_interrupts(
      "    CPU0 CPU1\n"
      " 30:    1    2  PCI-MSI 1-edge      vp-vdpa[0000:00:05.0]-0\n"
      "\n"
      " 31:    1    2  PCI-MSI 2-edge      vp-vdpa[0000:00:05.0]-1\n"
      ", second\n"
      " 32:    1    2  PCI-MSI 3-edge      odd\n"
      "name, third\n"
      " 33:    3    4  PCI-MSI 4-edge      eth0\n");
  REQUIRE(table.irqs.size() == 4);
  CHECK(table.irqs[0].actions == Strings{"vp-vdpa[0000:00:05.0]-0"});
  CHECK(table.irqs[1].actions == Strings{"vp-vdpa[0000:00:05.0]-1", "second"});
  CHECK(table.irqs[2].actions == Strings{"odd\nname", "third"});
  CHECK(on_cpu(table.irqs[3], 1) == 4);
}

TEST_CASE("interrupts: pieces of any size give the same table", "[read]") {
  const std::string text =
      "    CPU0 CPU1\n"
      " 30:    1    2  PCI-MSI 1-edge      vp-vdpa[0000:00:05.0]-0\n"
      "\n"
      " 31:   11   12  PCI-MSI 2-edge      eth0, eth1\n"
      "LOC:   5    6   Local timer interrupts";
  const auto whole = parse_interrupts(text);
  const auto size = GENERATE(1, 2, 3, 7, 16, 40, 1000);
  CAPTURE(size);
  InterruptParser parser;
  for (std::size_t at = 0; at < text.size(); at += static_cast<std::size_t>(size)) {
    parser.feed(std::string_view(text).substr(at, static_cast<std::size_t>(size)));
  }
  const auto table = parser.finish();
  REQUIRE(table.irqs.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(table.irqs[i].counts == whole.irqs[i].counts);
    CHECK(table.irqs[i].actions == whole.irqs[i].actions);
  }
  REQUIRE(table.counters.size() == 1);
  CHECK(table.counters[0].total == 11);
}

TEST_CASE("interrupts: rows that are no interrupts may stand anywhere, with labels twice",
          "[read]") {
  const auto table = parse_interrupts(
      "           CPU0       CPU1       \n"
      "EXT:      31903      57022 \n"
      "  3:          6          4   PCI-MSI  mlx5\n"
      "LOC:          1          2   Local timer interrupts for timer event device\n"
      "LOC:          3          4   Local timer interrupts for others\n"
      "I/O:          1          2\n"
      "  4:          6          4   PCI-MSI  mlx5");
  CHECK(table.irqs.size() == 2);
  REQUIRE(table.counters.size() == 4);
  CHECK(table.counters[2].label == "LOC");
  CHECK(table.counters[3].label == "I/O");
}

TEST_CASE("interrupts: a count of ten digits is glued to its label", "[read]") {
  const std::string label = GENERATE("IPI0", "IPI12", "LOC", "NMI", "I/O", "Err");
  const std::string count = GENERATE("7", "999999999", "1832994294", "4294967295");
  CAPTURE(label, count);
  const auto table = parse_interrupts(
      "           CPU0       CPU1\n"
      " 53:          0       5000  ITS-MSI   1 Edge      vfio-msix[1](0000:01:00.0)\n"
      " 54:          0       5000  ITS-MSI   2 Edge      vfio-msix[2](0000:01:00.0)\n" +
      label + ":" + count +
      "          3       Rescheduling interrupts\n"
      "IPI1:        99          4       Function call interrupts\n");
  REQUIRE(table.irqs.size() == 2);
  CHECK(table.irqs[1].actions == Strings{"vfio-msix[2](0000:01:00.0)"});
  REQUIRE(table.counters.size() == 2);
  CHECK(table.counters[0].label == label);
  CHECK(table.counters[0].text == "Rescheduling interrupts");
  CHECK(table.counters[0].total == std::stoull(count) + 3);
  CHECK(table.counters[0].counts.front().count == std::stoull(count));
  CHECK(table.warnings.empty());
}

TEST_CASE("interrupts: a numbered row may be glued as well", "[read]") {
  const auto irq = only_irq("54:1832994294          3  ITS-MSI   2 Edge      eth0");
  CHECK(irq.number == IrqNumber{54});
  CHECK(on_cpu(irq, 0) == 1832994294);
  CHECK(irq.actions == Strings{"eth0"});
}

TEST_CASE("interrupts: an address behind a newline of a name is no row", "[read]") {
  const auto table = parse_interrupts(
      "    CPU0\n"
      " 30:    1  PCI-MSI 1-edge      vp-vdpa[\n"
      "0000:00:05.0]-0\n"
      " 31:    2  PCI-MSI 2-edge      eth0\n");
  REQUIRE(table.irqs.size() == 2);
  CHECK(table.irqs[0].actions == Strings{"vp-vdpa[\n0000:00:05.0]-0"});
  CHECK(table.doubtful == std::vector<IrqNumber>{IrqNumber{30}});
}

TEST_CASE("interrupts: counts beyond 32 bits, overlong numbers and hostile bytes", "[read]") {
  const auto table =
      parse_interrupts(std::string("    CPU0 CPU1\r\n"
                                   " 1: 4294967295 4294967296  IO-APIC 1-edge  a\r\n"
                                   " 2: 99999999999999999999999999 1  IO-APIC 2-edge  b\r\n"
                                   " 3: 1 2  IO-APIC 3-edge  c\0d\r\n"
                                   " 99999999999: 1 2 x\r\n"
                                   "garbage\r\n",
                                   155));
  REQUIRE(table.irqs.size() == 3);
  CHECK(on_cpu(table.irqs[0], 1) == 4294967296ULL);
  CHECK(on_cpu(table.irqs[1], 0) == 18446744073709551615ULL);
  CHECK(on_cpu(table.irqs[2], 1) == 2);
  CHECK_FALSE(table.warnings.empty());
}

TEST_CASE("interrupts: a table without chips has names alone", "[read]") {
  const auto table = parse_interrupts(
      "           CPU0\n"
      "  8:          0   eth0\n"
      " 27:      18210   sep4020 Timer Tick\n"
      " 28:         55   eth1, eth2\n"
      "Err:          0\n");
  REQUIRE(table.irqs.size() == 3);
  for (const auto& irq : table.irqs) {
    CHECK(irq.chip.empty());
  }
  CHECK(table.irqs[0].actions == Strings{"eth0"});
  CHECK(table.irqs[1].actions == Strings{"sep4020 Timer Tick"});
  CHECK(table.irqs[2].actions == Strings{"eth1", "eth2"});
}

TEST_CASE("interrupts: one word is a chip where other rows have chips", "[read]") {
  const auto table = parse_interrupts(
      "           CPU0\n"
      " 16:        380  s3c-uart  s5pv210-uart\n"
      " 26:          2  s3c-uart\n"
      "161:       1154       GIC\n"
      "162:         17   MIPS GIC\n"
      "163:         18   MIPS GIC  timer\n");
  REQUIRE(table.irqs.size() == 5);
  CHECK(table.irqs[1].chip == "s3c-uart");
  CHECK(table.irqs[1].actions.empty());
  CHECK(table.irqs[2].chip == "GIC");
  CHECK(table.irqs[2].actions.empty());
  CHECK(table.irqs[3].chip == "MIPS GIC");
  CHECK(table.irqs[3].actions.empty());
}

TEST_CASE("interrupts: a copy with single blanks", "[read]") {
  const auto table = parse_interrupts("CPU0 CPU1\n0: 5 6 XT-PIC timer\n1: 5 6 XT-PIC HDA Intel\n");
  REQUIRE(table.irqs.size() == 2);
  CHECK(table.irqs[0].chip == "XT-PIC");
  CHECK(table.irqs[1].actions == Strings{"HDA Intel"});
}

TEST_CASE("interrupts: rows that a mail program broke", "[read]") {
  const auto table = parse_interrupts(
      "           CPU0       CPU1\n"
      "           CPU2       CPU3\n"
      " 16:     100000          0          0          0        Phys-irq \n"
      "uhci_hcd:usb2, uhci_hcd:usb5,\n"
      "ehci_hcd:usb1\n"
      " 30:          1          0          0          0     GICv2 318 Edge\n"
      "  2530400.i2c\n"
      "168:          0          2          0          0 IR-PCI-MSIX-0000:08:00.0\n"
      " 1-edge      eno2-rx-0\n"
      "169:          0          3\n"
      "          0          4 IR-PCI-MSIX-0000:08:00.0  2-edge      eno2-rx-1\n"
      "RES:          1          2\n"
      "          3          4   Rescheduling interrupts\n"
      "ERR:          7\n");
  CHECK(table.cpus == std::vector<int>{0, 1, 2, 3});
  REQUIRE(table.irqs.size() == 4);
  CHECK(table.irqs[0].chip == "Phys-irq");
  CHECK(table.irqs[0].actions == Strings{"uhci_hcd:usb2", "uhci_hcd:usb5", "ehci_hcd:usb1"});
  CHECK(table.irqs[1].chip == "GICv2");
  CHECK(table.irqs[1].hwirq == 318);
  CHECK(table.irqs[1].actions == Strings{"2530400.i2c"});
  CHECK(table.irqs[2].chip == "IR-PCI-MSIX-0000:08:00.0");
  CHECK(table.irqs[2].hwirq == 1);
  CHECK(table.irqs[2].trigger == "edge");
  CHECK(table.irqs[2].actions == Strings{"eno2-rx-0"});
  CHECK(table.irqs[3].counts == std::vector<CpuCount>{{1, 3}, {3, 4}});
  CHECK(table.irqs[3].actions == Strings{"eno2-rx-1"});
  REQUIRE(table.counters.size() == 2);
  CHECK(table.counters[0].total == 10);
  CHECK(table.counters[0].columns == 4);
  CHECK(table.counters[1].columns == 1);
  CHECK_FALSE(table.torn);
}

TEST_CASE("interrupts: counters of more CPUs than are online", "[read]") {
  const auto table = parse_interrupts(
      "           CPU0\n"
      " 16:        380       GIC  uart\n"
      "IPI1:     154119      81428      70899     205252  Rescheduling interrupts\n");
  REQUIRE(table.counters.size() == 1);
  CHECK(table.counters[0].total == 154119 + 81428 + 70899 + 205252);
  CHECK(table.counters[0].columns == 4);
  CHECK(table.counters[0].text == "Rescheduling interrupts");
}

TEST_CASE("interrupts: a copy that begins with a byte order mark", "[read]") {
  const auto table = parse_interrupts(
      "\xef\xbb\xbf           CPU0\n  8:          3   IO-APIC   8-edge      rtc0\n");
  CHECK(table.cpus == std::vector<int>{0});
  CHECK(table.warnings.empty());
  REQUIRE(table.irqs.size() == 1);
  CHECK(on_cpu(table.irqs[0], 0) == 3);
}

TEST_CASE("interrupts: a table torn by CPU hotplug is noticed", "[read]") {
  CHECK(parse_interrupts("  CPU0 CPU1\n 1: 5  IO-APIC 1-edge a\n").torn);
  CHECK(parse_interrupts("  CPU0 CPU1\n 1: 5 6 7  IO-APIC 1-edge a\n").torn);
  CHECK_FALSE(parse_interrupts("  CPU0 CPU1\n 1: 5 6  IO-APIC 1-edge a\nERR: 0\n").torn);
}

TEST_CASE("interrupts: no table, no header, two tables, a number twice", "[read]") {
  CHECK(parse_interrupts("").irqs.empty());
  const auto headless = parse_interrupts(" 1: 5 6  IO-APIC 1-edge a\n");
  REQUIRE(headless.irqs.size() == 1);
  CHECK(headless.irqs[0].actions == Strings{"a"});
  CHECK(headless.irqs[0].counts.empty());
  CHECK_FALSE(headless.irqs[0].listed);  // Its counts are unknown, not zero.
  CHECK(headless.warnings.size() == 1);
  const auto twice = parse_interrupts("  CPU0\n 1: 5  x\n 1: 6  y\n  CPU0\n 2: 7  z\n");
  REQUIRE(twice.irqs.size() == 1);
  CHECK(on_cpu(twice.irqs[0], 0) == 5);
  CHECK(twice.warnings.size() == 2);
}

}  // namespace irqtune
