// SPDX-License-Identifier: Apache-2.0
#include "irqtune/cli/cli.h"
#include "irqtune/core/text.h"

#include "support/catch.h"
#include "support/hosts/captured_host.h"
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
      Row{{"nonsense"}, "nonsense: no such command", "see `irqtune --help`"},
      Row{{"plan", "--nonsense"}, "plan: --nonsense: no such option", "see `irqtune plan --help`"},
      Row{{"plan", "--polcy=leave"}, "--polcy=leave: no such option", "did you mean --policy?"},
      Row{{"plan", "extra"}, "plan: extra: one word too many", "see `irqtune plan --help`"},
      Row{{"explain"}, "explain: WHAT: missing", "see `irqtune explain --help`"},
      Row{{"--root"}, "--root: no DIR given", "--help"},
      Row{{"plan", "--scope"}, "--scope: no SCOPE given", "see `irqtune plan --help`"},
      Row{{"--color", "pink", "plan"}, "--color", "--help"},
      Row{{"--color", "plan"}, "--color: plan: none of auto", "write --color=auto plan"},
      Row{{"apply", "--wait-lock", "5"}, "--wait-lock 5: ", "write --wait-lock=5"},
      Row{{"rollback", "--wait-lock", "5"}, "--wait-lock 5: ", "write --wait-lock=5"},
      Row{{"apply", "--wait-stable", "2.5"}, "--wait-stable 2.5: ", "write --wait-stable=2.5"},
      Row{{"apply", "--timeout", "5"}, "--timeout: says nothing without --wait-stable", "--help"},
      Row{{"diagnose", "--shared-count", "5"}, "says nothing without --esx", "--help"},
      Row{{"diagnose", "--esx", "x", "--vm", "y"}, "--vm: says nothing with --esx", "--help"},
      Row{{"apply", "--detailed-exitcode"},
          "apply: --detailed-exitcode: says nothing without --dry-run",
          "--help"},
      Row{{"diagnose", "--esx-console", "x"},
          "diagnose: --esx-console: says nothing without --esx",
          "--help"},
      Row{{"apply", "--repair", "x"}, "apply: a plan and --repair: only one of them", "--help"},
      Row{{"watch", "--keep-default"}, "says nothing without --default-affinity", "--help"},
      Row{{"plan", "--sample", "1"}, "has no second reading", "snapshot --sample"},
      Row{{"show", "vm9"}, "show: vm9: none of topology, devices, irqs, vms, all", "--help"},
      Row{{"history", "prune"}, "history prune: --keep N: missing", "how many"},
      Row{{"history", "purge"}, "history: purge: none of prune", "--help"},
      Row{{"show", "everything"},
          "show: everything: none of topology,",
          "see `irqtune show --help`"},
      Row{{"--vm", "vm1", "plan"}, "--vm: stands before the command", "write irqtune plan --vm "},
      Row{{"--wait-lock=3", "rollback"}, "--wait-lock=3: stands before", "irqtune rollback --wait"},
      Row{{"plan", "--avoid", "1", "--avoid", "2"}, "--avoid: given more than once", "--help"},
      Row{{"plan", "--vm", "vm1", "vm2"},
          "plan: vm2: one word too many",
          "see `irqtune plan --help`"},
      Row{{"diagnose", "--fail-on", "x"},
          "--fail-on: x: none of info, note, warning, critical",
          "--help"},
      Row{{"diagnose", "--shared-rate", "x"}, "--shared-rate: x: not a number from 0", "--help"},
      Row{{"plan", "--avoid", "3-1"}, "--avoid: range '3-1' runs backwards", "0-3,8"},
      Row{{"plan", "--avoid", "x"}, "--avoid", "0-3,8"},
      Row{{"plan", "--avoid", "70000"}, "--avoid: CPU 70000", "0-3,8"},
      Row{{"plan", "--housekeeping", "1,,-2"}, "--housekeeping", "0-3,8"},
      Row{{"plan", "--avoid", ""}, "--avoid: is empty, no CPU list", "see `irqtune plan --help`"},
      Row{{"check", "--avoid="}, "--avoid: no value after =", "--help"},
      Row{{"--lscpu=", "plan"}, "--lscpu: no value after =", "--help"},
      Row{{"apply", "--wait-lock="}, "--wait-lock: no value after =", "--help"},
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
      Row{{"plan", "--sample", "-1"}, "--sample: -1: not a number from 0 to", "--help"},
      Row{{"plan", "--sample", "nan"}, "--sample: nan: not a number", "--help"},
      Row{{"plan", "--assume-node", "0000:24:00.0"}, "--assume-node", ""},
      Row{{"plan", "--assume-node", "0000:24:00.0=x"}, "--assume-node", "0000:3b:00.0=1"},
      Row{{"plan", "--assume-node", "0000:99:00.0=1"}, "0000:99:00.0", ""},
      Row{{"history", "--keep", "x"}, "--keep: x: not a number", "--help"},
      Row{{"history", "--keep", "-1"}, "--keep: -1: not a number", "--help"},
      Row{{"apply", "--wait-stable=x"}, "--wait-stable: x: not a number", "--help"},
      Row{{"snapshot"},
          "snapshot: --output FILE.tar.gz|DIR: missing",
          "see `irqtune snapshot --help`"},
      Row{{"rollback", "20260101T000000Z-1"}, "20260101T000000Z-1: no such journal", "history"});
  const FakeTree tree{{"/proc/interrupts", "           CPU0\n"}};
  CAPTURE(row.arguments);
  check_refused(on(tree, row.arguments), 2, row.what, row.hint);
}

TEST_CASE("cli: an empty word is no value, as of an unset variable", "[cli]") {
  const auto arguments = GENERATE(Arguments{"--root", "", "show"},
                                  Arguments{"--state-dir", "", "history"},
                                  Arguments{"--config", "", "show"},
                                  Arguments{"--lscpu", "", "show"},
                                  Arguments{"apply", ""},
                                  Arguments{"rollback", ""},
                                  Arguments{"explain", ""},
                                  Arguments{"plan", "-o", ""},
                                  Arguments{"snapshot", "-o", ""},
                                  Arguments{"diagnose", "--esx", ""});
  CAPTURE(arguments);
  const FakeTree tree{{"/proc/interrupts", "           CPU0\n"}};
  auto all = arguments;
  if (arguments.front() != "--root") {
    all.insert(all.begin(), {"--root", tree.root().string()});
  }
  const auto ran = run(all);
  check_refused(ran, 2, ": is empty", "--help");
  CHECK(ran.err.find("configuration") == std::string::npos);
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
  check_refused(on(tree, {"apply", path("absent")}), 2, "absent: cannot read the plan", " plan");
  check_refused(on(tree, {"apply", path("bad.json")}), 2, "bad.json", " plan");
  check_refused(on(tree, {"apply", path("other.json")}), 2, "other.json", "");
  check_refused(on(tree, {"apply", path("proc")}), 2, "Is a directory", "");
  check_refused(
      on(tree, {"--lscpu", path("absent"), "plan"}), 2, "absent: cannot read --lscpu", "lscpu");
  check_refused(on(tree, {"--lscpu", path("text"), "plan"}), 2, path("text"), "");
  check_refused(on(tree, {"-qq", "plan", "-o", path("absent/plan.json")}), 1, "No such file", "");
  check_refused(on(tree, {"snapshot", "-o", path("absent/x.tar.gz")}), 1, "No such file", "");
}

TEST_CASE("cli: a state directory that cannot be looked at is an error of its own", "[cli]") {
  FakeTree tree{{"/proc/interrupts", "           CPU0\n"}};
  tree.link("/loop", "loop");
  const auto loop = (tree.root() / "loop").string();
  for (const auto& arguments : {Arguments{"rollback"}, {"history"}, {"history", "--keep", "1"}}) {
    CAPTURE(arguments);
    auto all = arguments;
    all.insert(all.begin(), {"--state-dir", loop});
    check_refused(on(tree, all), 1, loop + ": ", "give another --state-dir");
  }
}

TEST_CASE("cli: short forms", "[cli]") {
  CHECK(run({"-V"}).out == run({"--version"}).out);
  CHECK(on_file("two-vms", {"-J", "plan"}).out == on_file("two-vms", {"--json", "plan"}).out);
  CHECK(on_file("two-vms", {"plan", "--color=always", "--no-color"}).out ==
        on_file("two-vms", {"plan"}).out);
  const CapturedHost host("libvirt-kvm");
  CHECK(on(host, {"apply", "-n"}).out == on(host, {"apply", "--dry-run"}).out);
  CHECK(on(host, {"rollback", "-n"}).out == on(host, {"rollback", "--dry-run"}).out);
}

TEST_CASE("cli: show takes one object or several, and selects", "[cli]") {
  for (const auto* name : {"vm", "irq", "device"}) {
    CHECK(on_file("two-vms", {"show", name}).out ==
          on_file("two-vms", {"show", std::string(name) + 's'}).out);
  }
  const auto vms = Json::parse(on_file("two-vms", {"show", "--vm", "vm1", "-J"}).out);
  REQUIRE(vms["vms"].size() == 1);
  CHECK(vms["vms"][0]["name"] == "vm1");
  CHECK(vms["irqs"].size() == 14);
  CHECK(vms["devices"].size() == 2);
  CHECK(vms["cpus"].size() == 16);
  const auto devices = Json::parse(on_file("two-vms", {"show", "--device", "24:00.0", "-J"}).out);
  REQUIRE(devices["devices"].size() == 1);
  CHECK(devices["devices"][0]["address"] == "0000:24:00.0");
  CHECK(devices["irqs"].size() == 5);
  CHECK(devices["vms"][0]["devices"] == Json::array({"0000:24:00.0"}));
  check_refused(on_file("two-vms", {"show", "--vm", "vm9"}), 2, "no such VM", "did you mean vm1?");
}

TEST_CASE("cli: history prune keeps the newest, as history --keep did", "[cli]") {
  const CapturedHost host("libvirt-kvm");
  for (int i = 0; i < 3; ++i) {
    REQUIRE(on(host, {"apply"}).code == 0);
    REQUIRE(on(host, {"rollback"}).code == 0);
  }
  const auto left = [&](const Arguments& arguments) {
    return Json::parse(on(host, arguments).out)["applies"].size();
  };
  CHECK(left({"history", "-J"}) == 3);
  CHECK(left({"history", "prune", "--keep", "2", "-J"}) == 2);
  CHECK(left({"history", "--keep", "1", "-J"}) == 1);
}

TEST_CASE("cli: a journal is named by how its ID begins, if no other does", "[cli]") {
  const CapturedHost host("libvirt-kvm");
  REQUIRE(on(host, {"apply"}).code == 0);
  const auto id =
      Json::parse(on(host, {"history", "-J"}).out)["applies"][0]["id"].get<std::string>();
  const auto ran = on(host, {"rollback", id.substr(0, 4)});
  CHECK(ran.code == 0);
  CHECK(ran.out.find("Rolled back " + id) != std::string::npos);
  REQUIRE(on(host, {"apply"}).code == 0);
  check_refused(
      on(host, {"rollback", id.substr(0, 4)}), 2, "begins more than one journal's ID", id);
  CHECK(on(host, {"check"}).code == 0);
}

TEST_CASE("cli: --fail-on takes the words of the text and of the JSON", "[cli]") {
  CHECK(on_file("two-vms", {"diagnose", "--fail-on", "note"}).code == 3);
  CHECK(on_file("two-vms", {"diagnose", "--fail-on", "info"}).code == 3);
  const Arguments none{"diagnose", "--only", "iommu-off", "--fail-on", "note"};
  CHECK(on_file("two-vms", none).code == 0);
}

TEST_CASE("cli: a rollback is of one apply or of all", "[cli]") {
  CapturedHost host("libvirt-kvm");
  REQUIRE(on(host, {"apply"}).code == 0);
  const auto applied = Json::parse(on(host, {"history", "--json"}).out)["applies"];
  const auto id = applied[0]["id"].get<std::string>();
  check_refused(on(host, {"rollback", "--all", id}), 2, id + ": only one of them", "history");
  CHECK(on(host, {"check"}).code == 0);
}

TEST_CASE("cli: a snapshot file cannot be written", "[cli]") {
  const auto command =
      GENERATE(as<std::string>(), "apply", "rollback", "history prune --keep", "history --keep");
  const auto words = split(command, ' ');
  Arguments arguments(words.begin(), words.end());
  if (command.ends_with("--keep")) {
    arguments.emplace_back("1");
  }
  check_refused(on_file("two-vms", arguments), 2, "needs a directory", "tar");
}

}  // namespace irqtune::test
