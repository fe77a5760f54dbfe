// SPDX-License-Identifier: Apache-2.0
// The tables of a classic ESX host, and what diagnose makes of them. The input is cut at its first
// NUL byte: /proc/vmware/interrupts, then the console's /proc/interrupts.
#include "irqtune/diagnose/diagnose.h"
#include "irqtune/read/interrupts/esx.h"
#include "irqtune/report/report.h"

#include "fuzz/fuzz.h"

using irqtune::fuzz::require;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = irqtune::fuzz::text_of(data, size);
  const auto cut = text.find('\0');
  const auto table = irqtune::parse_esx_interrupts(text.substr(0, cut));
  const auto console = irqtune::parse_esx_console(
      cut == std::string_view::npos ? std::string_view() : text.substr(cut + 1));
  irqtune::Diagnosis diagnosis;
  diagnosis.findings = irqtune::diagnose_esx({table, &console});
  diagnosis.looked_at = "a table";
  diagnosis.warnings = table.warnings;
  const auto shown = irqtune::diagnosis_text(diagnosis, {});
  require(irqtune::fuzz::is_plain(shown), "what is printed can be shown", shown);
  const auto json = irqtune::diagnosis_json(diagnosis);
  require(irqtune::fuzz::is_plain(json), "a document can be shown", json);
  return 0;
}
