// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include "read/cpus/lscpu_text.h"

#include <algorithm>
#include <map>
#include <utility>

namespace irqtune {

namespace {

/// "node 252 cpus: ..." or "node 252 size: ..." -> 252, with the second word and what stands behind
/// it.
std::optional<std::uint32_t> numactl_node(std::string_view line,
                                          std::string_view& what,
                                          std::string_view& value) {
  const auto node = take_word(line);
  const auto id = parse_number<std::uint32_t>(take_word(line));
  what = take_word(line);
  value = trimmed(line);
  return node == "node" && what.ends_with(':') ? id : std::nullopt;
}

/// The nodes of `numactl --hardware` and their CPUs; a mail program may have broken its lines.
class NumactlNodes {
 public:
  void add(std::string_view line) {
    std::string_view what;
    std::string_view value;
    if (const auto id = numactl_node(line, what, value)) {
      take(*id);
      in_cpus_ = what == "cpus:" && cpus_.try_emplace(*id).second;
      cpus_of_ = *id;
    } else {
      value = line;
    }
    if (in_cpus_ && value.find_first_not_of("0123456789-, ()") == std::string_view::npos) {
      cpus_[cpus_of_] += value;
      cpus_[cpus_of_] += ' ';
    } else {
      in_cpus_ = false;
    }
  }

  /// By id. Empty if the text names none.
  [[nodiscard]] std::vector<NumaNode> nodes() const {
    auto nodes = nodes_;
    for (auto& node : nodes) {
      const auto text = cpus_.find(static_cast<std::uint32_t>(node.id));
      if (text != cpus_.end()) {
        std::string_view list = text->second;
        list = trimmed(list.substr(0, list.find('(')));  // --cpu-compress ends with a count.
        node.cpus = CpuSet::parse_list(list).value_or(CpuSet{});
      }
    }
    std::ranges::sort(nodes, {}, &NumaNode::id);
    return nodes;
  }

  /// The text has lines of CPUs: without them (numactl before 2.0) no node's are known.
  [[nodiscard]] bool has_cpus() const noexcept { return !cpus_.empty(); }

 private:
  void take(std::uint32_t id) {
    if (is_new(NodeId{id}, nodes_)) {
      nodes_.push_back({NodeId{id}, {}, {}});
    }
  }

  std::vector<NumaNode> nodes_;
  std::map<std::uint32_t, std::string> cpus_;
  std::uint32_t cpus_of_ = 0;
  bool in_cpus_ = false;
};

/// The table behind "node distances:", by node number; its lines may be broken anywhere.
class Distances {
 public:
  void add(std::string_view line) {
    for (const auto word : words(line)) {
      const auto number = parse_number<std::uint32_t>(word);
      const auto row = word.ends_with(':')
                           ? parse_number<std::uint32_t>(word.substr(0, word.size() - 1))
                           : std::nullopt;
      if (word == "node" && columns_.empty()) {
        in_header_ = true;
      } else if (row) {
        in_header_ = false;
        row_ = row;
        next_ = 0;
      } else if (number && in_header_) {
        columns_.push_back(*number);
      } else if (number && row_ && next_ < columns_.size()) {
        table_[{*row_, columns_[next_++]}] = *number;
      } else {
        row_.reset();
        return;
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
      if (found == table_.end() || found->second < 1 || found->second > kMaxDistance) {
        return {};
      }
      distances.push_back(static_cast<int>(found->second));
    }
    return distances;
  }

  std::vector<std::uint32_t> columns_;
  std::optional<std::uint32_t> row_;
  std::size_t next_ = 0;  // Index into columns_
  bool in_header_ = false;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> table_;
};

}  // namespace

std::optional<CpuText> facts_from_numactl(std::string_view text) {
  CpuText facts;
  auto& topology = facts.topology;
  NumactlNodes nodes;
  Distances distances;
  bool in_distances = false;
  for (const auto raw : split(text, '\n')) {
    const auto line = trimmed(raw);
    if (line.starts_with("node distances:")) {
      in_distances = true;
    } else if (in_distances) {
      distances.add(line);
    } else {
      nodes.add(line);
    }
  }
  topology.nodes = nodes.nodes();
  if (topology.nodes.empty()) {
    return std::nullopt;
  }
  if (!nodes.has_cpus()) {
    facts.warnings.emplace_back("no node's CPUs; numactl 2.0 and later, and lscpu -p, tell them");
  }
  for (const auto& node : topology.nodes) {
    topology.online |= node.cpus;
  }
  distances.give(topology.nodes);
  add_cpus(topology, topology.online);
  return facts;
}

}  // namespace irqtune
