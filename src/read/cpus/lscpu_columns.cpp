// SPDX-License-Identifier: Apache-2.0
#include "read/cpus/lscpu_columns.h"

#include "irqtune/core/text.h"

#include <fmt/format.h>

namespace irqtune {

namespace {

/// "-" and nothing stand for unknown, and so do the caches ":::" and "-:-:-".
bool is_blank(std::string_view cell) {
  return cell.find_first_not_of("-: ?") == std::string_view::npos;
}

/// "L3" -> 3, "L1d" and "L1i" -> 1; 0 for what is no cache.
int cache_level(std::string_view name) {
  const bool is_cache = name.size() >= 2 && name.size() <= 3 &&
                        (name[0] == 'L' || name[0] == 'l') && name[1] >= '1' && name[1] <= '9';
  return is_cache ? name[1] - '0' : 0;
}

using CachePlaces = std::map<std::string, CachePlace>;

/// Adds the caches that a column's name tells: "L1d:L1i:L2:L3".
void add_caches(std::string_view name, std::size_t column, CachePlaces& places) {
  std::size_t part = 0;
  for (const auto cache : split(name, ':')) {
    const CachePlace place{column, part++, false};
    if (cache_level(cache) > 0) {
      places.try_emplace(lower_ascii(cache), place);
    }
  }
}

/// Every cache that the names of the columns tell, by name.
CachePlaces find_caches(const std::vector<std::string>& columns) {
  CachePlaces places;
  for (std::size_t column = 0; column < columns.size(); ++column) {
    add_caches(columns[column], column, places);
  }
  return places;
}

}  // namespace

CpuColumns::CpuColumns(const CpuTable& table) : table_(table) {
  constexpr int kFar = 3;  // Cores share caches of this level.
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    places_.try_emplace(lower_ascii(table.columns[i]), i);
  }
  int best = 0;
  for (const auto& [name, place] : find_caches(table.columns)) {
    const int level = cache_level(name);
    if (level < kFar) {
      near_.emplace(name, place);
    }
    if (level > best && name.back() != 'i') {
      best = level;
      llc_ = place;
    }
  }
  if (const auto cache = places_.find("cache"); cache != places_.end()) {
    llc_ = CachePlace{cache->second, 0, true};
  }
}

std::string_view CpuColumns::cell(std::size_t row, const std::string& name) const {
  const auto place = places_.find(name);
  return place != places_.end() ? known(row, place->second) : std::string_view{};
}

std::optional<int> CpuColumns::number(std::size_t row, const std::string& name) const {
  const auto value = parse_number<int>(cell(row, name));
  return value && *value >= 0 ? value : std::nullopt;
}

std::string_view CpuColumns::llc(std::size_t row) const {
  return llc_ ? cache(row, *llc_) : std::string_view{};
}

std::vector<std::string> CpuColumns::near_caches(std::size_t row) const {
  std::vector<std::string> first;
  std::vector<std::string> second;
  for (const auto& [name, place] : near_) {
    if (const auto id = cache(row, place); !id.empty()) {
      (cache_level(name) == 1 ? first : second).push_back(fmt::format("{}={}", name, id));
    }
  }
  return first.empty() ? second : first;
}

std::string_view CpuColumns::known(std::size_t row, std::size_t column) const {
  const auto& cells = table_.rows[row];
  const bool empty = column >= cells.size() || is_blank(cells[column]);
  return empty ? std::string_view{} : cells[column];
}

std::string_view CpuColumns::cache(std::size_t row, const CachePlace& place) const {
  const auto parts = split(known(row, place.column), ':');
  const auto part = place.last_part && !parts.empty() ? parts.size() - 1 : place.part;
  return part < parts.size() && !is_blank(parts[part]) ? parts[part] : std::string_view{};
}

}  // namespace irqtune
