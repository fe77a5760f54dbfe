// SPDX-License-Identifier: Apache-2.0
// The configuration file, as every command reads it.
#include "irqtune/cli/cli.h"

#include "support/catch.h"
#include "support/hosts/captured_host.h"
#include "support/run_on.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <filesystem>

#include <sys/stat.h>
#include <unistd.h>

namespace irqtune::test {

namespace {

using Json = nlohmann::json;

/// The two-vms host with a configuration file beside it.
class ConfiguredHost : public CapturedHost {
 public:
  ConfiguredHost() : CapturedHost("two-vms"), file_((root() / "config.toml").string()) {}

  Ran with(std::string_view text, Arguments arguments = {"plan", "--json"}) {
    file("/config.toml", text);
    arguments.insert(arguments.begin(), {"--config", file_});
    return on(*this, arguments);
  }

  /// The policy of the plan that the file leads to.
  Json policy(std::string_view text, const Arguments& arguments = {"plan", "--json"}) {
    const auto ran = with(text, arguments);
    INFO(ran.err);
    REQUIRE(ran.code == 0);
    return Json::parse(ran.out)["policy"];
  }

 private:
  std::string file_;
};

}  // namespace

TEST_CASE("config: what was typed wins, then the command's own section, then [policy]", "[cli]") {
  ConfiguredHost host;
  const auto avoided = [&](std::string_view text, const Arguments& typed = {}) {
    Arguments arguments{"plan", "--json"};
    arguments.insert(arguments.end(), typed.begin(), typed.end());
    return host.policy(text, arguments)["avoid"].get<std::string>();
  };
  CHECK(avoided("").empty());
  CHECK(avoided("# none\n[plan]\navoid = \"0\"\n") == "0");
  CHECK(avoided("[policy]\navoid = \"0-1\"\nno-protect-siblings = true\n") == "0-1");
  CHECK(avoided("[apply]\navoid = \"0\"\n").empty());
  CHECK(avoided("[policy]\navoid = \"0\"\n", {"--avoid", "7"}) == "7");
  CHECK(avoided("[policy]\navoid = \"0\"\n[plan]\navoid = \"6\"\n") == "6");
  CHECK(avoided("[plan]\navoid = \"6\"\n[policy]\navoid = \"0\"\n") == "6");
  CHECK(avoided("plan.avoid = \"6\"\n") == "6");
}

TEST_CASE("config: of several --vm-policy the last that fits counts, typed ones at last", "[cli]") {
  ConfiguredHost host;
  const auto policies = [&](std::string_view text, const Arguments& typed) {
    Arguments arguments{"plan", "--json"};
    arguments.insert(arguments.end(), typed.begin(), typed.end());
    return host.policy(text, arguments)["vm_policies"];
  };
  constexpr auto kFile = "[policy]\nvm-policy = [\"v*=leave\", \"vm*=colocate\"]\n";
  CHECK(policies(kFile, {}) == Json{{"vm1", "colocate"},
                                    {"vm2", "colocate"},
                                    {"vm3", "colocate"},
                                    {"vm4-no-hostdev", "colocate"}});
  CHECK(policies(kFile, {"--vm-policy", "*2=avoid"}) == Json{{"vm1", "colocate"},
                                                             {"vm2", "avoid"},
                                                             {"vm3", "colocate"},
                                                             {"vm4-no-hostdev", "colocate"}});
  CHECK(policies("[policy]\nvm-policy = \"vm1=leave\"\n", {"--vm-policy", "vm*=avoid"}) ==
        Json{{"vm1", "leave"}, {"vm2", "avoid"}, {"vm3", "avoid"}, {"vm4-no-hostdev", "avoid"}});
  const auto ran = host.with(kFile, {"plan", "--vm-policy", "vm1=leave"});
  CHECK(ran.err.find("v*=leave and vm*=colocate both fit vm2: colocate counts, the last") !=
        std::string::npos);
  CHECK(ran.err.find("both fit vm1") == std::string::npos);
}

TEST_CASE("config: values in the forms that TOML and CLI11 have", "[cli]") {
  ConfiguredHost host;
  const auto policy = host.policy(
      "[policy]  # for all\n"
      "vm-policy = [\n"
      "  \"vm1=leave\",  # the first\n"
      "  'vm2=colocate',\n"
      "]\n"
      "avoid = 0-1,6  # without quotes\n"
      "; another comment\n"
      "rebalance\n"
      "default-affinity = off\n"
      "min-gain = 20\n");
  CHECK(policy["vm_policies"] == Json({{"vm1", "leave"}, {"vm2", "colocate"}}));
  CHECK(policy["avoid"] == "0-1,6");
  CHECK(policy["rebalance"] == true);
  CHECK(policy["default_affinity"] == false);
  CHECK(policy["min_gain"] == 20);
  const auto listed =
      host.policy("[policy]\ndevice = 0000:22:*, 0000:24:*\ndevice = '0000:42:*'\n");
  CHECK(listed["devices"] == Json({"0000:22:*", "0000:24:*", "0000:42:*"}));
}

TEST_CASE("config: flags that may have a value", "[cli][apply]") {
  ConfiguredHost host;
  const Arguments dry{"apply", "--dry-run"};
  CHECK(host.with("[apply]\nwait-lock = true\nwait-stable = false\nstrict = on\n", dry).code == 0);
  CHECK(host.with("[apply]\nwait-lock = 2.5\n", dry).code == 0);
  check_refused(
      host.with("[apply]\nwait-lock = maybe\n", dry), 2, ":2: wait-lock: maybe: not a number");
  check_refused(
      host.with("[apply]\nstrict = maybe\n", dry), 2, ":2: strict: maybe: neither true nor");
}

TEST_CASE("config: what is wrong is told with its line", "[cli]") {
  struct Row {
    const char* text;
    const char* what;
    const char* hint;
  };

  const auto row = GENERATE(
      Row{"[policy]\n\navoidd = \"0\"\n", ":3: avoidd: no such key in [policy]", "mean avoid?"},
      Row{"[plan]\navoidd = \"0\"\n", ":2: avoidd: no such key in [plan]", "did you mean avoid?"},
      Row{"avoid = \"0\"\n",
          ":1: avoid: no such key before the first",
          "avoid belongs in [policy]"},
      Row{"[plan]\njson = true\n", ":2: json: no such key in [plan]", "before the first section"},
      Row{"[plan]\ndry-run = true\n", ":2: dry-run: no such key", "dry-run belongs in [apply]"},
      Row{"config = \"x\"\n", ":1: config: no such key", "the long names of options"},
      Row{"[nonsense]\nx = 1\n", ":2: [nonsense]: no such section", "policy, show, plan"},
      Row{"[policy]\navoid = \"9-1\"\n", ":2: avoid: range '9-1' runs backwards", "0-3,8"},
      Row{"[policy]\navoid = \"\"\n", ":2: avoid: is empty", "--avoid"},
      Row{"[policy]\nhousekeeping = \"\"\n", ":2: housekeeping: is empty", "--housekeeping"},
      Row{"[policy]\nscope = \"x\"\n", ":2: scope x: unknown", "passthrough, evict, all"},
      Row{"[policy]\nsample = \"x\"\n", ":2: sample: x: not a number from", "--sample"},
      Row{"[apply]\ntimeout = \"x\"\n", ":2: timeout: x: not a number from", "--timeout"},
      Row{"[policy]\nmax-vectors-per-cpu = 2.5\n", ":2: max-vectors-per-cpu: 2.5: not a num", ""},
      Row{"[policy]\navoid = \"0\"\navoid = \"1\"\n", ":3: avoid: stands in line 2 already", "one"},
      Row{"[policy]\navoid = [\"0\", \"1\"]\n", ":2: avoid: takes one value, not 2", ""},
      Row{"[policy]\navoid = []\n", ":2: avoid: takes one value, not 0", ""},
      Row{"[policy]\navoid =\n", ":2: avoid: no value after the =", ""},
      Row{"[policy]\nnear = \"moon\"\n", ":2: near moon: unknown", "device, vm"},
      Row{"[policy]\nvm-policy = [\n  \"vm1=leave\",\n  \"vm2=x\"\n]\n",
          ":4: vm-policy vm2=x: unknown",
          "avoid, colocate, leave"},
      Row{"[policy]\nassume-node = \"x\"\n", ":2: assume-node x: no NAME=VALUE", ""},
      Row{"[policy]\nvm = [\"vm1\",\n\"\"]\n", ":3: vm: is empty", "--vm"},
      Row{"[policy]\ntrusted-users = [\"\"]\n", ":2: trusted-users: is empty", ""},
      Row{"[policy]\nrebalance = 3\n", ":2: rebalance: 3: neither true nor false", ""},
      Row{"[policy]\ncolumns = \"vm\"\n", ":2: columns: no such key in [policy]", "[show]"},
      Row{"[policy]\nstrict = true\n", ":2: strict: no such key in [policy]", "[apply]"},
      Row{"lscpu = \"/absent\"\n", ":1: lscpu: /absent: cannot read --lscpu: No such file", ""},
      Row{"color = pink\n", ":1: color: pink: none of auto, always, never", "--color"});
  CAPTURE(row.text);
  ConfiguredHost host;
  check_refused(host.with(row.text), 2, std::string("config.toml") + row.what, row.hint);
}

TEST_CASE("config: a VM or device that is not there today is a warning", "[cli]") {
  ConfiguredHost host;
  const auto ran = host.with(
      "[policy]\n"
      "vm-policy = \"vm9=leave\"\n"
      "assume-node = \"0000:99:00.0=1\"\n",
      {"plan"});
  CHECK(ran.code == 0);
  const auto plain = on(host, {"plan"}).out;  // Commands and options above the table differ.
  CHECK(ran.out.substr(ran.out.find("\nVM ")) == plain.substr(plain.find("\nVM ")));
  CHECK(ran.err.find("config.toml:2: vm-policy vm9: no such VM at the moment") !=
        std::string::npos);
  CHECK(ran.err.find("assume-node 0000:99:00.0: this host has no such device") !=
        std::string::npos);
  const auto none = host.with("[policy]\nvm = \"vm9\"\n", {"plan"});
  CHECK(none.code == 0);
  CHECK(none.out.starts_with("No passthrough vectors in scope"));
  // Typed, it is a mistake.
  check_refused(
      host.with("[policy]\nvm = \"vm1\"\n", {"plan", "--vm", "vm9"}), 2, "--vm vm9: no such VM");
}

TEST_CASE("config: the default file lies under the root", "[cli]") {
  CapturedHost host("two-vms");
  host.file("/etc/irqtune/irqtune.toml", "[policy]\navoid = \"0\"\n");
  CHECK(Json::parse(on(host, {"plan", "--json"}).out)["policy"]["avoid"] == "0");
  host.file("/etc/irqtune/irqtune.toml", "nonsense = 1\n");
  check_refused(
      on(host, {"plan"}), 2, "irqtune: /etc/irqtune/irqtune.toml:1: nonsense: no such key");
  CHECK(on(host, {"--config", "/dev/null", "plan"}).code == 0);
}

TEST_CASE("config: a default file that cannot be read is not passed over", "[cli]") {
  if (::geteuid() == 0) {  // Root reads everything.
    return;
  }
  CapturedHost host("two-vms");
  host.file("/etc/irqtune/irqtune.toml", "[policy]\navoid = \"0\"\n");
  ::chmod((host.root() / "etc/irqtune/irqtune.toml").c_str(), 0);
  check_refused(
      on(host, {"plan"}), 1, "/etc/irqtune/irqtune.toml: cannot read: Permission", "--config");
  CHECK(on(host, {"plan", "--help"}).code == 0);
  CHECK(on(host, {"--config", "/dev/null", "plan"}).code == 0);
}

TEST_CASE("config: a default file that leads nowhere is not passed over", "[cli]") {
  CapturedHost host("two-vms");
  std::filesystem::create_directories(host.root() / "etc/irqtune");
  for (const auto* const target : {"irqtune.toml", "/srv/not-mounted.toml", "/etc"}) {
    INFO(target);
    const auto link = host.root() / "etc/irqtune/irqtune.toml";
    std::filesystem::remove(link);
    std::filesystem::create_symlink(target, link);
    check_refused(on(host, {"plan"}), 1, "/etc/irqtune/irqtune.toml: cannot read: ", "--config");
    CHECK(on(host, {"--config", "/dev/null", "plan"}).code == 0);
  }
}

TEST_CASE("config: files that are none", "[cli]") {
  const FakeTree tree{{"/proc/interrupts", "           CPU0\n"}};
  const auto path = [&](const std::string& name) { return (tree.root() / name).string(); };
  check_refused(on(tree, {"--config", path("absent"), "plan"}),
                2,
                "--config " + path("absent") + ": cannot read it: No such file or directory");
  check_refused(on(tree, {"--config", path("proc"), "plan"}), 2, path("proc") + ": cannot read it");
}

TEST_CASE("config: a wrong value is told whichever command runs", "[cli]") {
  ConfiguredHost host;
  const auto arguments = GENERATE(Arguments{"history"}, Arguments{"show"}, Arguments{"check"});
  CAPTURE(arguments);
  check_refused(
      host.with("[policy]\nscope = \"x\"\n", arguments), 2, "config.toml:2: scope x: unknown");
  check_refused(host.with("[watch]\nhousekeeping = \"3-\"\n", arguments),
                2,
                "config.toml:2: housekeeping: '3-' is not a CPU number");
}

TEST_CASE("config: how many journals are kept is no order to prune", "[cli]") {
  ConfiguredHost host;
  REQUIRE(on(host, {"apply"}).code == 0);
  REQUIRE(on(host, {"rollback"}).code == 0);
  const std::string text = "[history]\nkeep = 0\n";
  CHECK(host.with(text, {"history"}).out.find("rolled_back") != std::string::npos);
  CHECK(host.with(text, {"history", "prune"}).out.starts_with("Nothing has been applied"));
}

TEST_CASE("config: a file that is no text", "[cli]") {
  ConfiguredHost host;
  check_refused(host.with(std::string("ELF\0=\n", 6), {"plan"}), 2, "config.toml: not a text file");
}

TEST_CASE("config: an empty array is no restriction", "[cli]") {
  ConfiguredHost host;
  const auto devices = [&](std::string_view text) { return host.policy(text)["devices"]; };
  CHECK(devices("[policy]\ndevice = []\n").empty());
  CHECK(devices("[policy]\ndevice = \"0000:24:*\"\n") == Json::array({"0000:24:*"}));
  CHECK(devices("[policy]\ndevice = \"0000:24:*\"\n[plan]\ndevice = []\n").empty());
}

TEST_CASE("config: the root is not a thing for the file, that lies below it", "[cli]") {
  ConfiguredHost host;
  check_refused(host.with("root = \"/tmp\"\n"), 2, "config.toml:1: root: no such key", "--root");
}

TEST_CASE("config: what waits for another option may stand there", "[cli]") {
  ConfiguredHost host;
  CHECK(host.with("[apply]\ntimeout = 5\n", {"apply", "-n"}).code == 0);
  CHECK(host.with("[policy]\nsample = 2\n", {"plan"}).code == 0);
}

}  // namespace irqtune::test
