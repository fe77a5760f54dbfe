// SPDX-License-Identifier: Apache-2.0
#include "irqtune/cli/cli.h"
#include "irqtune/core/text.h"

#include "support/captured_host.h"
#include "support/catch.h"
#include "support/run_on.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace irqtune::test {

namespace {

using Json = nlohmann::json;

}  // namespace

TEST_CASE("cli: bad usage is exit code 2, one line and a hint", "[cli]") {
  struct Row {
    Arguments arguments;
    const char* what;
    const char* hint;
  };

  const auto row = GENERATE(
      Row{{}, "irqtune: no command given", "one of show, plan, "},
      Row{{"pln"}, "pln: no such command", "did you mean plan?"},
      Row{{"rolback", "--all"}, "rolback: no such command", "did you mean rollback?"},
      Row{{"nonsense"}, "nonsense: no such command", "see irqtune --help"},
      Row{{"plan", "--nonsense"}, "plan: --nonsense: no such option", "see irqtune plan --help"},
      Row{{"plan", "--polcy=leave"}, "--polcy=leave: no such option", "did you mean --policy?"},
      Row{{"plan", "extra"}, "plan: extra: one word too many", "see irqtune plan --help"},
      Row{{"explain"}, "explain: WHAT: missing", "see irqtune explain --help"},
      Row{{"--root"}, "--root: no DIR given", "--help"},
      Row{{"plan", "--scope"}, "--scope: no SCOPE given", "see irqtune plan --help"},
      Row{{"--color", "pink", "plan"}, "--color", "--help"},
      Row{{"show", "everything"},
          "section: everything: none of topology,",
          "see irqtune show --help"},
      Row{{"plan", "--avoid", "3-1"}, "--avoid: range '3-1' runs backwards", "0-3,8"},
      Row{{"plan", "--avoid", "x"}, "--avoid", "0-3,8"},
      Row{{"plan", "--avoid", "70000"}, "--avoid: CPU 70000", "0-3,8"},
      Row{{"plan", "--housekeeping", "1,,-2"}, "--housekeeping", "0-3,8"},
      Row{{"plan", "--avoid", ""}, "--avoid: is empty, no CPU list", "see irqtune plan --help"},
      Row{{"check", "--avoid="}, "--avoid: no CPULIST given", "--help"},
      Row{{"plan", "--housekeeping", ""}, "--housekeeping: is empty, no CPU list", "--help"},
      Row{{"apply", "--housekeeping", " "}, "--housekeeping: is empty, no CPU list", "--help"},
      Row{{"apply", "--wait-lock=-1"}, "--wait-lock: -1: not a number from 0", "--help"},
      Row{{"rollback", "--wait-lock=-1"}, "--wait-lock: -1: not a number from 0", "--help"},
      Row{{"apply", "--wait-stable=-1"}, "--wait-stable: -1: not a number from 0", "--help"},
      Row{{"apply", "--wait-stable=nan"}, "--wait-stable: nan: not a number", "--help"},
      Row{{"plan", "--policy", "x"}, "--policy x", "avoid, colocate, leave"},
      Row{{"plan", "--vm-policy", "vm1"}, "--vm-policy vm1", "--vm-policy"},
      Row{{"plan", "--vm-policy", "vm1=x"}, "--vm-policy vm1=x", "avoid, colocate, leave"},
      Row{{"plan", "--scope", "x"}, "--scope x", "passthrough, evict, all"},
      Row{{"plan", "--near", "x"}, "--near x", "device, vm"},
      Row{{"plan", "--min-gain", "200"}, "--min-gain: 200: not a number from 0 to 100", "--help"},
      Row{{"plan", "--max-vectors-per-cpu", "0"}, "--max-vectors-per-cpu", "--help"},
      Row{{"plan", "--busy-threshold", "x"}, "--busy-threshold", "--help"},
      Row{{"plan", "--format", "xml"}, "--format", "--help"},
      Row{{"plan", "--sample", "-1"}, "--sample: -1: not a number from 0.05", "--help"},
      Row{{"plan", "--sample", "nan"}, "--sample: nan: not a number", "--help"},
      Row{{"plan", "--assume-node", "0000:24:00.0"}, "--assume-node", ""},
      Row{{"plan", "--assume-node", "0000:24:00.0=x"}, "--assume-node", "0000:3b:00.0=1"},
      Row{{"plan", "--assume-node", "0000:99:00.0=1"}, "0000:99:00.0", ""},
      Row{{"history", "--keep", "x"}, "--keep: x: not a number", "--help"},
      Row{{"history", "--keep", "-1"}, "--keep: -1: not a number", "--help"},
      Row{{"apply", "--wait-stable=x"}, "--wait-stable: x: not a number", "--help"},
      Row{{"snapshot"},
          "snapshot: --output FILE.tar.gz|DIR: missing",
          "see irqtune snapshot --help"},
      Row{{"rollback", "20260101T000000Z-1"}, "20260101T000000Z-1: no such journal", "history"});
  const FakeTree tree{{"/proc/interrupts", "           CPU0\n"}};
  CAPTURE(row.arguments);
  check_refused(on(tree, row.arguments), 2, row.what, row.hint);
}

TEST_CASE("cli: who is not there is told with who is", "[cli]") {
  check_refused(on_file("two-vms", {"plan", "--vm", "vm9"}),
                2,
                "--vm vm9: no such VM",
                "did you mean vm1? there are: vm1, vm2, vm3, vm4-no-hostdev");
  check_refused(on_file("two-vms", {"plan", "--device", "24:00.1"}),
                2,
                "--device 0000:24:00.1: no such passthrough device",
                "did you mean 0000:24:00.0?");
  check_refused(
      on_file("two-vms", {"plan", "--vm-policy", "x*=leave"}), 2, "--vm-policy x*", "vm1");
  check_refused(on_file("baseline", {"plan", "--vm", "*"}), 2, "--vm *", "this host has none");
}

TEST_CASE("cli: a device's node is one that the host has, where that is known", "[cli]") {
  for (const auto* command : {"plan", "show"}) {
    check_refused(on_file("two-vms", {command, "--assume-node", "0000:24:00.0=77"}),
                  2,
                  "--assume-node 0000:24:00.0=77: this host has no such node",
                  "there are: 0, 1");
    CHECK(on_file("two-vms", {command, "--assume-node", "0000:24:00.0=1"}).code == 0);
  }
  const FakeTree tree{{"/proc/interrupts",
                       "           CPU0\n"
                       " 41:  1  IR-PCI-MSI 1-edge vfio-msix[0](0000:21:00.0)\n"}};
  CHECK(on(tree, {"plan", "--assume-node", "0000:21:00.0=1"}).code == 0);
}

TEST_CASE("cli: files that are none", "[cli]") {
  FakeTree tree{{"/bad.json", "{\n"},
                {"/other.json", R"({"schema": "irqtune.host/1"})"},
                {"/text", "nonsense\n"},
                {"/proc/interrupts", "           CPU0\n"}};
  const auto path = [&](const std::string& name) { return (tree.root() / name).string(); };
  check_refused(run({"--root", path("absent"), "plan"}), 2, path("absent"), "proc/ and sys/");
  check_refused(run({"--root", path("text"), "plan"}), 2, path("text") + ": not a snapshot", "");
  check_refused(
      on(tree, {"apply", path("absent")}), 2, "absent: cannot read the plan", "irqtune plan");
  check_refused(on(tree, {"apply", path("bad.json")}), 2, "bad.json", "irqtune plan");
  check_refused(on(tree, {"apply", path("other.json")}), 2, "other.json", "");
  check_refused(on(tree, {"apply", path("proc")}), 2, "Is a directory", "");
  check_refused(
      on(tree, {"--lscpu", path("absent"), "plan"}), 2, "absent: cannot read --lscpu", "lscpu");
  check_refused(on(tree, {"--lscpu", path("text"), "plan"}), 2, path("text"), "");
  check_refused(on(tree, {"--config", path("absent"), "plan"}), 2, path("absent"), "");
  check_refused(on(tree, {"-q", "plan", "-o", path("absent/plan.json")}), 1, "No such file", "");
  check_refused(on(tree, {"snapshot", "-o", path("absent/x.tar.gz")}), 1, "No such file", "");
}

TEST_CASE("cli: a snapshot file cannot be written", "[cli]") {
  const auto command = GENERATE(as<std::string>(), "apply", "rollback", "history --keep");
  const auto words = split(command, ' ');
  Arguments arguments(words.begin(), words.end());
  if (command == "history --keep") {
    arguments.emplace_back("1");
  }
  check_refused(on_file("two-vms", arguments), 2, "needs a directory", "tar");
}

TEST_CASE("cli: options from a file", "[cli]") {
  CapturedHost host("two-vms");
  const auto file = (host.root() / "config.toml").string();
  const auto with = [&](std::string_view text) {
    host.file("/config.toml", text);
    return on(host, {"--config", file, "plan", "--json"});
  };
  const auto avoided = [](const Ran& ran) {
    INFO(ran.err);
    REQUIRE(ran.code == 0);
    return Json::parse(ran.out)["policy"]["avoid"].get<std::string>();
  };
  CHECK(avoided(with("")).empty());
  CHECK(avoided(with("# none\n[plan]\navoid = \"0\"\n")) == "0");
  CHECK(avoided(with("[policy]\navoid = \"0-1\"\nno-protect-siblings = true\n")) == "0-1");
  CHECK(avoided(with("[apply]\navoid = \"0\"\n")).empty());
  host.file("/config.toml", "[policy]\navoid = \"0\"\n");
  const auto given = on(host, {"--config", file, "plan", "--avoid", "7", "--json"});
  CHECK(avoided(given) == "7");  // The command line wins.
  // The section of the command wins over [policy], whichever comes first.
  CHECK(avoided(with("[policy]\navoid = \"0\"\n[plan]\navoid = \"6\"\n")) == "6");
  CHECK(avoided(with("[plan]\navoid = \"6\"\n[policy]\navoid = \"0\"\n")) == "6");
  check_refused(with("[policy]\navoidd = \"0\"\n"), 2, "config.toml: policy.avoidd: no such key");
  check_refused(with("[plan]\navoidd = \"0\"\n"), 2, "config.toml: plan.avoidd: no such key");
  check_refused(with("avoid = \"0\"\n"), 2, "config.toml: avoid: no such key", "");
  check_refused(with("[nonsense]\nx = 1\n"), 2, "config.toml: ", "");
  check_refused(with("[policy]\navoid = \"9-1\"\n"), 2, "configuration file: --avoid: range");
  for (const auto* const name : {"avoid", "housekeeping"}) {
    const auto empty = fmt::format("[policy]\n{} = \"\"\n", name);
    check_refused(with(empty), 2, fmt::format("configuration file: --{}: is empty", name));
  }
  check_refused(with("[policy]\nsample = \"x\"\n"), 2, "configuration file: --sample: x: not");
}

TEST_CASE("cli: the default config file lies under the root", "[cli]") {
  CapturedHost host("two-vms");
  host.file("/etc/irqtune/irqtune.toml", "[policy]\navoid = \"0\"\n");
  CHECK(Json::parse(on(host, {"plan", "--json"}).out)["policy"]["avoid"] == "0");
  host.file("/etc/irqtune/irqtune.toml", "nonsense = 1\n");
  check_refused(on(host, {"plan"}), 2, "/etc/irqtune/irqtune.toml: nonsense", "");
}

}  // namespace irqtune::test
