// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include "read/lscpu_parts.h"

#include <algorithm>
#include <bit>
#include <map>

namespace irqtune {

namespace {

/// The only run of digits in `text` as a number; empty optional if there are more or none.
std::optional<std::uint32_t> only_number(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789";
  const auto first = text.find_first_of(kDigits);
  if (first == std::string_view::npos) {
    return std::nullopt;
  }
  const auto end = std::min(text.find_first_not_of(kDigits, first), text.size());
  if (text.find_first_of(kDigits, end) != std::string_view::npos) {
    return std::nullopt;
  }
  return parse_number<std::uint32_t>(text.substr(first, end - first));
}

/// "0x5555", as `lscpu --hex` prints sets, of any length.
std::optional<CpuSet> parse_long_mask(std::string_view text) {
  constexpr std::size_t kDigitBits = 4;
  text.remove_prefix(2);
  if (text.empty() || text.size() > CpuSet::kMaxCpus / kDigitBits) {
    return std::nullopt;
  }
  CpuSet set;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto digit = parse_number<unsigned>(text.substr(text.size() - 1 - i, 1), 16);
    if (!digit) {
      return std::nullopt;
    }
    for (auto bits = *digit; bits != 0; bits &= bits - 1) {
      set.insert(static_cast<int>(i * kDigitBits) + std::countr_zero(bits));
    }
  }
  return set;
}

std::optional<CpuSet> parse_set(std::string_view text) {
  return text.starts_with("0x") ? parse_long_mask(text) : CpuSet::parse_list(text);
}

/// In every language the row of a node has "NUMA", its number, and a CPU list.
std::optional<NumaNode> parse_node(const SummaryRow& row) {
  const auto id =
      row.label.find("NUMA") != std::string::npos ? only_number(row.label) : std::nullopt;
  auto cpus = id ? parse_set(row.value) : std::nullopt;
  if (!cpus) {
    return std::nullopt;
  }
  return NumaNode{NodeId{*id}, *std::move(cpus), {}};
}

/// Told by place, since labels are translated: the first row with a plain number is how many CPUs
/// there are, the next which of them are online, and the next, if any is not, which are offline.
void find_online(const std::vector<SummaryRow>& rows, CpuSet& online, CpuSet& offline) {
  const auto total_row = std::ranges::find_if(rows, [](const SummaryRow& row) {
    return parse_number<std::uint32_t>(row.value).value_or(0) > 0;
  });
  const auto at = static_cast<std::size_t>(total_row - rows.begin());
  const auto set_at = [&](std::size_t index) {
    const bool usable = index < rows.size() &&
                        rows[index].label.find("NUMA") == std::string::npos &&
                        !rows[index].value.empty();
    return usable ? parse_set(rows[index].value).value_or(CpuSet{}) : CpuSet{};
  };
  const auto total = at < rows.size() ? parse_number<std::size_t>(rows[at].value).value_or(0) : 0;
  const auto first = set_at(at + 1);
  const auto second = set_at(at + 2);
  const bool split_in_two =
      !second.empty() && !first.intersects(second) && first.size() + second.size() == total;
  const bool is_list =
      at + 1 < rows.size() && rows[at + 1].value.find_first_of("-,x") != std::string::npos;
  if (!first.empty() &&
      (first.size() == total || split_in_two || (is_list && first.size() < total))) {
    online = first;
    offline = first.size() != total && split_in_two ? second : CpuSet{};
  }
}

/// A node that the text names for the first time, and not the thousandth and more: the kernel has
/// at most 1024 (CONFIG_NODES_SHIFT).
bool is_new(const NodeId& id, const std::vector<NumaNode>& nodes) {
  constexpr std::size_t kMaxNodes = 1024;
  return nodes.size() < kMaxNodes && std::ranges::find(nodes, id, &NumaNode::id) == nodes.end();
}

void add_cpus(Topology& topology, const CpuSet& present) {
  for (const int number : present.cpus()) {
    Cpu cpu;
    cpu.number = number;
    topology.cpus.push_back(std::move(cpu));
  }
}

/// "node 252 cpus: ..." -> 252 and what stands behind the colon.
std::optional<std::uint32_t> numactl_node(std::string_view line, std::string_view& value) {
  const auto node = take_word(line);
  const auto id = parse_number<std::uint32_t>(take_word(line));
  const auto what = take_word(line);
  value = trimmed(line);
  return node == "node" && what == "cpus:" ? id : std::nullopt;
}

/// The table behind "node distances:", by node number.
class Distances {
 public:
  /// Takes a line of the table; false if it is none.
  void add(std::string_view line) {
    const auto cells = words(line);
    if (!cells.empty() && cells.front() == "node") {
      columns_.assign(cells.begin() + 1, cells.end());
      return;
    }
    if (columns_.empty() || cells.size() != columns_.size() + 1 || !cells.front().ends_with(':')) {
      return;
    }
    const auto id = parse_number<std::uint32_t>(cells.front().substr(0, cells.front().size() - 1));
    for (std::size_t i = 0; id && i < columns_.size(); ++i) {
      const auto to = parse_number<std::uint32_t>(columns_[i]);
      const auto value = parse_number<int>(cells[i + 1]);
      if (to && value && *value > 0) {
        table_[{*id, *to}] = *value;
      }
    }
  }

  /// Fills in the rows that are whole.
  void give(std::vector<NumaNode>& nodes) const {
    for (auto& node : nodes) {
      node.distances = row(node.id, nodes);
    }
  }

 private:
  [[nodiscard]] std::vector<int> row(NodeId from, const std::vector<NumaNode>& nodes) const {
    std::vector<int> distances;
    for (const auto& node : nodes) {
      const auto found =
          table_.find({static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(node.id)});
      if (found == table_.end()) {
        return {};
      }
      distances.push_back(found->second);
    }
    return distances;
  }

  std::vector<std::string_view> columns_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, int> table_;
};

}  // namespace

std::vector<SummaryRow> summary_rows(std::string_view text) {
  constexpr std::string_view kWideColon = "\xef\xbc\x9a";  // Chinese translations write U+FF1A.
  std::vector<SummaryRow> rows;
  for (const auto line : split(text, '\n')) {
    const auto colon = line.find(':');
    const auto wide = line.find(kWideColon);
    auto end = std::min(colon, wide);
    auto width = wide < colon ? kWideColon.size() : 1;
    if (end == std::string_view::npos) {  // A Spanish label lost its colon.
      const auto start = line.find_first_not_of(' ');
      end = start == std::string_view::npos ? start : line.find("  ", start);
      width = 0;
    }
    if (end != std::string_view::npos) {
      rows.push_back({std::string(trimmed(line.substr(0, end))),
                      std::string(trimmed(line.substr(end + width)))});
    }
  }
  return rows;
}

std::optional<CpuText> facts_from_summary(const std::vector<SummaryRow>& rows) {
  CpuText facts;
  auto& topology = facts.topology;
  CpuSet of_nodes;
  for (const auto& row : rows) {
    auto node = parse_node(row);
    if (node && is_new(node->id, topology.nodes)) {
      of_nodes |= node->cpus;
      topology.nodes.push_back(*std::move(node));
    }
  }
  CpuSet offline;
  find_online(rows, topology.online, offline);
  if (!topology.online.contains_all(of_nodes)) {  // Lines are missing: what was found is no list.
    topology.online = of_nodes;
    offline = {};
  }
  if (topology.online.empty()) {
    return std::nullopt;
  }
  add_cpus(topology, topology.online | offline);
  return facts;
}

std::optional<CpuText> facts_from_numactl(std::string_view text) {
  CpuText facts;
  auto& topology = facts.topology;
  Distances distances;
  bool in_distances = false;
  for (const auto raw : split(text, '\n')) {
    const auto line = trimmed(raw);
    std::string_view value;
    in_distances = in_distances || line.starts_with("node distances:");
    if (in_distances) {
      distances.add(line);
    } else if (const auto id = numactl_node(line, value);
               id && is_new(NodeId{*id}, topology.nodes)) {
      value = value.substr(0, value.find('('));  // --cpu-compress ends with a count.
      topology.nodes.push_back({NodeId{*id}, CpuSet::parse_list(value).value_or(CpuSet{}), {}});
      topology.online |= topology.nodes.back().cpus;
    }
  }
  if (topology.nodes.empty()) {
    return std::nullopt;
  }
  std::ranges::sort(topology.nodes, {}, &NumaNode::id);
  distances.give(topology.nodes);
  add_cpus(topology, topology.online);
  return facts;
}

}  // namespace irqtune
