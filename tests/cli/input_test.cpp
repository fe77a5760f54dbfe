// SPDX-License-Identifier: Apache-2.0
#include "support/catch.h"
#include "support/hosts/captured_host.h"
#include "support/run_on.h"

#include <nlohmann/json.hpp>

#include <fstream>
#include <string>
#include <thread>

#include <sys/stat.h>

namespace irqtune::test {

namespace {

using Json = nlohmann::json;

constexpr auto kTable = "# CPU,Core,Socket,Node\n0,0,0,0\n1,0,0,0\n2,1,1,1\n3,1,1,1\n";
constexpr auto kInterrupts =
    "           CPU0       CPU1       CPU2       CPU3\n"
    " 41:  1  0  0  0  IR-PCI-MSI 1-edge vfio-msix[0](0000:21:00.0)\n";

/// The siblings of CPU 3 in `show topology --json`.
std::string siblings(const Ran& ran) {
  INFO(ran.err);
  REQUIRE(ran.code == 0);
  return Json::parse(ran.out)["cpus"][3]["siblings"].get<std::string>();
}

}  // namespace

TEST_CASE("cli: --lscpu from standard input and from a pipe", "[cli][lscpu]") {
  FakeTree tree{{"/proc/interrupts", kInterrupts}, {"/lscpu.txt", kTable}};
  const auto file = (tree.root() / "lscpu.txt").string();
  const auto* const name = GENERATE("-", "/dev/stdin", "/proc/self/fd/0");
  CAPTURE(name);
  const auto show = [&] { return on(tree, {"--lscpu", name, "show", "topology", "--json"}); };
  CHECK(siblings(with_input(file, show)) == "2-3");

  const auto pipe = (tree.root() / "pipe").string();
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  std::thread writer([&] { std::ofstream(pipe) << kTable; });
  const auto ran = on(tree, {"--lscpu", pipe, "show", "topology", "--json"});
  writer.join();
  CHECK(siblings(ran) == "2-3");
}

TEST_CASE("cli: --lscpu is read once, however often the host is", "[cli][lscpu][apply]") {
  CapturedHost host("two-vms");
  host.file("/lscpu.txt", kTable);
  const auto ran = with_input((host.root() / "lscpu.txt").string(), [&] {
    return on(host, {"--lscpu", "-", "apply", "--wait-stable=0", "--timeout", "1"});
  });
  INFO(ran.err);
  CHECK(ran.code == 0);
  CHECK(ran.out.starts_with("Applied "));
}

TEST_CASE("cli: standard input that is no such text", "[cli][lscpu][diagnose]") {
  FakeTree tree{{"/proc/interrupts", kInterrupts}, {"/text", "nonsense\n"}};
  const auto file = (tree.root() / "text").string();
  const auto call = [&](const Arguments& arguments) {
    return with_input(file, [&] { return on(tree, arguments); });
  };
  check_refused(call({"--lscpu", "-", "plan"}), 2, "standard input: not the output of lscpu");
  check_refused(call({"diagnose", "--esx", "-"}), 2, "standard input: no table of interrupts");
  check_refused(on(tree, {"--lscpu", "/dev/zero", "plan"}), 2, "/dev/zero: cannot read --lscpu");
  check_refused(call({"--lscpu", "-", "apply", "-"}),
                2,
                "--lscpu and the plan cannot both be standard input",
                "<(COMMAND)");
  check_refused(call({"diagnose", "--esx", "-", "--esx-console", "/dev/stdin"}),
                2,
                "--esx and --esx-console cannot both be standard input",
                "<(COMMAND)");
}

TEST_CASE("cli: the tables of an ESX host come through pipes as well", "[cli][diagnose][esx]") {
  const FakeTree files{
      {"/esx",
       "Vector   PCPU 0   PCPU 1\n0x89:  1212177  0  COS irq 19 (PCI level), VMK vmnic1\n"}};
  const auto ran = with_input((files.root() / "esx").string(), [] {
    return run({"diagnose", "--esx", "-", "--json"});
  });
  INFO(ran.err);
  REQUIRE(ran.code == 0);
  CHECK(Json::parse(ran.out)["findings"].size() == 1);
}

}  // namespace irqtune::test
