// SPDX-License-Identifier: Apache-2.0
#include "irqtune/core/cpu_set.h"

#include "irqtune/core/error.h"
#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <utility>

namespace irqtune {

namespace {

constexpr int kWordBits = 64;
constexpr std::size_t kMaskWordBits = 32;

/// Steps are walked CPU by CPU: no list needs to walk each CPU more often than this.
constexpr int kMostSteps = 4 * CpuSet::kMaxCpus;

/// A list as far as it is read.
struct List {
  CpuSet set;
  int steps = 0;  ///< CPUs walked through by "a-b:used/group".
};

/// Why a field of a list is none; empty if it is one and `list` holds it.
std::string add_field(std::string_view field, List& list) {
  auto rest = field;
  const auto range = take_until(rest, ':');
  const auto step_text = rest;
  auto last_text = range;
  const auto first_text = take_until(last_text, '-');
  const bool is_range = range.find('-') != std::string_view::npos;
  const auto first = parse_number<int>(first_text);
  const auto last = is_range ? parse_number<int>(last_text) : first;
  if (!first || !last || *first < 0 || *last < 0) {
    return fmt::format("'{}' is not a CPU number or range", printable(field));
  }
  if (*last < *first) {
    return fmt::format("range '{}' runs backwards", printable(field));
  }
  if (*last >= CpuSet::kMaxCpus) {
    return fmt::format("CPU {} is at or above the limit {}", *last, CpuSet::kMaxCpus);
  }
  if (range.size() == field.size()) {
    list.set.insert_range(*first, *last);
    return {};
  }
  // "a-b:used/group" as the kernel reads it; "a-b:n", as lscpu prints, is "a-b:1/n".
  auto group_text = step_text;
  auto used_text = take_until(group_text, '/');
  const bool has_group = step_text.find('/') != std::string_view::npos;
  const auto used = has_group ? parse_number<int>(used_text) : 1;
  const auto group = parse_number<int>(has_group ? group_text : step_text);
  if (!is_range || !used || !group || *used < 1 || *group < 1 || *used > *group) {
    return fmt::format("'{}' is not a range with a step", printable(field));
  }
  list.steps += *last - *first + 1;  // At most kMostSteps + kMaxCpus: no overflow.
  if (list.steps > kMostSteps) {
    return fmt::format("steps through the same CPUs over and over, up to '{}'", printable(field));
  }
  for (int cpu = *first; cpu <= *last; ++cpu) {
    if ((cpu - *first) % *group < *used) {
      list.set.insert(cpu);
    }
  }
  return {};
}

/// As add_field, for fields separated by commas; "1,,2" and "1," are lists to the kernel too.
std::string add_word(std::string_view word, List& list) {
  std::string fault;
  for (const auto field : split(word, ',')) {
    fault += fault.empty() && !field.empty() ? add_field(field, list) : "";
  }
  return fault;
}

/// Lists are printed by the thousand.
void add_number(int number, std::string& text) {
  const fmt::format_int digits(number);
  text.append(digits.data(), digits.size());
}

}  // namespace

CpuSet::CpuSet(std::initializer_list<int> cpus) {
  for (const int cpu : cpus) {
    insert(cpu);
  }
}

std::optional<CpuSet> CpuSet::parse_list(std::string_view text, std::string* why) {
  List list;
  std::string fault;
  for (const auto word : words(text)) {
    fault += fault.empty() ? add_word(word, list) : "";
  }
  if (fault.empty()) {
    return std::move(list.set);
  }
  if (why != nullptr) {
    *why = std::move(fault);
  }
  return std::nullopt;
}

CpuSet CpuSet::require_list(std::string_view text, std::string_view option) {
  std::string why;
  if (auto set = parse_list(text, &why)) {
    return *std::move(set);
  }
  throw Error(ErrorKind::usage,
              fmt::format("{}: {}", option, why),
              "a CPU list looks like 0-3,8 (see cpuset(7), FORMATS)");
}

std::optional<CpuSet> CpuSet::parse_mask(std::string_view text) {
  const auto fields = split(trimmed(text), ',');
  if (fields.empty() || fields.size() > kMaxCpus / kMaskWordBits) {
    return std::nullopt;
  }
  CpuSet set;
  auto base = static_cast<int>((fields.size() - 1) * kMaskWordBits);
  for (const auto field : fields) {  // Most significant first, as written.
    const auto word = field.size() <= 8 ? parse_number<std::uint32_t>(field, 16) : std::nullopt;
    if (!word) {
      return std::nullopt;
    }
    for (auto bits = *word; bits != 0; bits &= bits - 1) {
      set.insert(base + std::countr_zero(bits));
    }
    base -= static_cast<int>(kMaskWordBits);
  }
  return set;
}

std::string CpuSet::to_list() const {
  std::string text;
  const auto limit = static_cast<int>(words_.size()) * kWordBits;
  int first = next(0, true);
  while (first < limit) {
    const int behind = next(first, false);
    text += text.empty() ? "" : ",";
    add_number(first, text);
    if (behind > first + 1) {
      text += '-';
      add_number(behind - 1, text);
    }
    first = next(behind, true);
  }
  return text;
}

std::string CpuSet::to_mask() const {
  std::string text;
  for (auto word = words_.rbegin(); word != words_.rend(); ++word) {
    const auto high = static_cast<std::uint32_t>(*word >> kMaskWordBits);
    const auto low = static_cast<std::uint32_t>(*word);
    if (!text.empty()) {
      text += fmt::format(",{:08x},{:08x}", high, low);
    } else {
      text = high != 0 ? fmt::format("{:x},{:08x}", high, low) : fmt::format("{:x}", low);
    }
  }
  return text.empty() ? "0" : text;
}

void CpuSet::insert(int cpu) {
  if (cpu < 0 || cpu >= kMaxCpus) {
    return;
  }
  const auto word = static_cast<std::size_t>(cpu / kWordBits);
  words_.resize(std::max(words_.size(), word + 1));
  words_[word] |= std::uint64_t{1} << (cpu % kWordBits);
}

void CpuSet::insert_range(int first, int last) {
  first = std::max(first, 0);
  last = std::min(last, kMaxCpus - 1);
  if (first > last) {
    return;
  }
  const auto low = static_cast<std::size_t>(first / kWordBits);
  const auto high = static_cast<std::size_t>(last / kWordBits);
  words_.resize(std::max(words_.size(), high + 1));
  for (auto word = low; word <= high; ++word) {
    const auto from = word == low ? ~std::uint64_t{0} << (first % kWordBits) : ~std::uint64_t{0};
    const auto to =
        word == high ? ~std::uint64_t{0} >> (kWordBits - 1 - last % kWordBits) : ~std::uint64_t{0};
    words_[word] |= from & to;
  }
}

void CpuSet::erase(int cpu) noexcept {
  if (contains(cpu)) {
    words_[static_cast<std::size_t>(cpu / kWordBits)] &= ~(std::uint64_t{1} << (cpu % kWordBits));
    trim();
  }
}

bool CpuSet::contains(int cpu) const noexcept {
  const auto word = static_cast<std::size_t>(cpu / kWordBits);
  return cpu >= 0 && word < words_.size() && (words_[word] >> (cpu % kWordBits) & 1) != 0;
}

bool CpuSet::contains_all(const CpuSet& other) const noexcept {
  for (std::size_t i = 0; i < other.words_.size(); ++i) {
    if ((other.words_[i] & ~(i < words_.size() ? words_[i] : 0)) != 0) {
      return false;
    }
  }
  return true;
}

bool CpuSet::intersects(const CpuSet& other) const noexcept {
  for (std::size_t i = 0; i < std::min(words_.size(), other.words_.size()); ++i) {
    if ((words_[i] & other.words_[i]) != 0) {
      return true;
    }
  }
  return false;
}

std::size_t CpuSet::size() const noexcept {
  std::size_t count = 0;
  for (const auto word : words_) {
    count += static_cast<std::size_t>(std::popcount(word));
  }
  return count;
}

std::optional<int> CpuSet::first() const noexcept {
  for (std::size_t i = 0; i < words_.size(); ++i) {
    if (words_[i] != 0) {
      return static_cast<int>(i) * kWordBits + std::countr_zero(words_[i]);
    }
  }
  return std::nullopt;
}

std::vector<int> CpuSet::cpus() const {
  std::vector<int> out;
  for (std::size_t i = 0; i < words_.size(); ++i) {
    for (auto bits = words_[i]; bits != 0; bits &= bits - 1) {
      out.push_back(static_cast<int>(i) * kWordBits + std::countr_zero(bits));
    }
  }
  return out;
}

CpuSet& CpuSet::operator|=(const CpuSet& other) {
  words_.resize(std::max(words_.size(), other.words_.size()));
  for (std::size_t i = 0; i < other.words_.size(); ++i) {
    words_[i] |= other.words_[i];
  }
  return *this;
}

CpuSet operator&(const CpuSet& a, const CpuSet& b) {
  CpuSet out = a;
  out.words_.resize(std::min(a.words_.size(), b.words_.size()));
  for (std::size_t i = 0; i < out.words_.size(); ++i) {
    out.words_[i] &= b.words_[i];
  }
  out.trim();
  return out;
}

CpuSet operator|(const CpuSet& a, const CpuSet& b) {
  CpuSet out = a;
  out |= b;
  return out;
}

CpuSet operator-(const CpuSet& a, const CpuSet& b) {
  CpuSet out = a;
  for (std::size_t i = 0; i < std::min(a.words_.size(), b.words_.size()); ++i) {
    out.words_[i] &= ~b.words_[i];
  }
  out.trim();
  return out;
}

int CpuSet::next(int from, bool member) const noexcept {
  auto word = static_cast<std::size_t>(from / kWordBits);
  auto mask = ~std::uint64_t{0} << (from % kWordBits);
  for (; word < words_.size(); ++word) {
    const auto bits = (member ? words_[word] : ~words_[word]) & mask;
    if (bits != 0) {
      return static_cast<int>(word) * kWordBits + std::countr_zero(bits);
    }
    mask = ~std::uint64_t{0};
  }
  return static_cast<int>(words_.size()) * kWordBits;
}

void CpuSet::trim() noexcept {
  while (!words_.empty() && words_.back() == 0) {
    words_.pop_back();
  }
}

}  // namespace irqtune
