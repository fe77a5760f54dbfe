// SPDX-License-Identifier: Apache-2.0
#include "support/run_on.h"

#include "irqtune/core/text.h"

#include "support/catch.h"

#include <cstdlib>

#include <fcntl.h>
#include <unistd.h>

namespace irqtune::test {

namespace {

/// True if `err` is one line on what failed, and then at most one hint.
bool is_one_error(const std::string& err) {
  const auto lines = split(trimmed(err), '\n');
  return !lines.empty() && lines.size() <= 2 && lines[0].starts_with("irqtune: ") &&
         (lines.size() == 1 || lines[1].starts_with("hint: "));
}

}  // namespace

Ran on(const FakeTree& host, Arguments arguments) {
  arguments.insert(arguments.begin(), {"--root", host.root().string()});
  return run(arguments);
}

Ran on_file(const std::string& name, Arguments arguments) {
  arguments.insert(arguments.begin(), {"--root", capture_file(name).string()});
  return run(arguments);
}

Environment::Environment(const char* name, const char* value) : name_(name) {
  ::setenv(name, value, 1);  // NOLINT(concurrency-mt-unsafe): there is one thread
}

Environment::~Environment() {
  ::unsetenv(name_);  // NOLINT(concurrency-mt-unsafe)
}

Ran with_input(const std::string& file, const std::function<Ran()>& call) {
  const int saved = ::dup(STDIN_FILENO);
  const int input = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(::dup2(input, STDIN_FILENO) == STDIN_FILENO);
  ::close(input);
  auto ran = call();
  ::dup2(saved, STDIN_FILENO);
  ::close(saved);
  return ran;
}

void check_refused(const Ran& ran, int code, std::string_view what, std::string_view hint) {
  INFO(ran.err);
  CHECK(ran.code == code);
  CHECK(ran.out.empty());
  CHECK(is_one_error(ran.err));
  CHECK(ran.err.find(what) != std::string::npos);
  const auto at = ran.err.find("hint: ");
  CHECK((hint.empty() || (at != std::string::npos && ran.err.find(hint, at) != std::string::npos)));
}

}  // namespace irqtune::test
