// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/hosts/fake_tree.h"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace irqtune::test {

/// The captured hosts, by name: all of them, and those with passed-through devices.
[[nodiscard]] const std::vector<std::string>& captures();
[[nodiscard]] const std::vector<std::string>& captures_with_vms();

/// The project's top directory.
[[nodiscard]] std::filesystem::path source_dir();

/// The archive of a captured host.
[[nodiscard]] std::filesystem::path capture_file(const std::string& name);

/// A captured host unpacked into a temporary directory, to be changed.
class CapturedHost : public FakeTree {
 public:
  explicit CapturedHost(const std::string& name);

  /// Every file, link and directory below the root but `left_out` (a path relative to it): what
  /// there is, text or target, and mode; never the lock in /run.
  [[nodiscard]] std::map<std::string, std::string> contents(
      const std::string& left_out = "var") const;
};

/// What run_cli() did.
struct Ran {
  int code = 0;
  std::string out;
  std::string err;
};

/// Runs the program in this process: `arguments` without its name.
[[nodiscard]] Ran run(const std::vector<std::string>& arguments);

}  // namespace irqtune::test
