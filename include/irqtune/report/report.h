// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/change.h"
#include "irqtune/core/drift.h"
#include "irqtune/core/explain.h"
#include "irqtune/core/finding.h"
#include "irqtune/core/host.h"
#include "irqtune/core/plan.h"
#include "irqtune/core/protection.h"

#include <cstddef>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace irqtune {

/// Which part of the host `show` prints.
enum class Section : std::uint8_t { topology, devices, irqs, vms, all };

/// What --columns may name of the section's table; empty if it has none.
[[nodiscard]] std::vector<std::string_view> table_columns(Section section);

/// How text for people is written, and how it names this program.
struct TextStyle {
  std::size_t width = 100;           ///< Columns for running text and maps.
  std::size_t height = 0;            ///< Lines of the terminal; 0: not known, or none.
  std::vector<std::string> columns;  ///< Of tables, by their names in small letters; empty: all.
  std::vector<std::string> options;  ///< What is not the default, and who says so.
  std::string program = "irqtune";   ///< How to call it for the same host: "irqtune --root DIR".
  std::string selection;  ///< The options that select and place, as typed: " --vm vm1"; or empty.
  bool color = false;     ///< ANSI colours
  /// Lines of tables keep to the width too, as on a terminal; else they stay whole, as for grep.
  bool fold = false;
  bool flat = false;      ///< Each row of a table names its VM and device, and no heading does.
  bool headings = true;   ///< Tables begin with the names of their columns.
  bool snapshot = false;  ///< The host is another one, whose snapshot this is.
  bool verbose = false;
  bool rows = false;  ///< What is no table by habit (`show vms`) is one too.
};

// Renderings for people: pure, and free to change in any release.
[[nodiscard]] std::string host_text(const Host& host,
                                    const ProtectionMap& protections,
                                    Section section,
                                    const TextStyle& style);
[[nodiscard]] std::string plan_text(const Plan& plan, const Host& host, const TextStyle& style);
[[nodiscard]] std::string apply_text(const ApplyReport& report, const TextStyle& style);
[[nodiscard]] std::string history_text(const std::vector<HistoryEntry>& entries,
                                       const TextStyle& style);

// JSON for programs: docs/json.md and docs/schema/; keys are only ever added within a version.

/// Printed as it is made: of a big host it is longer than all that is known of it.
void print_host_json(std::ostream& out,
                     const Host& host,
                     const ProtectionMap& protections,
                     Section section);
[[nodiscard]] std::string plan_json(const Plan& plan);
[[nodiscard]] std::string apply_json(const ApplyReport& report);
[[nodiscard]] std::string history_json(const std::vector<HistoryEntry>& entries);

[[nodiscard]] std::string check_text(const Plan& plan, const Drift& drift, const TextStyle& style);
[[nodiscard]] std::string check_json(const Plan& plan, const Drift& drift);

using Warnings = std::vector<std::string>;

[[nodiscard]] std::string explain_text(const VectorExplanation& explanation,
                                       const TextStyle& style);
[[nodiscard]] std::string explain_text(const CpuExplanation& explanation, const TextStyle& style);
[[nodiscard]] std::string explain_text(const DeviceExplanation& explanation,
                                       const TextStyle& style);
[[nodiscard]] std::string explain_json(const VectorExplanation& explanation,
                                       const HostId& host,
                                       const Warnings& warnings);
[[nodiscard]] std::string explain_json(const CpuExplanation& explanation,
                                       const HostId& host,
                                       const Warnings& warnings);
[[nodiscard]] std::string explain_json(const DeviceExplanation& explanation,
                                       const HostId& host,
                                       const Warnings& warnings);

/// What `diagnose` prints.
struct Diagnosis {
  HostId host;
  std::vector<Finding> findings;  ///< Worst first.
  std::string looked_at;          ///< "24 vectors, 2 VMs"; empty if there was nothing to look at.
  bool chosen = false;            ///< Only some ids were asked for.
  std::vector<std::string> warnings;
};

/// The findings for a tired reader: a summary line, then each with what it costs, the evidence and
/// the remedy, in lines of the style's width; of a healthy host, one line.
[[nodiscard]] std::string diagnosis_text(const Diagnosis& diagnosis, const TextStyle& style);
[[nodiscard]] std::string diagnosis_json(const Diagnosis& diagnosis);

/// The plan as the plain shell commands that would carry it out, with a check of each interrupt's
/// identity before its write; POSIX sh, for review.
[[nodiscard]] std::string plan_script(const Plan& plan);

/// 16 hexadecimal digits over what the plan would do (FNV-1a of its assignments): the same for the
/// same plan.
[[nodiscard]] std::string plan_digest(const Plan& plan);

}  // namespace irqtune
