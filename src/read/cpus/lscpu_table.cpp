// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include "read/cpus/lscpu_columns.h"
#include "read/cpus/lscpu_text.h"

#include <fmt/format.h>

#include <array>
#include <map>
#include <optional>
#include <set>

namespace irqtune {

namespace {

/// Tells which words in the ONLINE column mean "no" in the language of the file. One letter may
/// mean either: E is Finnish for no and Turkish for yes, K Finnish for yes and Vietnamese for no.
/// Source: util-linux po/*.po, "no" and "N".
class OnlineWords {
 public:
  explicit OnlineWords(const std::set<std::string, std::less<>>& seen) {
    constexpr std::array kNo = {"no",  "n",      "false",  "0",     "ne",    "nej", "nein",   "ei",
                                "ez",  "non",    "nem",    "tidak", "nee",   "nie", "não",    "нет",
                                "nu",  "nei",    "nei.",   "hayır", "không", "否",  "いいえ", "ні",
                                "όχι", "아니요", "아니오", "Н",     "Нет",   "h"};
    no_.insert(kNo.begin(), kNo.end());
    if (seen.contains("e") && seen.contains("k")) {
      no_.insert("e");
    }
    if (seen.contains("c") && seen.contains("k")) {
      no_.insert("k");
    }
  }

  [[nodiscard]] bool means_no(std::string_view word) const {
    return no_.contains(lower_ascii(word));
  }

 private:
  std::set<std::string, std::less<>> no_;
};

/// The CPUs that are online. Without an ONLINE column, or where it says yes of all (lscpu 2.38
/// --json in Finnish, Russian, Turkish and Vietnamese, whatever is true), one that has no core
/// while others have is offline; where no core is told, the same goes for sockets, then for caches,
/// and then for nodes. A word of which all CPUs are so means no in a language that is not known
/// here.
class OnlineRule {
 public:
  OnlineRule(const CpuColumns& columns, std::size_t rows)
      : columns_(columns), seen_(words(columns, rows)), words_(seen_) {
    for (std::size_t place = 0; place < kPlaces.size() && !told_by_; ++place) {
      for (std::size_t row = 0; row < rows && !told_by_; ++row) {
        told_by_ = is_placed(row, place) ? std::optional(place) : std::nullopt;
      }
    }
    for (std::size_t row = 0; row < rows; ++row) {
      if (has_place(row)) {
        of_placed_.insert(word(columns, row));
      }
    }
  }

  [[nodiscard]] bool operator()(std::size_t row) const {
    const auto said = word(columns_, row);
    if (said.empty() || seen_.size() == 1) {
      return !words_.means_no(said) && has_place(row);
    }
    return !words_.means_no(said) && of_placed_.contains(said);
  }

 private:
  using Words = std::set<std::string, std::less<>>;

  static std::string word(const CpuColumns& columns, std::size_t row) {
    return lower_ascii(columns.cell(row, "online"));
  }

  static Words words(const CpuColumns& columns, std::size_t rows) {
    Words words;
    for (std::size_t row = 0; row < rows; ++row) {
      words.insert(word(columns, row));
    }
    return words;
  }

  static constexpr std::array kPlaces = {"core", "socket", "", "node"};

  [[nodiscard]] bool is_placed(std::size_t row, std::size_t place) const {
    const std::string name = kPlaces.at(place);
    return !(name.empty() ? columns_.llc(row) : columns_.cell(row, name)).empty();
  }

  /// Where no row tells, true of every row, unless each could have told its core and socket: `lscpu
  /// -c` lists the offline CPUs alone.
  [[nodiscard]] bool has_place(std::size_t row) const {
    const bool all_offline = columns_.has("core") && columns_.has("socket");
    return told_by_ ? is_placed(row, *told_by_) : !all_offline;
  }

  const CpuColumns& columns_;
  Words seen_;
  OnlineWords words_;
  Words of_placed_;                     // What the ONLINE column says of CPUs with a place.
  std::optional<std::size_t> told_by_;  // Index into kPlaces.
};

/// Numbers things 0, 1, ... in the order in which they are met.
class Numbering {
 public:
  int operator()(const std::string& key) {
    return ids_.try_emplace(key, static_cast<int>(ids_.size())).first->second;
  }

 private:
  std::map<std::string, int> ids_;
};

/// The rows by CPU number, each CPU once; the others are counted in `bad`.
std::map<int, std::size_t> rows_by_cpu(const CpuColumns& columns,
                                       std::size_t rows,
                                       std::size_t& bad) {
  std::map<int, std::size_t> found;
  for (std::size_t row = 0; row < rows; ++row) {
    const auto cpu = columns.number(row, "cpu");
    const bool taken = cpu && *cpu < CpuSet::kMaxCpus && found.try_emplace(*cpu, row).second;
    bad += taken ? 0 : 1;
  }
  return found;
}

}  // namespace

std::optional<CpuText> facts_from_table(const CpuTable& table) {
  const CpuColumns columns(table);
  const OnlineRule is_online(columns, table.rows.size());
  std::size_t bad = 0;
  const auto rows = rows_by_cpu(columns, table.rows.size(), bad);
  if (rows.empty()) {
    return std::nullopt;
  }
  CpuText facts;
  const auto cores = number_cores(columns, rows, facts.warnings);
  Numbering llc;
  for (const auto& [number, row] : rows) {
    Cpu cpu;
    cpu.number = number;
    cpu.package = columns.number(row, "socket");
    if (const auto core = cores.find(number); core != cores.end()) {
      cpu.core = core->second;
    }
    if (const auto id = columns.llc(row); !id.empty()) {
      cpu.llc = llc(std::string(id));
    }
    if (const auto node = columns.number(row, "node")) {
      cpu.node = NodeId{static_cast<std::uint32_t>(*node)};
    }
    if (is_online(row)) {
      facts.topology.online.insert(number);
    }
    facts.topology.cpus.push_back(std::move(cpu));
  }
  if (facts.topology.online.empty()) {
    facts.warnings.emplace_back("no CPU is online; lscpu -c lists only those that are not");
  }
  if (bad > 0) {
    facts.warnings.push_back(counted(bad, "row") +
                             " without a CPU number of their own passed over");
  }
  return facts;
}

}  // namespace irqtune
