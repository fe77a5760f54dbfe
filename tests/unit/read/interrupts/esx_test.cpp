// SPDX-License-Identifier: Apache-2.0
#include "irqtune/read/interrupts/esx.h"

#include "irqtune/diagnose/diagnose.h"

#include "support/catch.h"

namespace irqtune::test {

namespace {

constexpr auto kBefore =
    "Vector    PCPU 0    PCPU 1    PCPU 2    PCPU 3\n"
    "0x69:          5         0         0         0 COS irq 9 (ISA edge)\n"
    "0x79: 7917 542 3583 8292 <COS irq 16 (PCI level)>, VMK aic79xx\n"
    "0x81: 1544 0 0 0 COS irq 17 (PCI level), VMK aic79xx\n"
    "0x89: 1212177 0 0 0 COS irq 19 (PCI level), VMK vmnic1\n"
    "0x91: 90997 0 0 0 COS irq 18 (PCI level), VMK vmnic0\n"
    "0x99: 152 0 0 0 <COS irq 20 (PCI level)>, VMK qla2300\n";

/// After rmmod usb-uhci, and some time.
constexpr auto kAfter =
    "Vector    PCPU 0    PCPU 1    PCPU 2    PCPU 3\n"
    "0x69:          5         0         0         0 COS irq 9 (ISA edge)\n"
    "0x79: 7917 542 3583 8292 <COS irq 16 (PCI level)>, VMK aic79xx\n"
    "0x81: 1544 811 902 1011 <COS irq 17 (PCI level)>,VMK aic79xx\n"
    "0x89: 1212177 54120 61722 59919 <COS irq 19 (PCI level)>,VMK vmnic1\n"
    "0x91: 90997 20121 19433 21088 <COS irq 18 (PCI level)>,VMK vmnic0\n"
    "0x99: 152 0 0 0 <COS irq 20 (PCI level)>,VMK qla2300\n";

constexpr auto kConsole =
    "           CPU0       \n"
    "  0:   21032567    vmnix-edge  timer\n"
    "  1:          9    vmnix-edge  keyboard\n"
    " 18:      90997   vmnix-level  usb-uhci\n"
    " 19:    1212177   vmnix-level  usb-uhci\n"
    "NMI:          0 \n";

std::vector<Finding> diagnosed(const std::string& text, std::uint64_t low_count = 10'000) {
  const auto table = parse_esx_interrupts(text);
  return diagnose_esx({table, nullptr, low_count});
}

std::string numbers(const Finding& finding) {
  std::string text;
  for (const auto irq : finding.irqs) {
    text += std::to_string(static_cast<std::uint32_t>(irq)) + ' ';
  }
  return text;
}

bool says(const std::vector<std::string>& lines, const std::string& text) {
  return std::ranges::any_of(
      lines, [&](const auto& line) { return line.find(text) != std::string::npos; });
}

}  // namespace

TEST_CASE("esx: the table's vectors, counts and owners", "[esx]") {
  const auto table = parse_esx_interrupts(kBefore);
  CHECK(table.warnings.empty());
  REQUIRE(table.lines.size() == 6);
  const auto& line = table.lines[1];
  CHECK(line.vector == 0x79);
  CHECK(line.counts == std::vector<std::uint64_t>{7917, 542, 3583, 8292});
  REQUIRE(line.owners.size() == 2);
  CHECK(line.owners[0].text == "COS irq 16 (PCI level)");
  CHECK(line.owners[0].console);
  CHECK_FALSE(line.owners[0].handled);
  CHECK(line.owners[0].irq == 16);
  CHECK(line.owners[1].text == "VMK aic79xx");
  CHECK_FALSE(line.owners[1].console);
  CHECK(line.owners[1].handled);
  CHECK_FALSE(line.owners[1].irq);
}

TEST_CASE("esx: a comma needs no blank, and brackets may hold several owners", "[esx]") {
  const auto table = parse_esx_interrupts(
      "0x91: 1 2 <COS irq 18 (PCI level)>,VMK vmnic0,VMK vmnic2\n"
      "0xa1: 1 2 <COS irq 5 (ISA edge), COS irq 7 (ISA edge)>, VMK cciss0\n");
  REQUIRE(table.lines.size() == 2);
  CHECK(table.lines[0].owners.size() == 3);
  REQUIRE(table.lines[1].owners.size() == 3);
  CHECK_FALSE(table.lines[1].owners[1].handled);
  CHECK(table.lines[1].owners[2].handled);
}

TEST_CASE("esx: what is no row is named and passed over", "[esx]") {
  const auto table = parse_esx_interrupts(
      "0x81 1544 0 COS irq 17\n"
      "0xzz: 1 2 COS irq 1\n"
      ": 1 2\n"
      "0x81: COS irq 17\n"
      "0x81: 99999999999999999999999 0 COS irq 17 (PCI level), VMK aic79xx\n"
      "0x81: 1 2 SOMEBODY else\n"
      "0x81: 1 2 COS\n"
      "0x91: 1 2\n");
  CHECK(table.warnings.size() == 6);
  REQUIRE(table.lines.size() == 2);
  CHECK_FALSE(table.lines[0].owners[0].irq);
  CHECK(table.lines[1].owners.empty());
}

TEST_CASE("esx: a file that is no table gives few warnings", "[esx]") {
  std::string text;
  for (int i = 0; i < 1000; ++i) {
    text += "\x01\xff<<<,>>>\n";
  }
  const auto table = parse_esx_interrupts(text);
  CHECK(table.lines.empty());
  CHECK(table.warnings.size() == 20);
  CHECK(parse_esx_interrupts("").lines.empty());
}

TEST_CASE("esx: a header is none of the rows, however it is written", "[esx]") {
  const std::string header = GENERATE("Vector  PCPU 0  PCPU 1",
                                      "  Vector PCPU0 PCPU1",
                                      "vector\tpcpu 0\tpcpu 1",
                                      "VECTOR",
                                      "PCPU0 PCPU1",
                                      "");
  const auto table = parse_esx_interrupts(header + "\n0x91: 1 2 COS irq 18 (PCI level)\n");
  CAPTURE(header);
  CHECK(table.warnings.empty());
  CHECK(table.lines.size() == 1);
}

TEST_CASE("esx: from one PCPU to 32, with lines that end as in DOS", "[esx]") {
  for (std::size_t pcpus = 1; pcpus <= 32; ++pcpus) {
    std::string text = "Vector";
    std::string row = "0X9A:";
    for (std::size_t i = 0; i < pcpus; ++i) {
      text += "  PCPU " + std::to_string(i);
      row += i == 0 ? " 50000" : " 0";
    }
    const auto table =
        parse_esx_interrupts(text + "\r\n" + row + " COS irq  18 (PCI level),VMK vmnic0\r\n\r\n");
    INFO(pcpus);
    CHECK(table.warnings.empty());
    REQUIRE(table.lines.size() == 1);
    CHECK(table.lines[0].vector == 0x9a);
    CHECK(table.lines[0].counts.size() == pcpus);
    CHECK(table.lines[0].owners.at(0).irq == 18);
    CHECK(table.lines[0].owners.at(1).text == "VMK vmnic0");
    const auto findings = diagnose_esx({table, nullptr, 10'000});
    REQUIRE(findings.size() == 1);
    // On the only PCPU it is no sign that all counts are there.
    CHECK(findings[0].confidence == (pcpus == 1 ? Confidence::likely : Confidence::certain));
    CHECK(says(findings[0].evidence, pcpus == 1 ? "on the only PCPU" : "all on PCPU 0"));
  }
}

TEST_CASE("esx: interrupts of the VMkernel's own share with nobody", "[esx]") {
  const auto table = parse_esx_interrupts(
      "0x21: 49 0 VMK ACPI Interrupt\n"
      "0xdf: 141250033 141250000 VMK timer\n"
      "0x29: 5 0 <COS irq  1 (ISA edge)>\n");
  CHECK(table.warnings.empty());
  CHECK(diagnose_esx({table, nullptr, 10'000}).empty());
}

TEST_CASE("esx: the console's table names the drivers", "[esx]") {
  const auto console = parse_esx_console(kConsole);
  CHECK(console.warnings.empty());
  REQUIRE(console.lines.size() == 4);
  CHECK(parse_esx_console(std::string(kConsole) + "\r\n").lines.size() == 4);
  CHECK(console.lines[2].irq == 18);
  CHECK(console.lines[2].count == 90997);
  CHECK(console.lines[2].drivers == std::vector<std::string>{"usb-uhci"});
}

TEST_CASE("esx: a table that is not the console's is doubted", "[esx]") {
  const auto console = parse_esx_console(" CPU0\n 18: 5 IO-APIC-level usb-uhci\n");
  REQUIRE(console.warnings.size() == 1);
  CHECK(console.warnings[0].find("vmnix") != std::string::npos);
}

TEST_CASE("esx: shared and busy lines are a warning, shared and idle ones a note", "[esx]") {
  const auto findings = diagnosed(kBefore);
  REQUIRE(findings.size() == 2);
  CHECK(findings[0].id == "esx-irq-shared");
  CHECK(findings[0].severity == Severity::warning);
  CHECK(findings[0].confidence == Confidence::certain);
  CHECK(numbers(findings[0]) == "18 19 ");
  CHECK(findings[0].title.find("0x89, 0x91") == 0);
  CHECK(findings[0].cpus.to_list() == "0");
  CHECK(says(findings[0].evidence, "1212177 interrupts, all on PCPU 0"));
  CHECK(says(findings[0].remedy, "--esx-console"));
  CHECK(says(findings[0].remedy, "IRQNumHostPend"));
  CHECK(findings[1].severity == Severity::info);
  CHECK(numbers(findings[1]) == "17 ");
}

TEST_CASE("esx: hot on both sides is critical, and the driver to remove has a name", "[esx]") {
  const auto table = parse_esx_interrupts(kBefore);
  const auto console = parse_esx_console(kConsole);
  const auto findings = diagnose_esx({table, &console, 10'000});
  REQUIRE(findings.size() == 2);
  CHECK(findings[0].severity == Severity::critical);
  CHECK(numbers(findings[0]) == "18 19 ");
  CHECK(says(findings[0].remedy, "rmmod usb-uhci"));
  CHECK_FALSE(says(findings[0].remedy, "--esx-console"));
}

TEST_CASE("esx: a console driver that hardly works leaves it at a warning", "[esx]") {
  const auto table = parse_esx_interrupts(kBefore);
  const auto console = parse_esx_console(" CPU0\n 19: 12 vmnix-level usb-uhci\n");
  const auto findings = diagnose_esx({table, &console, 10'000});
  REQUIRE(findings.size() == 2);
  CHECK(findings[0].severity == Severity::warning);
}

TEST_CASE("esx: after the remedy nothing is left to say", "[esx]") {
  CHECK(diagnosed(kAfter).empty());
}

TEST_CASE("esx: the threshold decides what is low", "[esx]") {
  const auto findings = diagnosed(kBefore, 100'000);
  REQUIRE(findings.size() == 2);
  CHECK(numbers(findings[0]) == "19 ");
  CHECK(numbers(findings[1]) == "17 18 ");
  CHECK(diagnosed(kBefore, 1000).size() == 1);
}

TEST_CASE("esx: owners on one side only do not share", "[esx]") {
  const auto findings = diagnosed(
      "0x69: 99999 0 COS irq 9 (ISA edge), COS irq 10 (ISA edge)\n"
      "0x71: 99999 0 VMK vmnic0, VMK vmnic1\n"
      "0x72: 99999 0 COS irq 11 (PCI level), <VMK vmnic1>\n");
  REQUIRE(findings.size() == 1);  // The console's own lines cost, shared or not.
  CHECK(findings[0].id == "esx-console-busy");
  CHECK(findings[0].evidence.size() == 2);
}

TEST_CASE("esx: counts on several PCPUs make sharing less sure", "[esx]") {
  const auto findings = diagnosed("0x91: 90997 5 COS irq 18 (PCI level), VMK vmnic0\n");
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].severity == Severity::warning);
  CHECK(findings[0].confidence == Confidence::likely);
}

TEST_CASE("esx: counts on one PCPU are not on several", "[esx]") {
  const auto findings = diagnosed("0x91: 0 90997 0 COS irq 18 (PCI level), VMK vmnic0\n");
  REQUIRE(findings.size() == 1);
  CHECK(says(findings[0].evidence, "90997 interrupts, all on one other PCPU"));
}

TEST_CASE("esx: a sum past 64 bits stays there", "[esx]") {
  const auto findings = diagnosed(
      "0x91: 18446744073709551615 18446744073709551615 COS irq 18 (PCI level), VMK vmnic0\n");
  REQUIRE(findings.size() == 1);
  CHECK(says(findings[0].evidence, "18446744073709551615 interrupts, on several PCPUs"));
}

}  // namespace irqtune::test
