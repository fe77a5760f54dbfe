// SPDX-License-Identifier: Apache-2.0
#include "support/catch.h"
#include "support/hosts/captured_host.h"
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

TEST_CASE("cli: what --lscpu and --esx read may come through a pipe", "[cli]") {
  const FakeTree tree{{"/proc/interrupts", "           CPU0       CPU1\n"}};
  const auto pipe = (tree.root() / "pipe").string();
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const auto ran_with = [&](const std::string& text, const Arguments& arguments) {
    std::thread writer([&] { std::ofstream(pipe) << text; });
    auto ran = on(tree, arguments);
    writer.join();
    return ran;
  };
  const auto cpus = ran_with("# CPU,Core,Socket,Node\n0,0,0,1\n1,0,0,1\n",
                             {"--lscpu", pipe, "show", "topology", "--json"});
  INFO(cpus.err);
  CHECK(cpus.code == 0);
  CHECK(cpus.out.find("\"siblings\": \"0-1\"") != std::string::npos);
  const auto esx =
      ran_with("Vector   PCPU 0  PCPU 1\n0x81:      1544       0  COS irq 17 (PCI level), VMK x\n",
               {"diagnose", "--esx", pipe});
  INFO(esx.err);
  CHECK(esx.code == 0);
  CHECK(esx.out.find("0x81") != std::string::npos);
  check_refused(on(tree, {"diagnose", "--esx", "/dev/zero"}), 2, "cannot read --esx: File too");
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
