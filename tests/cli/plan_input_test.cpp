// SPDX-License-Identifier: Apache-2.0
#include "support/captured_host.h"
#include "support/catch.h"
#include "support/run_on.h"

#include <fstream>
#include <string>
#include <thread>

#include <sys/stat.h>

namespace irqtune::test {

TEST_CASE("cli: a plan comes through a pipe as well", "[cli][apply]") {
  CapturedHost host("two-vms");
  const auto pipe = (host.root() / "pipe").string();
  const auto plan = on(host, {"plan", "--json"}).out;
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const auto apply_from = [&](const std::string& name, const std::string& text) {
    std::thread writer([&] { std::ofstream(pipe) << text; });
    auto ran = on(host, {"apply", name});
    writer.join();
    return ran;
  };
  const auto bad = apply_from(pipe, plan.substr(0, plan.size() / 2));
  check_refused(bad, 2, pipe);
  const auto applied = apply_from(pipe, plan);
  INFO(applied.err);
  CHECK(applied.code == 0);
  CHECK(applied.out.starts_with("Applied "));
  check_refused(on(host, {"apply", "/dev/zero"}), 2, "/dev/zero: cannot read the plan: File too");
}

TEST_CASE("cli: a plan comes from standard input", "[cli][apply]") {
  CapturedHost host("two-vms");
  const auto file = (host.root() / "plan.json").string();
  REQUIRE(on(host, {"plan", "-o", file}).code == 0);
  for (const auto* name : {"-", "/dev/stdin"}) {
    const auto ran = with_input(file, [&] { return on(host, {"apply", "--dry-run", name}); });
    INFO(name << ran.err);
    CHECK(ran.code == 0);
    CHECK(ran.out.starts_with("Dry run: "));
  }
}

}  // namespace irqtune::test
