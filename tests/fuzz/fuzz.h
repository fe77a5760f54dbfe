// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace irqtune::fuzz {

/// The input of a fuzz target as text.
[[nodiscard]] std::string_view text_of(const std::uint8_t* data, std::size_t size);

/// Ends the process, which is a finding, unless `holds`; `what` says what should hold.
void require(bool holds, std::string_view what, std::string_view shown = {});

/// True if a terminal would take `text` for text: UTF-8, no control character but newlines.
[[nodiscard]] bool is_plain(std::string_view text);

/// A file in memory that the code under test can open by its path.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view content);
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  MemoryFile(MemoryFile&&) = delete;
  MemoryFile& operator=(MemoryFile&&) = delete;
  ~MemoryFile();

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  int fd_;
  std::string path_;
};

}  // namespace irqtune::fuzz

/// What libFuzzer calls with each input.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
