// SPDX-License-Identifier: Apache-2.0
#include "support/hosts/fake_tree.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include <unistd.h>

namespace irqtune::test {

namespace {

/// Where trees of thousands of files are made and removed soonest: in memory.
std::filesystem::path base_directory() {
  constexpr auto kMemory = "/dev/shm";
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing sets the environment while tests run
  const bool told = std::getenv("TMPDIR") != nullptr;
  return !told && ::access(kMemory, W_OK | X_OK) == 0 ? std::filesystem::path(kMemory)
                                                      : std::filesystem::temp_directory_path();
}

}  // namespace

FakeTree::FakeTree(std::initializer_list<std::pair<std::string, std::string>> files) {
  auto name = (base_directory() / "irqtune.XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    throw std::runtime_error("mkdtemp " + name);
  }
  root_ = name;
  for (const auto& [path, text] : files) {
    file(path, text);
  }
}

FakeTree::~FakeTree() {
  std::error_code ignored;
  std::filesystem::remove_all(root_, ignored);
}

void FakeTree::file(std::string_view path, std::string_view text) {
  const auto full = root_ / path.substr(1);
  std::filesystem::create_directories(full.parent_path());
  std::ofstream(full) << text;
}

void FakeTree::link(std::string_view path, std::string_view target) {
  const auto full = root_ / path.substr(1);
  std::filesystem::create_directories(full.parent_path());
  std::filesystem::create_symlink(target, full);
}

std::string FakeTree::text(std::string_view path) const {
  std::ifstream in(root_ / path.substr(1));
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace irqtune::test
