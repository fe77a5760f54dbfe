// SPDX-License-Identifier: Apache-2.0
#include "read/interrupts/cells.h"

#include "irqtune/core/text.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>

namespace irqtune {

namespace {

/// A zero cell is "%10u" behind the last digit of the cell before it, so that runs of them repeat
/// these eleven bytes. On big hosts 99 cells of 100 are zero: they are compared many at a time.
constexpr std::string_view kZeroCell = "          0";
constexpr std::size_t kBlockCells = 32;
constexpr auto kZeroBlock = [] {
  std::array<char, kZeroCell.size() * kBlockCells> block{};
  for (std::size_t i = 0; i < block.size(); ++i) {
    block.at(i) = kZeroCell[i % kZeroCell.size()];
  }
  return block;
}();

using Word = std::uint64_t;

/// The bits in which `text` and kZeroBlock differ in the word at `at`.
Word differing_bits(std::string_view text, std::size_t at) noexcept {
  Word word = 0;
  Word zeros = 0;
  std::memcpy(&word, text.data() + at, sizeof word);
  std::memcpy(&zeros, kZeroBlock.data() + at, sizeof zeros);
  return word ^ zeros;
}

/// Which byte in memory the first set bit is in.
std::size_t first_byte(Word bits) noexcept {
  constexpr std::size_t kByte = 8;
  const int at =
      std::endian::native == std::endian::little ? std::countr_zero(bits) : std::countl_zero(bits);
  return static_cast<std::size_t>(at) / kByte;
}

/// How many bytes at the start of `text` are as in kZeroBlock.
std::size_t zero_bytes(std::string_view text) noexcept {
  constexpr auto kPart = kZeroCell.size() * sizeof(Word);  // Whole cells and whole words
  const auto end = std::min(text.size(), kZeroBlock.size());
  std::size_t at = 0;
  while (at + kPart <= end && std::memcmp(text.data() + at, kZeroBlock.data() + at, kPart) == 0) {
    at += kPart;
  }
  for (; at + sizeof(Word) <= end; at += sizeof(Word)) {
    if (const auto bits = differing_bits(text, at)) {
      return at + first_byte(bits);
    }
  }
  while (at < end && text[at] == kZeroBlock[at]) {
    ++at;
  }
  return at;
}

/// The value of a word of digits, the greatest there is if it is beyond that.
std::uint64_t long_number(std::string_view digits) noexcept {
  return parse_number<std::uint64_t>(digits).value_or(std::numeric_limits<std::uint64_t>::max());
}

}  // namespace

void Cells::read(const std::vector<int>& cpus, std::vector<CpuCount>& counts) {
  while (columns_ < limit_) {
    skip_zeros();
    if (columns_ >= limit_ || !read_number()) {
      return;
    }
    total_ += std::min(value_, std::numeric_limits<std::uint64_t>::max() - total_);
    if (value_ != 0 && columns_ < cpus.size() && cpus[columns_] >= 0) {
      counts.push_back({cpus[columns_], value_});
    }
    ++columns_;
  }
}

bool Cells::more() const noexcept {
  auto copy = *this;
  return copy.read_number();
}

/// True if nothing but a blank or the end stands at `i`: the cell before it is complete.
bool Cells::ends_at(std::size_t i) const noexcept {
  return i >= text_.size() || is_cell_blank(text_[i]);
}

/// True if a block of cells, all zero and complete, stands at `at_`.
bool Cells::has_zero_block() const noexcept {
  return columns_ + kBlockCells <= limit_ && at_ + kZeroBlock.size() <= text_.size() &&
         std::memcmp(text_.data() + at_, kZeroBlock.data(), kZeroBlock.size()) == 0 &&
         ends_at(at_ + kZeroBlock.size());
}

void Cells::skip_zeros() noexcept {
  if (at_ + sizeof(Word) > text_.size() || differing_bits(text_.substr(at_), 0) != 0) {
    return;  // The next cell is not zero, or the last.
  }
  while (has_zero_block()) {
    at_ += kZeroBlock.size();
    columns_ += kBlockCells;
  }
  auto cells = std::min(zero_bytes(text_.substr(at_)) / kZeroCell.size(), limit_ - columns_);
  if (cells > 0 && !ends_at(at_ + cells * kZeroCell.size())) {
    --cells;  // The last one's digit is the first of a longer number.
  }
  at_ += cells * kZeroCell.size();
  columns_ += cells;
}

/// Reads one word if it is a number; else stays where it is.
bool Cells::read_number() noexcept {
  auto at = at_;
  while (at < text_.size() && is_cell_blank(text_[at])) {
    ++at;
  }
  const auto first = at;
  std::uint64_t value = 0;
  for (; at < text_.size() && is_digit(text_[at]); ++at) {
    value = value * 10 + static_cast<std::uint64_t>(text_[at] - '0');
  }
  if (at == first || !ends_at(at)) {
    return false;
  }
  constexpr auto kDigits = std::numeric_limits<std::uint64_t>::digits10;  // So many always fit.
  value_ = at - first <= kDigits ? value : long_number(text_.substr(first, at - first));
  too_large_ = too_large_ || value_ > std::numeric_limits<std::uint32_t>::max();
  at_ = at;
  return true;
}

}  // namespace irqtune
