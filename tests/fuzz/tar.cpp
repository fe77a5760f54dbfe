// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "fuzz/base_tree.h"

namespace irqtune::fuzz {

namespace {

constexpr std::size_t kBlock = 512;
constexpr std::size_t kLongestName = 100;

using Block = std::array<char, kBlock>;

void put(Block& block, std::size_t at, std::string_view text) {
  std::ranges::copy(text, block.begin() + static_cast<std::ptrdiff_t>(at));
}

/// Source: POSIX pax(1), ustar interchange format.
Block header_of(std::string_view path, const TreeItem& item) {
  constexpr std::size_t kSumAt = 148;
  const bool link = item.kind == TreeImage::Kind::symlink;
  Block block{};
  put(block, 0, path);
  put(block, 100, fmt::format("{:07o}", item.mode));
  put(block, 124, fmt::format("{:011o}", link ? 0 : item.text.size()));
  put(block, kSumAt, "        ");
  block[156] = link ? '2' : item.kind == TreeImage::Kind::directory ? '5' : '0';
  put(block, 157, link ? std::string_view(item.text) : "");
  put(block, 257, "ustar");
  put(block, 263, "00");
  const auto sum = std::accumulate(block.begin(), block.end(), 0U, [](unsigned total, char c) {
    return total + static_cast<unsigned char>(c);
  });
  put(block, kSumAt, fmt::format("{:06o}", sum));
  block[kSumAt + 6] = '\0';
  return block;
}

}  // namespace

std::string tar_of(const TreeItems& items) {
  std::string tar;
  for (const auto& [path, item] : items) {
    const auto name = std::string_view(path).substr(1);
    const bool link = item.kind == TreeImage::Kind::symlink;
    if (name.size() >= kLongestName || (link && item.text.size() >= kLongestName)) {
      continue;
    }
    const auto header = header_of(name, item);
    tar.append(header.data(), header.size());
    if (item.kind == TreeImage::Kind::file) {
      tar += item.text;
      tar.resize((tar.size() + kBlock - 1) / kBlock * kBlock);
    }
  }
  tar.resize(tar.size() + 2 * kBlock);
  return tar;
}

}  // namespace irqtune::fuzz
