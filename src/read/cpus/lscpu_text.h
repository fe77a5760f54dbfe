// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/core/host.h"
#include "irqtune/read/cpus/lscpu.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace irqtune {

/// Most columns of a table, twice what lscpu knows: a text made to have as many as rows would take
/// the square of its size.
constexpr std::size_t kMaxColumns = 64;

/// Most rows: more CPUs than irqtune can count.
constexpr std::size_t kMaxRows = CpuSet::kMaxCpus;

/// `lscpu -p`, `-e` or `-e --json`: one row a CPU, columns by the tool's own names in any case.
struct CpuTable {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>>
      rows;  ///< At most as wide as `columns`; a cell may be empty.
};

/// One line of what `lscpu` prints without options; its words are translated, its order is not.
struct SummaryRow {
  std::string label;  ///< Without its colon.
  std::string value;
};

/// What a table of CPUs says. Empty optional if it has no CPU column or no row with a CPU in it.
[[nodiscard]] std::optional<CpuText> facts_from_table(const CpuTable& table);

/// What a summary says. Empty optional if it holds neither the online CPUs nor a NUMA node.
[[nodiscard]] std::optional<CpuText> facts_from_summary(const std::vector<SummaryRow>& rows);

/// The table in the text of `lscpu -p`, or of `lscpu -e`; empty optional if there is none.
[[nodiscard]] std::optional<CpuTable> find_parsable_table(std::string_view text);
[[nodiscard]] std::optional<CpuTable> find_extended_table(std::string_view text);

/// The "label: value" lines of a text.
[[nodiscard]] std::vector<SummaryRow> summary_rows(std::string_view text);

/// What the text of `numactl --hardware` says; empty optional if it is none.
[[nodiscard]] std::optional<CpuText> facts_from_numactl(std::string_view text);

/// What a JSON text says: "lscpu" is a summary, "cpus" a table. Empty optional if it is neither, or
/// no JSON.
[[nodiscard]] std::optional<CpuText> facts_from_json(std::string_view text);

/// A node that the text names for the first time, and not the thousandth and more: the kernel has
/// at most 1024 (CONFIG_NODES_SHIFT).
[[nodiscard]] bool is_new(const NodeId& id, const std::vector<NumaNode>& nodes);

/// A row for each of `present`, with its number alone.
void add_cpus(Topology& topology, const CpuSet& present);

/// Fills in what follows from the rest: order, `online`, siblings, the nodes of CPUs and the CPUs
/// of nodes.
void complete_topology(Topology& topology);

}  // namespace irqtune
