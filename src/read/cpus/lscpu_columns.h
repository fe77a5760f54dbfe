// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "read/cpus/lscpu_text.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace irqtune {

/// Where a cache of a CPU stands: a column, and the part of its "0:0:0:1".
struct CachePlace {
  std::size_t column = 0;
  std::size_t part = 0;
  bool last_part = false;  ///< Of a column that does not name its parts.
};

/// The columns of a table by name, in any case. Valid while the table is.
class CpuColumns {
 public:
  explicit CpuColumns(const CpuTable& table);

  [[nodiscard]] bool has(const std::string& name) const { return places_.contains(name); }

  /// Empty if there is no such column, or nothing in it.
  [[nodiscard]] std::string_view cell(std::size_t row, const std::string& name) const;

  /// Empty optional if there is no such column, or no number in it.
  [[nodiscard]] std::optional<int> number(std::size_t row, const std::string& name) const;

  /// The last-level cache; empty if unknown.
  [[nodiscard]] std::string_view llc(std::size_t row) const;

  /// The nearest known caches, which threads of a core share: those of level 1 ("l1d=0", "l1i=0"),
  /// else of level 2, which cores of a module or cluster may share as well.
  [[nodiscard]] std::vector<std::string> near_caches(std::size_t row) const;

 private:
  [[nodiscard]] std::string_view known(std::size_t row, std::size_t column) const;
  [[nodiscard]] std::string_view cache(std::size_t row, const CachePlace& place) const;

  const CpuTable& table_;
  std::map<std::string, std::size_t> places_;
  std::optional<CachePlace> llc_;
  std::map<std::string, CachePlace> near_;
};

/// The core of each CPU, by CPU number, numbered over the host in the order of CPUs; a CPU whose
/// core cannot be told is left out, and `warnings` says so.
///
/// The numbers in the table need not be unique: with `-y` they repeat per socket, die and book, and
/// without it per kind of core on Arm. What threads of a core have in common decides then.
[[nodiscard]] std::map<int, int> number_cores(const CpuColumns& columns,
                                              const std::map<int, std::size_t>& rows,
                                              std::vector<std::string>& warnings);

}  // namespace irqtune
