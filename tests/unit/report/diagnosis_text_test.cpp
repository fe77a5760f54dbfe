// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"
#include "irqtune/report/report.h"

#include "report/text/table.h"
#include "support/catch.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace irqtune::test {

namespace {

Finding make_finding(const std::string& id, Severity severity) {
  Finding finding;
  finding.id = id;
  finding.severity = severity;
  finding.title = "IRQ 16 is shared";
  finding.cost = "time";
  finding.evidence = {"/proc/interrupts, 16: a, b", "CPU 1 serves it"};
  finding.remedy = {"first this", "then that"};
  finding.irqs = {IrqNumber{16}};
  finding.cpus = {1, 3};
  finding.devices = {*PciAddress::parse("0000:05:00.0")};
  finding.vms = {"db1"};
  return finding;
}

Diagnosis make_diagnosis(std::vector<Finding> findings) {
  Diagnosis diagnosis;
  diagnosis.findings = std::move(findings);
  diagnosis.looked_at = "24 interrupts";
  return diagnosis;
}

TextStyle colors() {
  TextStyle style;
  style.color = true;
  return style;
}

}  // namespace

TEST_CASE("diagnosis: the text of a finding", "[report][diagnose]") {
  const auto text = diagnosis_text(make_diagnosis({make_finding("a-b", Severity::critical),
                                                   make_finding("c-d", Severity::warning),
                                                   make_finding("e-f", Severity::info)}),
                                   {});
  const std::string_view first =
      "1 critical, 1 warning, 1 note; nothing was changed.\n"
      "\n"
      "CRITICAL  IRQ 16 is shared\n"
      "          a-b (certain, read off the kernel)\n"
      "  cost    time\n"
      "  seen    /proc/interrupts, 16: a, b\n"
      "          CPU 1 serves it\n"
      "  do      1. first this\n"
      "          2. then that\n"
      "\n"
      "WARNING   IRQ 16 is shared\n";
  CHECK(text.substr(0, first.size()) == first);
  CHECK(text.find("\nNOTE      IRQ 16 is shared\n") != std::string::npos);
}

TEST_CASE("diagnosis: what is to be copied is printed as it is", "[report][diagnose]") {
  auto finding = make_finding("a-b", Severity::warning);
  const auto command = "for c in" + std::string(100, ' ') + "1; do x; done";
  finding.remedy = {"in /etc/tuned/x/tuned.conf:",
                    "[main]",
                    "include=a,b",
                    "tuned-adm profile x",
                    "at once:",
                    command,
                    "a b=c is no line of a file"};
  CHECK(diagnosis_text(make_diagnosis({finding}), {})
            .ends_with("  do      1. in /etc/tuned/x/tuned.conf:\n"
                       "               [main]\n"
                       "               include=a,b\n"
                       "          2. tuned-adm profile x\n"
                       "          3. at once:\n"
                       "               " +
                       command +
                       "\n"
                       "          4. a b=c is no line of a file\n"));
}

TEST_CASE("diagnosis: a command is one line, announced or not", "[report][diagnose]") {
  auto finding = make_finding("a-b", Severity::warning);
  const std::string command = "irqtune apply" + std::string(120, 'x').insert(0, " --vm ");
  finding.remedy = {command, "then that"};
  CHECK(diagnosis_text(make_diagnosis({finding}), {})
            .ends_with("  do      1. " + command + "\n          2. then that\n"));
}

TEST_CASE("diagnosis: a healthy host gets one green line", "[report][diagnose]") {
  CHECK(diagnosis_text(make_diagnosis({}), colors()) ==
        "\x1b[32mNothing hurts on this host (24 interrupts looked at).\x1b[0m\n");
}

TEST_CASE("diagnosis: what was not asked for is not called healthy", "[report][diagnose]") {
  auto diagnosis = make_diagnosis({});
  diagnosis.chosen = true;
  CHECK(diagnosis_text(diagnosis, {}) ==
        "None of the findings that were asked for (24 interrupts looked at).\n");
  diagnosis.looked_at.clear();
  CHECK(diagnosis_text(diagnosis, {}) == "Nothing to look at: see the warnings.\n");
}

TEST_CASE("diagnosis: notes alone do not alarm", "[report][diagnose]") {
  const auto text = diagnosis_text(make_diagnosis({make_finding("e-f", Severity::info)}), colors());
  CHECK(text.starts_with("\x1b[32mNothing hurts: 1 note; nothing was changed.\x1b[0m\n"));
}

TEST_CASE("diagnosis: colours only if asked for, on the label", "[report][diagnose]") {
  const auto plain = make_diagnosis({make_finding("a-b", Severity::critical)});
  CHECK(diagnosis_text(plain, {}).find('\x1b') == std::string::npos);
  CHECK(diagnosis_text(plain, colors()).find("\x1b[31mCRITICAL\x1b[0m  IRQ") != std::string::npos);
}

TEST_CASE("diagnosis: no line is wider than the style, whatever it holds", "[report][diagnose]") {
  auto finding = make_finding("a-b", Severity::warning);
  finding.title = std::string(300, 'x') + " " + std::string(150, 'y');
  finding.evidence = {"one two " + std::string(95, 'z') + " three\x1b[2J", std::string(2000, ' ')};
  for (int i = 0; i < 80; ++i) {
    finding.remedy[0] += " word" + std::to_string(i);
  }
  const auto text = diagnosis_text(make_diagnosis({finding}), {});
  for (const auto line : split(text, '\n')) {
    CHECK(display_width(line) <= 100);
  }
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find("word79") != std::string::npos);
}

TEST_CASE("diagnosis: the JSON document", "[report][diagnose]") {
  auto diagnosis = make_diagnosis({make_finding("a-b", Severity::warning)});
  diagnosis.findings[0].cost.clear();
  diagnosis.warnings = {"odd"};
  const auto document = nlohmann::json::parse(diagnosis_json(diagnosis));
  CHECK(document["schema"] == "irqtune.diagnosis/1");
  CHECK(document["warnings"] == nlohmann::json{"odd"});
  CHECK(document["findings"][0] == nlohmann::json::parse(R"({
    "id": "a-b", "severity": "warning", "confidence": "certain", "title": "IRQ 16 is shared",
    "cost": null, "evidence": ["/proc/interrupts, 16: a, b", "CPU 1 serves it"],
    "remedy": ["first this", "then that"], "irqs": [16], "cpus": [1, 3],
    "devices": ["0000:05:00.0"], "vms": ["db1"]})"));
}

}  // namespace irqtune::test
