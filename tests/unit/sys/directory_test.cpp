// SPDX-License-Identifier: Apache-2.0
#include "irqtune/sys/directory.h"

#include "irqtune/sys/sysfs.h"

#include "support/catch.h"
#include "support/hosts/fake_tree.h"

#include <filesystem>

namespace irqtune::test {

namespace {

std::vector<std::string> names(const Directory& directory) {
  std::error_code ignored;  // A directory that was removed has none, with or without an error.
  std::vector<std::string> found;
  for (const auto& [name, inode] : directory.entries(ignored)) {
    CHECK(inode != 0);
    found.push_back(name);
  }
  return found;
}

}  // namespace

TEST_CASE("directory: read again and again", "[sys]") {
  using Names = std::vector<std::string>;
  FakeTree tree{{"/a/two", "2\n"}, {"/a/one", "1\n"}};
  const auto sysfs = tree.sysfs();
  auto directory = sysfs.open_directory("/a");
  CHECK(names(directory) == Names{"one", "two"});
  tree.file("/a/three", "3\n");
  CHECK(names(directory) == Names{"one", "three", "two"});
  std::filesystem::remove_all(tree.root() / "a");
  tree.file("/a/four", "4\n");
  CHECK(names(directory).empty());
  directory = sysfs.open_directory("/a");
  CHECK(names(directory) == Names{"four"});
}

TEST_CASE("directory: none", "[sys]") {
  const FakeTree tree{{"/a/file", "\n"}};
  const auto sysfs = tree.sysfs();
  const auto error_of = [](const Directory& directory) {
    std::error_code error;
    CHECK_FALSE(directory.valid());
    CHECK(directory.entries(error).empty());
    return error;
  };
  CHECK(error_of(sysfs.open_directory("/b")) == std::errc::no_such_file_or_directory);
  CHECK(error_of(sysfs.open_directory("/a/file")) == std::errc::not_a_directory);
  CHECK(error_of(Directory()) == std::errc::no_such_file_or_directory);
}

}  // namespace irqtune::test
