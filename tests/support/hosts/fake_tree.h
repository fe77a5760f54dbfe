// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/sys/sysfs.h"

#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace irqtune::test {

/// A real directory tree below a fresh temporary directory, removed with the object.
///
/// Real files rather than a mock: symbolic links, permissions and errno come from the kernel.
class FakeTree {
 public:
  FakeTree(std::initializer_list<std::pair<std::string, std::string>> files = {});
  FakeTree(const FakeTree&) = delete;
  FakeTree& operator=(const FakeTree&) = delete;
  FakeTree(FakeTree&&) = delete;
  FakeTree& operator=(FakeTree&&) = delete;
  ~FakeTree();

  void file(std::string_view path, std::string_view text);
  void link(std::string_view path, std::string_view target);
  [[nodiscard]] std::string text(std::string_view path) const;

  [[nodiscard]] Sysfs sysfs() const { return Sysfs(root_); }

  [[nodiscard]] const std::filesystem::path& root() const { return root_; }

 private:
  std::filesystem::path root_;
};

}  // namespace irqtune::test
