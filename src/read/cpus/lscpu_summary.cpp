// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include "read/cpus/lscpu_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

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

/// "0x5555" or "5555", as `lscpu --hex` prints sets (without "0x" since 2.34), of any length.
std::optional<CpuSet> parse_long_mask(std::string_view text) {
  constexpr std::size_t kDigitBits = 4;
  if (text.starts_with("0x")) {
    text.remove_prefix(2);
  }
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

using ParseSet = std::optional<CpuSet> (*)(std::string_view);

std::optional<CpuSet> parse_list(std::string_view text) {
  return text.starts_with("0x") ? parse_long_mask(text) : CpuSet::parse_list(text);
}

/// In every language the row of a node has "NUMA", its number, and a CPU list.
std::optional<NumaNode> parse_node(const SummaryRow& row, ParseSet parse) {
  const auto id =
      row.label.find("NUMA") != std::string::npos ? only_number(row.label) : std::nullopt;
  auto cpus = id ? parse(row.value) : std::nullopt;
  if (!cpus && id && row.value.empty()) {
    cpus = CpuSet{};
  }
  return cpus ? std::optional(NumaNode{NodeId{*id}, *std::move(cpus), {}}) : std::nullopt;
}

/// What a summary says of which CPUs there are. Told by place, since labels are translated: the
/// first row with a plain number is how many there are, the next which of them are online, and the
/// next, if any is not, which are offline.
class OnlineRows {
 public:
  explicit OnlineRows(const std::vector<SummaryRow>& rows) {
    const auto row = std::ranges::find_if(rows, [](const SummaryRow& one) {
      return parse_number<std::uint32_t>(one.value).value_or(0) > 0;
    });
    const auto at = static_cast<std::size_t>(row - rows.begin());
    if (at < rows.size()) {
      total_row_ = rows[at];
      total_ = parse_number<std::size_t>(total_row_.value).value_or(0);
    }
    first_ = set_row(rows, at + 1);
    second_ = set_row(rows, at + 2);
    is_mask_ = first_.label.find("mask") != std::string::npos;
    is_mask_ = is_mask_ || (total_ > 1 && !fits(&parse_list) &&
                            (fits(&parse_long_mask) || is_mask_of_part() || are_masks(rows)));
  }

  [[nodiscard]] ParseSet parse() const { return is_mask_ ? &parse_long_mask : &parse_list; }

  /// How many CPUs there are, if the text says no more than that.
  [[nodiscard]] std::size_t total() const { return total_row_.label == "CPU(s)" ? total_ : 0; }

  /// What it says of `online` and `offline`; `whole` if it accounts for every CPU.
  void find(CpuSet& online, CpuSet& offline, bool& whole) const {
    const auto first = set_of(first_, parse());
    const auto second = set_of(second_, parse());
    const bool is_list = first_.value.find_first_of("-,x") != std::string::npos;
    const bool is_pair = pair_fits(first, second);
    whole = alone_fits(first) || is_pair;
    if (whole || (!first.empty() && (is_list || is_mask_) && first.size() < total_)) {
      online = first;
      offline = is_pair && !alone_fits(first) ? second : CpuSet{};
    }
  }

 private:
  static SummaryRow set_row(const std::vector<SummaryRow>& rows, std::size_t index) {
    const bool usable = index < rows.size() && rows[index].label.find("NUMA") == std::string::npos;
    return usable ? rows[index] : SummaryRow{};
  }

  static CpuSet set_of(const SummaryRow& row, ParseSet as) {
    return row.value.empty() ? CpuSet{} : as(row.value).value_or(CpuSet{});
  }

  /// The only CPU of a host is CPU 0: else "Model: 1" before "Stepping: 1" would do.
  [[nodiscard]] bool alone_fits(const CpuSet& first) const {
    return !first.empty() && first.size() == total_ && (total_ > 1 || first.contains(0));
  }

  [[nodiscard]] bool pair_fits(const CpuSet& first, const CpuSet& second) const {
    return !first.empty() && !second.empty() && !first.intersects(second) &&
           first.size() + second.size() == total_;
  }

  [[nodiscard]] bool fits(ParseSet as) const {
    const auto first = set_of(first_, as);
    return alone_fits(first) || pair_fits(first, set_of(second_, as));
  }

  /// A mask of fewer CPUs than there are, as where no row tells which are offline.
  [[nodiscard]] bool is_mask_of_part() const {
    const auto first = set_of(first_, &parse_long_mask);
    return !parse_list(first_.value) && !first.empty() && first.size() < total_;
  }

  /// Do the nodes' rows make the number of CPUs as masks, and not as lists?
  [[nodiscard]] bool are_masks(const std::vector<SummaryRow>& rows) const {
    const auto sum = [&](ParseSet as) {
      std::size_t cpus = 0;
      for (const auto& row : rows) {
        const auto node = parse_node(row, as);
        cpus += node ? node->cpus.size() : 0;
      }
      return cpus;
    };
    return sum(&parse_list) != total_ && sum(&parse_long_mask) == total_;
  }

  SummaryRow total_row_;
  SummaryRow first_;
  SummaryRow second_;
  std::size_t total_ = 0;
  bool is_mask_ = false;
};

/// Threads of a core, the most of any kind; in English only.
std::optional<std::uint32_t> threads_per_core(const std::vector<SummaryRow>& rows) {
  std::optional<std::uint32_t> threads;
  for (const auto& row : rows) {
    if (row.label == "Thread(s) per core") {
      threads = std::max(threads, parse_number<std::uint32_t>(row.value));
    }
  }
  return threads;
}

/// All CPUs are in one package; in English only. A processor of several kinds of cores has a row of
/// each kind, whose sockets may or may not be the same.
bool has_one_socket(const std::vector<SummaryRow>& rows) {
  const auto is_row = [](const SummaryRow& row) {
    return row.label == "Socket(s)" || row.label == "CPU socket(s)";  // The latter before 2.20
  };
  const auto found = std::ranges::find_if(rows, is_row);
  return found != rows.end() && found->value == "1" &&
         std::none_of(std::next(found), rows.end(), is_row);
}

}  // namespace

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

std::vector<SummaryRow> summary_rows(std::string_view text) {
  constexpr std::string_view kWideColon = "\xef\xbc\x9a";  // Chinese translations write U+FF1A.
  std::vector<SummaryRow> rows;
  for (const auto line : split(text, '\n')) {
    const auto colon = line.find(':');
    const auto wide = line.find(kWideColon);
    auto end = std::min(colon, wide);
    auto width = wide < colon ? kWideColon.size() : 1;
    if (end == std::string_view::npos) {  // A Spanish label lost its colon.
      const auto start = std::min(line.find_first_not_of(' '), line.size());
      end = std::min(line.find("  ", start), line.rfind(' '));
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
  const OnlineRows told(rows);
  CpuSet of_nodes;
  for (const auto& row : rows) {
    auto node = parse_node(row, told.parse());
    if (node && is_new(node->id, topology.nodes)) {
      of_nodes |= node->cpus;
      topology.nodes.push_back(*std::move(node));
    }
  }
  CpuSet offline;
  bool whole = false;
  told.find(topology.online, offline, whole);
  if (!whole && !topology.online.contains_all(of_nodes)) {
    topology.online = of_nodes;  // Lines are missing: what was found is no list.
    offline = {};
  }
  if (topology.online.empty() && told.total() == 0) {
    return std::nullopt;
  }
  if (topology.online.empty()) {  // util-linux before 2.17
    facts.warnings.push_back(
        fmt::format("{} CPUs, and not which; lscpu -p tells more", told.total()));
  }
  add_cpus(topology, topology.online | offline);
  for (auto& node : topology.nodes) {  // Old kernels count possible CPUs in.
    node.cpus = node.cpus & (topology.online | offline);
  }
  facts.threads_per_core = threads_per_core(rows);
  const bool one_socket = has_one_socket(rows);
  for (auto& cpu : topology.cpus) {
    const bool online = topology.online.contains(cpu.number);
    cpu.core = online && facts.threads_per_core == 1U ? std::optional(cpu.number) : std::nullopt;
    cpu.package = online && one_socket ? std::optional(0) : std::nullopt;
  }
  return facts;
}

}  // namespace irqtune
