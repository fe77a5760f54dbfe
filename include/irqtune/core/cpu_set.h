// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace irqtune {

/// Set of logical CPU numbers, 0..kMaxCpus-1.
///
/// Reads and writes the two text forms the kernel uses: the list form of `*_list` files ("0-3,8")
/// and the mask form of `smp_affinity` (32-bit hexadecimal words, most significant first,
/// "ff,00000000"). Source: Linux lib/bitmap-str.c, bitmap_parselist() and bitmap_parse().
class CpuSet {
 public:
  /// Numbers at or above this are refused, so that a bad file cannot ask for gigabytes.
  /// The largest kernel in use has 8192 (CONFIG_NR_CPUS of Debian, RHEL and SUSE).
  static constexpr int kMaxCpus = 1 << 16;

  CpuSet() = default;
  CpuSet(std::initializer_list<int> cpus);

  /// The list form: numbers and ranges, "a-b:n" (every n-th, as lscpu prints) and "a-b:used/group"
  /// (as the kernel reads), separated by commas or blanks; the empty text is the empty set. Empty
  /// optional if `text` is anything else; `why`, if given, then says what is wrong with it.
  [[nodiscard]] static std::optional<CpuSet> parse_list(std::string_view text,
                                                        std::string* why = nullptr);

  /// As parse_list, for what a user typed. Throws Error{usage} naming `option`.
  [[nodiscard]] static CpuSet require_list(std::string_view text, std::string_view option);

  /// The mask form. Empty optional if `text` is not a mask.
  [[nodiscard]] static std::optional<CpuSet> parse_mask(std::string_view text);

  /// "0-3,8", the kernel's canonical text; "" for the empty set.
  [[nodiscard]] std::string to_list() const;

  /// "00000000,0000010f" without leading zero words, as default_smp_affinity takes it; "0" if
  /// empty.
  [[nodiscard]] std::string to_mask() const;

  /// Ignores numbers outside 0..kMaxCpus-1.
  void insert(int cpu);
  void insert_range(int first, int last);
  void erase(int cpu) noexcept;
  [[nodiscard]] bool contains(int cpu) const noexcept;
  [[nodiscard]] bool contains_all(const CpuSet& other) const noexcept;
  [[nodiscard]] bool intersects(const CpuSet& other) const noexcept;

  [[nodiscard]] bool empty() const noexcept { return words_.empty(); }

  [[nodiscard]] std::size_t size() const noexcept;

  /// Lowest member; empty optional if there is none.
  [[nodiscard]] std::optional<int> first() const noexcept;

  /// Members in ascending order.
  [[nodiscard]] std::vector<int> cpus() const;

  CpuSet& operator|=(const CpuSet& other);

  friend bool operator==(const CpuSet&, const CpuSet&) = default;
  friend CpuSet operator&(const CpuSet& a, const CpuSet& b);
  friend CpuSet operator|(const CpuSet& a, const CpuSet& b);
  friend CpuSet operator-(const CpuSet& a, const CpuSet& b);

 private:
  /// The lowest CPU from `from` on that is a member, or none; behind all words if there is none.
  [[nodiscard]] int next(int from, bool member) const noexcept;
  void trim() noexcept;

  std::vector<std::uint64_t> words_;  // Invariant: no trailing zero word, so == is set equality.
};

}  // namespace irqtune
