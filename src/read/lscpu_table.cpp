// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/text.h"

#include "read/lscpu_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace irqtune {

namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

/// "-" and nothing stand for unknown, and so do the caches ":::" and "-:-:-".
bool is_blank(std::string_view cell) {
  return cell.find_first_not_of("-: ?") == std::string_view::npos;
}

/// Where the last-level cache of a CPU stands: a column, and the part of its "0:0:0:1".
struct CachePlace {
  std::size_t column = kNone;
  std::size_t part = 0;
  bool last_part = false;  ///< Of a column that does not name its parts.
};

/// "L3" -> 3, "L1d" -> 1; 0 for an instruction cache and for what is no cache.
int cache_level(std::string_view name) {
  const bool is_cache = name.size() >= 2 && name.size() <= 3 &&
                        (name[0] == 'L' || name[0] == 'l') && name[1] >= '1' && name[1] <= '9';
  return is_cache && name.back() != 'i' ? name[1] - '0' : 0;
}

CachePlace find_llc(const std::vector<std::string>& columns) {
  CachePlace place;
  int best = 0;
  for (std::size_t column = 0; column < columns.size(); ++column) {
    if (lower(columns[column]) == "cache") {
      return {column, 0, true};
    }
    const auto parts = split(columns[column], ':');
    const auto highest = std::ranges::max_element(parts, {}, cache_level);
    if (highest != parts.end() && cache_level(*highest) > best) {
      best = cache_level(*highest);
      place = {column, static_cast<std::size_t>(highest - parts.begin()), false};
    }
  }
  return place;
}

/// The columns that irqtune looks at.
class Columns {
 public:
  explicit Columns(const CpuTable& table) : table_(table), llc_(find_llc(table.columns)) {
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      places_.try_emplace(lower(table.columns[i]), i);
    }
  }

  [[nodiscard]] bool has(const std::string& name) const { return places_.contains(name); }

  /// Empty if there is no such column, or nothing in it.
  [[nodiscard]] std::string_view cell(std::size_t row, const std::string& name) const {
    const auto place = places_.find(name);
    return place != places_.end() ? known(row, place->second) : std::string_view{};
  }

  [[nodiscard]] std::optional<int> number(std::size_t row, const std::string& name) const {
    const auto value = parse_number<int>(cell(row, name));
    return value && *value >= 0 ? value : std::nullopt;
  }

  [[nodiscard]] std::string_view llc(std::size_t row) const {
    if (llc_.column == kNone) {
      return {};
    }
    const auto parts = split(known(row, llc_.column), ':');
    const auto part = llc_.last_part && !parts.empty() ? parts.size() - 1 : llc_.part;
    return part < parts.size() && !is_blank(parts[part]) ? parts[part] : std::string_view{};
  }

 private:
  [[nodiscard]] std::string_view known(std::size_t row, std::size_t column) const {
    const std::string_view text = table_.rows[row][column];
    return is_blank(text) ? std::string_view{} : text;
  }

  const CpuTable& table_;
  std::map<std::string, std::size_t> places_;
  CachePlace llc_;
};

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

  [[nodiscard]] bool means_no(std::string_view word) const { return no_.contains(lower(word)); }

 private:
  std::set<std::string, std::less<>> no_;
};

/// The CPUs that are online. Without an ONLINE column, one that belongs to no core, socket or cache
/// while others do is offline.
class OnlineRule {
 public:
  OnlineRule(const Columns& columns, std::size_t rows)
      : columns_(columns), words_(seen(columns, rows)) {
    for (std::size_t row = 0; row < rows; ++row) {
      placed_ = placed_ || is_placed(row);
    }
  }

  [[nodiscard]] bool operator()(std::size_t row) const {
    const auto word = columns_.cell(row, "online");
    return word.empty() ? !placed_ || is_placed(row) : !words_.means_no(word);
  }

 private:
  static std::set<std::string, std::less<>> seen(const Columns& columns, std::size_t rows) {
    std::set<std::string, std::less<>> words;
    for (std::size_t row = 0; row < rows; ++row) {
      words.insert(lower(columns.cell(row, "online")));
    }
    return words;
  }

  [[nodiscard]] bool is_placed(std::size_t row) const {
    return !columns_.cell(row, "core").empty() || !columns_.cell(row, "socket").empty() ||
           !columns_.llc(row).empty();
  }

  const Columns& columns_;
  OnlineWords words_;
  bool placed_ = false;
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
std::map<int, std::size_t> rows_by_cpu(const Columns& columns, std::size_t rows, std::size_t& bad) {
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
  const Columns columns(table);
  const OnlineRule is_online(columns, table.rows.size());
  std::size_t bad = 0;
  const auto rows = rows_by_cpu(columns, table.rows.size(), bad);
  if (rows.empty()) {
    return std::nullopt;
  }
  CpuText facts;
  Numbering core;
  Numbering llc;
  for (const auto& [number, row] : rows) {
    Cpu cpu;
    cpu.number = number;
    cpu.package = columns.number(row, "socket");
    // With `-y` core numbers repeat per socket, and sockets per book.
    if (const auto id = columns.cell(row, "core"); !id.empty()) {
      cpu.core = core(fmt::format("{}/{}/{}/{}",
                                  columns.cell(row, "drawer"),
                                  columns.cell(row, "book"),
                                  columns.cell(row, "socket"),
                                  id));
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
  if (bad > 0) {
    facts.warnings.push_back(
        counted(bad, "row") + " without a CPU number of their own passed over");
  }
  return facts;
}

}  // namespace irqtune
