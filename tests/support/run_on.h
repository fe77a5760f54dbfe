// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/hosts/captured_host.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace irqtune::test {

using Arguments = std::vector<std::string>;

/// Runs with --root for the host.
Ran on(const FakeTree& host, Arguments arguments);

/// Runs on a captured host as it is in its archive.
Ran on_file(const std::string& name, Arguments arguments);

/// A variable of the environment, as long as the object lives.
class Environment {
 public:
  Environment(const char* name, const char* value);
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  Environment(Environment&&) = delete;
  Environment& operator=(Environment&&) = delete;
  ~Environment();

 private:
  const char* name_;
};

/// Runs `call` with a file as its standard input.
Ran with_input(const std::string& file, const std::function<Ran()>& call);

/// Checks what a bad call must come to: its exit code, nothing on standard output, one line on
/// standard error that names `what`, and a hint that holds `hint`.
void check_refused(const Ran& ran, int code, std::string_view what, std::string_view hint = "");

}  // namespace irqtune::test
