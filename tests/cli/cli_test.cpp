// SPDX-License-Identifier: Apache-2.0
#include "irqtune/cli/cli.h"

#include "irqtune/apply/apply.h"
#include "irqtune/core/text.h"

#include "report/text/table.h"
#include "support/catch.h"
#include "support/hosts/captured_host.h"
#include "support/run_on.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <regex>
#include <sstream>

#include <sys/stat.h>

namespace irqtune::test {

namespace {

using Json = nlohmann::json;

const std::vector<Arguments>& reading_commands() {
  static const std::vector<Arguments> kCommands{{"show"},
                                                {"show", "topology"},
                                                {"show", "devices"},
                                                {"show", "irqs"},
                                                {"show", "vms"},
                                                {"show", "all"},
                                                {"plan"},
                                                {"plan", "--scope", "all"},
                                                {"plan", "--policy", "colocate"},
                                                {"apply", "--dry-run"},
                                                {"history"},
                                                {"check"},
                                                {"diagnose"}};
  return kCommands;
}

}  // namespace

TEST_CASE("cli: help and version", "[cli]") {
  auto ran = run({"--version"});
  CHECK(ran.code == 0);
  CHECK(ran.out == "irqtune " IRQTUNE_VERSION "\n");
  ran = run({"--help"});
  CHECK(ran.code == 0);
  for (const auto* command :
       {"show", "plan", "apply", "rollback", "history", "check", "snapshot", "Exit codes"}) {
    INFO(command);
    CHECK(ran.out.find(command) != std::string::npos);
    if (std::string_view(command) != "Exit codes") {
      const auto help = run({command, "--help"});
      CHECK(help.code == 0);
      CHECK(help.out.find("irqtune --help") != std::string::npos);  // Where the global options are.
      CHECK(run({"help", command}).out == help.out);
    }
  }
  CHECK(ran.err.empty());
  CHECK(run({"help"}).out == ran.out);
  CHECK(run({"apply", "--help"}).out.find("--wait-lock[=SECONDS] ") != std::string::npos);
}

TEST_CASE("cli: text for people fits the columns there are, without colour or noise", "[cli]") {
  const auto name = GENERATE(from_range(captures()));
  const Environment columns("COLUMNS", "100");
  for (const auto& arguments : reading_commands()) {
    CAPTURE(name, arguments);
    const auto ran = on_file(name, arguments);
    CHECK((ran.code == 0 || ran.code == 3));
    CHECK_FALSE(ran.out.empty());
    CHECK(ran.out.find('\x1b') == std::string::npos);
    for (const auto line : split(ran.out, '\n')) {
      const bool quoted = arguments.front() == "diagnose" && line.starts_with("            ");
      CHECK((quoted || display_width(line) <= 100));  // Commands are to be copied whole.
      CHECK_FALSE(line.ends_with(' '));
    }
  }
}

TEST_CASE("cli: what goes into a file or a pipe is neither cut nor folded", "[cli]") {
  const auto plan = on_file("two-vms", {"plan", "--scope", "all"}).out;
  CHECK(plan.find("cpu13 is good: narrowed to it; node 1 (device's unknown), core 6 sibling\n") !=
        std::string::npos);
  const auto devices = on_file("two-vms", {"show", "devices"}).out;
  CHECK(devices.find("...") == std::string::npos);
  const Environment columns("COLUMNS", "80");
  const auto folded = on_file("two-vms", {"plan"}).out;
  CHECK(folded.find("node 1 (device's unknown), core 6 sibling\n") == std::string::npos);
  for (const auto line : split(folded, '\n')) {
    CHECK(display_width(line) <= 80);
  }
}

TEST_CASE("cli: rows stand alone off a terminal, in one order, with the columns asked for",
          "[cli]") {
  const CapturedHost host("two-vms");
  const auto column = [&](Arguments arguments, const std::string& names) {
    arguments.insert(arguments.end(), {"--columns", names, "--no-headings"});
    const auto out = on(host, arguments).out;
    std::vector<std::string> rows;
    for (const auto line : split(out, '\n')) {
      if (line.starts_with("0000:")) {
        rows.emplace_back(line);
      }
    }
    return rows;
  };
  const auto planned = column({"plan"}, "device,vector");
  CHECK(planned.size() == 29);
  CHECK(planned == column({"check"}, "device,vector"));
  CHECK(planned == column({"apply"}, "device,vector"));
  CHECK(planned == column({"rollback"}, "device,vector"));
  const auto owned = column({"plan"}, "device,vector,vm");
  CHECK(on(host, {"rollback"}).code == 0);
  CHECK(on(host, {"apply"}).out.find("\nvm1  0000:24:00.0  msix/2") != std::string::npos);
  CHECK(owned == column({"rollback"}, "device,vector,vm"));
  CHECK(on(host, {"plan"}).out.find("\nvm1  0000:24:00.0  msix/2") != std::string::npos);
  check_refused(on(host, {"plan", "--columns", "nosuch"}), 2, "--columns: nosuch: none of vm");
}

TEST_CASE("cli: the tables of show, with the columns asked for", "[cli]") {
  const auto shown = [](Arguments arguments) {
    arguments.insert(arguments.begin(), "show");
    const auto out = on_file("two-vms", arguments).out;
    return out.substr(out.find("\n\n") + 2);
  };
  CHECK(shown({"vms", "--columns", "vm,devices,vectors,collisions,unknown,cpus"}) ==
        "VM              DEVICES  VECTORS  COLLISIONS  UNKNOWN  CPUS\n"
        "vm1                   2       14           8        0  2-5\n"
        "vm2                   2       14           4        0  10-11\n"
        "vm3                   1        1           0        0  0-15\n"
        "vm4-no-hostdev        0        0           0        0  0-15\n");
  CHECK(shown({"vms", "--flat"}).starts_with("VM              STATE    PID  VCPUS  DEVICES"));
  CHECK(shown({"devices", "--vm", "vm1", "--columns", "used-by,device", "--no-headings"}) ==
        "vm1      0000:22:00.0\nvm1      0000:24:00.0\n");
  CHECK(shown({"irqs", "--device", "0000:24:00.0", "--columns", "irq,mark,vm"})
            .starts_with("IRQ     VM\n 74  !  vm1\n 75     vm1\n"));
  const auto refused = [](const Arguments& arguments, const std::string& what) {
    check_refused(on_file("two-vms", arguments), 2, what);
  };
  refused({"show", "irqs", "--columns", "driver"}, "--columns: driver: no column of this table");
  refused({"show", "--columns", "irq"}, "show: --columns: says nothing without a table");
  refused({"show", "irqs", "--columns", "nosuch"}, "--columns: nosuch: none of device, node");
}

TEST_CASE("cli: a plan says what was asked for, where, and what its rates are of", "[cli]") {
  CapturedHost host("two-vms");
  host.file("/config.toml", "[policy]\nmin-gain = 20\n");
  const auto file = (host.root() / "config.toml").string();
  const auto out = on(host, {"--config", file, "plan", "--vm", "vm1"}).out;
  CHECK(out.find("Policy: avoid, scope passthrough; --vm vm1 (command line), min-gain 20 (" + file +
                 ":2).") != std::string::npos);
  CHECK(out.find("\nRates: over ") != std::string::npos);
  CHECK(on(host, {"plan", "--sample", "0"}).out.find("\nRates: since boot") != std::string::npos);
}

TEST_CASE("cli: JSON is one document with its schema, and standard error stays empty", "[cli]") {
  const auto name = GENERATE(from_range(captures()));
  for (auto arguments : reading_commands()) {
    arguments.emplace_back("--json");
    CAPTURE(name, arguments);
    const auto ran = on_file(name, arguments);
    CHECK(ran.err.empty());
    const auto document = Json::parse(ran.out, nullptr, false);
    REQUIRE(document.is_object());
    const auto schema = document["schema"].get<std::string>();
    CHECK(schema.starts_with("irqtune."));
    CHECK(schema.ends_with("/1"));
    CHECK(ran.out.ends_with("}\n"));
  }
}

TEST_CASE("cli: a bad name of a guest breaks neither JSON nor the terminal", "[cli]") {
  FakeTree tree{{"/proc/interrupts",
                 "           CPU0       CPU1\n"
                 " 40: 1 2 IR-PCI-MSI 1-edge eth\x1b[31m\xff-rx\n"
                 " 41: 1 2 IR-PCI-MSI 1-edge vfio-msix[0](0000:21:00.0)\n"}};
  const auto text = on(tree, {"show", "irqs"});
  CHECK(text.code == 0);
  CHECK(text.out.find('\x1b') == std::string::npos);
  const auto json = on(tree, {"show", "irqs", "--json"});
  REQUIRE(Json::accept(json.out));
  CHECK(Json::parse(json.out)["irqs"].size() == 2);
}

TEST_CASE("cli: colour only where asked for", "[cli]") {
  const Arguments plan{"plan"};
  CHECK(on_file("two-vms", {"plan", "--color", "always"}).out.find("\x1b[") != std::string::npos);
  CHECK(on_file("two-vms", {"plan", "--color", "never"}).out.find("\x1b[") == std::string::npos);
  CHECK(on_file("two-vms", {"plan", "--color", "auto"}).out.find("\x1b[") == std::string::npos);
  const auto ran = on_file("two-vms", {"plan", "--color", "always", "--json"});
  CHECK(ran.out.find("\x1b[") == std::string::npos);
}

TEST_CASE("cli: quiet leaves out tables, twice warnings too; verbose says more", "[cli]") {
  const auto plain = on_file("two-vms", {"plan"});
  const auto quiet = on_file("two-vms", {"plan", "-q"});
  CHECK(quiet.out.empty());
  CHECK(quiet.err == plain.err);
  CHECK(quiet.err.find("irqtune: warning: ") != std::string::npos);
  CHECK(on_file("two-vms", {"plan", "-qq"}).err.empty());
  CHECK(on_file("two-vms", {"plan", "-q", "-q"}).err.empty());
  CHECK(on_file("two-vms", {"plan", "-vv"}).err.size() >
        on_file("two-vms", {"plan", "-v"}).err.size());
  const auto verbose = on_file("two-vms", {"plan", "-v"});
  CHECK(verbose.err.find("irqtune: debug: ") != std::string::npos);
  CHECK(verbose.out == on_file("two-vms", {"plan"}).out);
}

TEST_CASE("cli: a plan in its formats, its file and its exit code", "[cli]") {
  CapturedHost host("two-vms");
  const auto file = (host.root() / "plan.json").string();
  CHECK(on(host, {"plan", "--detailed-exitcode"}).code == 3);
  CHECK(on_file("baseline", {"plan", "--detailed-exitcode"}).code == 0);
  const auto json = on(host, {"plan", "--json"});
  CHECK(on(host, {"plan", "--format", "json"}).out == json.out);
  CHECK(on(host, {"plan", "-o", "-"}).out == json.out);
  const auto saved = on(host, {"plan", "-o", file});
  CHECK(saved.code == 0);
  CHECK(saved.out ==
        fmt::format("Wrote {0}: 29 affinity masks to change. Carry it out with: irqtune "
                    "--root {1} apply {0}\n",
                    file,
                    host.root().string()));
  CHECK(host.text("/plan.json") == json.out);
  CHECK(on(host, {"plan", "-o", file, "-q"}).out.empty());
  CHECK(on(host, {"plan", "-o", file, "--json"}).out.empty());
  const auto script = on(host, {"plan", "--format", "script"});
  CHECK(script.out.starts_with("#!/bin/sh\n"));
  CHECK(on(host, {"plan", "-o", file, "--format", "script"}).code == 0);
  CHECK(host.text("/plan.json") == script.out);
  CHECK(on(host, {"plan", "-o", file, "--format", "table"}).code == 0);
  CHECK(host.text("/plan.json") == on(host, {"plan"}).out);
  CHECK(on(host, {"plan", "--json", "--format", "json"}).out == json.out);
  check_refused(
      on(host, {"plan", "--json", "--format", "script"}), 2, "--json and --format script");
}

TEST_CASE("cli: the next command is told as it would have to be typed", "[cli]") {
  CapturedHost host("two-vms");
  const auto root = host.root().string();
  const auto out_of = [&](const Arguments& arguments) { return on(host, arguments).out; };
  const Arguments options{"plan", "--avoid=0", "--vm", "vm[12]"};
  const auto selected =
      fmt::format(" with: irqtune --root {} apply --vm 'vm[12]' --avoid 0\n", root);
  CHECK(out_of(options).find("; apply it" + selected) != std::string::npos);
  CHECK(on_file("two-vms", options)
            .out.find("; apply it on that host with: irqtune apply --vm 'vm[12]' --avoid 0\n") !=
        std::string::npos);
  CHECK(out_of({"check", "--avoid=0", "--vm", "vm[12]"}).find("; put right" + selected) !=
        std::string::npos);
  // What the configuration file says needs no typing.
  host.file("/etc/irqtune/irqtune.toml", "[policy]\navoid = \"0\"\n");
  CHECK(out_of({"plan"}).find(" apply\n") != std::string::npos);
  const auto state = (host.root() / "st ate").string();
  const auto applied = out_of({"--state-dir", state, "apply", "--vm", "vm2"});
  CHECK(applied.find(fmt::format("irqtune --root {} --state-dir '{}' rollback ", root, state)) !=
        std::string::npos);
}

TEST_CASE("cli: a saved plan takes no options that select or place", "[cli][apply]") {
  CapturedHost host("two-vms");
  const auto file = (host.root() / "plan.json").string();
  REQUIRE(on(host, {"plan", "-o", file}).code == 0);
  const auto before = host.contents("");
  check_refused(on(host, {"apply", file, "--vm", "vm2"}),
                2,
                "apply " + file + ": --vm vm2: the plan is made already",
                "plan --vm vm2 -o FILE");
  check_refused(
      on(host, {"apply", "--rebalance", file}), 2, "--rebalance: the plan is made already");
  CHECK(host.contents("") == before);
  host.file("/etc/irqtune/irqtune.toml", "[policy]\nrebalance = true\n");
  CHECK(on(host, {"apply", "--keep-going", "--dry-run", file}).code == 0);
}

TEST_CASE("cli: a dry run fails where the real one would", "[cli][apply]") {
  FakeTree tree{{"/proc/interrupts",
                 "           CPU0       CPU1\n"
                 " 41:  1 2 IR-PCI-MSI 1-edge vfio-msix[0](0000:21:00.0)\n"}};
  for (const auto& arguments : {Arguments{"apply", "--dry-run"}, {"apply"}}) {
    const auto ran = on(tree, arguments);
    CAPTURE(arguments, ran.out);
    CHECK(ran.code == 1);
    CHECK(ran.err.find("0000:21:00.0/msix/0 (IRQ 41): ") != std::string::npos);
  }
}

TEST_CASE("cli: where there is nothing, that is what is said", "[cli]") {
  const FakeTree tree{{"/proc/interrupts", "           CPU0\n"}};
  const auto says = [&](const char* command, const char* what) {
    const auto ran = on(tree, {command});
    CHECK(ran.code == 0);
    CHECK(ran.out == fmt::format("No passthrough vectors in scope: nothing to {}.\n", what));
  };
  says("plan", "plan");
  says("apply", "do");
  says("check", "check");
}

TEST_CASE("cli: CPUs that the host does not have are named", "[cli]") {
  const auto ran = on_file("two-vms", {"plan", "--avoid", "0,99", "--housekeeping", "1,6,64-65"});
  CHECK(ran.code == 0);
  CHECK(ran.err.find("--avoid: this host has no CPU 99\n") != std::string::npos);
  CHECK(ran.err.find("--housekeeping: this host has no CPU 64-65\n") != std::string::npos);
}

TEST_CASE("cli: a saved plan is carried out as it stands", "[cli][apply]") {
  CapturedHost host("two-vms");
  const auto file = (host.root() / "plan.json").string();
  REQUIRE(on(host, {"plan", "--vm", "vm2", "-o", file}).code == 0);
  const auto plan = Json::parse(host.text("/plan.json"));
  const auto applied = on(host, {"apply", file, "--json"});
  CHECK(applied.code == 0);
  const auto report = Json::parse(applied.out);
  CHECK(report["schema"] == "irqtune.apply/1");
  CHECK(report["state"] == "committed");
  CHECK(report["results"].size() == plan["changes"].get<std::size_t>());
  for (const auto& one : plan["assignments"]) {
    CHECK(one["vm"] == "vm2");
    CHECK(host.text("/proc/irq/" + one["irq"].dump() + "/smp_affinity_list") ==
          one["to"].get<std::string>() + '\n');
  }
  CHECK(host.text("/proc/irq/74/smp_affinity_list") == "0-7\n");  // vm1's
  CHECK(on(host, {"check", "--vm", "vm2"}).code == 0);
}

TEST_CASE("cli: only apply and rollback change the tree, and masks and state alone", "[cli]") {
  CapturedHost host("two-vms");
  const auto before = host.contents("");
  for (const auto& arguments : reading_commands()) {
    CAPTURE(arguments);
    on(host, arguments);
    CHECK(host.contents("") == before);
  }
  for (const auto& arguments :
       {Arguments{"rollback"}, {"rollback", "--all"}, {"history", "--keep", "0"}}) {
    CAPTURE(arguments);
    CHECK(on(host, arguments).code == 0);
    CHECK(host.contents("") == before);
  }
  REQUIRE(on(host, {"apply", "--default-affinity"}).code == 0);
  auto after = host.contents("");
  std::size_t masks = 0;
  for (const auto& [path, what] : after) {
    const auto was = before.find(path);
    if (was != before.end() && was->second == what) {
      continue;
    }
    const bool mask = path == "proc/irq/default_smp_affinity" ||
                      (path.starts_with("proc/irq/") && path.ends_with("/smp_affinity_list"));
    CAPTURE(path);
    CHECK((mask || path.starts_with("var")));
    masks += mask ? 1U : 0U;
  }
  CHECK(masks > 20);
  CHECK(std::filesystem::status(host.root() / "var/lib/irqtune").permissions() ==
        std::filesystem::perms{0755});
}

TEST_CASE("cli: dry runs say what the real ones then do", "[cli][apply]") {
  CapturedHost host("igb-sriov");
  const auto dry = on(host, {"apply", "--dry-run", "--json"});
  CHECK(dry.code == 0);
  CHECK(Json::parse(dry.out)["state"] == "dry_run");
  const auto real = on(host, {"apply", "--json"});
  REQUIRE(real.code == 0);
  const auto masks = [](const Ran& ran) {
    std::map<std::string, std::string> to;
    const auto document = Json::parse(ran.out);
    for (const auto& one : document["results"]) {
      to[one["irq"].dump()] = one["to"];
    }
    return to;
  };
  CHECK(masks(dry) == masks(real));
  const auto applied = host.contents("");
  const auto undo = on(host, {"rollback", "--dry-run"});
  CHECK(undo.code == 0);
  CHECK(undo.out.find("would") != std::string::npos);
  CHECK(host.contents("") == applied);
}

TEST_CASE("cli: history tells what became of each apply", "[cli][apply]") {
  CapturedHost host("libvirt-kvm");
  CHECK(on(host, {"history"}).out == "Nothing has been applied on this host.\n");
  REQUIRE(on(host, {"apply"}).code == 0);
  auto entries = Json::parse(on(host, {"history", "--json"}).out)["applies"];
  REQUIRE(entries.size() == 1);
  CHECK(entries[0]["state"] == "committed");
  CHECK(entries[0]["done"] == entries[0]["writes"]);
  const auto id = entries[0]["id"].get<std::string>();
  CHECK(on(host, {"rollback", id}).code == 0);
  entries = Json::parse(on(host, {"history", "--json"}).out)["applies"];
  CHECK(entries[0]["state"] == "rolled_back");
  CHECK(on(host, {"history"}).out.find(id) != std::string::npos);
  const auto nothing = on(host, {"rollback"});
  CHECK(nothing.code == 0);
  CHECK(nothing.out == "Nothing to roll back.\n");
  CHECK(on(host, {"history", "--keep", "0"}).out == "Nothing has been applied on this host.\n");
}

TEST_CASE("cli: history names who is behind sudo, when, and the plan", "[cli][apply]") {
  CapturedHost host("libvirt-kvm");
  // The tests run in one thread.
  ::setenv("SUDO_USER", "operator", 1);  // NOLINT(concurrency-mt-unsafe)
  const auto applied = on(host, {"apply"});
  ::unsetenv("SUDO_USER");  // NOLINT(concurrency-mt-unsafe)
  REQUIRE(applied.code == 0);
  const auto entry = Json::parse(on(host, {"history", "--json"}).out)["applies"][0];
  CHECK(entry["user"] == "operator");
  const auto text = on(host, {"history"}).out;
  for (const auto* key : {"id", "state", "finished", "plan_digest", "user"}) {
    CAPTURE(key);
    CHECK(text.find(entry[key].get<std::string>()) != std::string::npos);
  }
}

TEST_CASE("cli: --wait-stable is silent in a pipe", "[cli][apply]") {
  CapturedHost host("libvirt-kvm");
  const auto ran = on(host, {"apply", "--wait-stable=0.5", "--timeout", "20"});
  CHECK(ran.code == 0);
  CHECK(ran.err.empty());
}

TEST_CASE("cli: a full disk behind standard output does not deny what was applied",
          "[cli][apply]") {
  const CapturedHost host("libvirt-kvm");
  const auto code_of = [&](const std::vector<const char*>& words) {
    std::vector<const char*> argv{"irqtune", "--root", host.root().c_str()};
    argv.insert(argv.end(), words.begin(), words.end());
    std::ostringstream out;
    std::ostringstream err;
    out.setstate(std::ios::badbit);
    const auto code = run_cli(static_cast<int>(argv.size()), argv.data(), out, err);
    CHECK(err.str().find("irqtune: standard output: cannot write\n") != std::string::npos);
    return code;
  };
  CHECK(code_of({"plan"}) == ExitCode::failed);
  CHECK(code_of({"apply", "--dry-run"}) == ExitCode::failed);
  CHECK(code_of({"--help"}) == ExitCode::failed);
  CHECK(code_of({"apply"}) == ExitCode::ok);
  CHECK(on(host, {"check"}).code == 0);
  CHECK(code_of({"rollback"}) == ExitCode::ok);
  CHECK(on(host, {"check"}).code == 3);
}

TEST_CASE("cli: a state directory elsewhere", "[cli][apply]") {
  CapturedHost host("libvirt-kvm");
  const auto state = (host.root() / "elsewhere").string();
  REQUIRE(on(host, {"--state-dir", state, "apply"}).code == 0);
  CHECK_FALSE(std::filesystem::exists(host.root() / "var/lib/irqtune"));
  CHECK(on(host, {"--state-dir", state, "rollback"}).out.starts_with("Rolled back "));
}

TEST_CASE("cli: a lock that is held is exit code 5", "[cli][apply]") {
  CapturedHost host("libvirt-kvm");
  const auto state = host.root() / "var/lib/irqtune";
  const Lock lock(state, std::chrono::milliseconds(0));
  const auto before = host.contents();
  check_refused(on(host, {"apply"}), 5, "irqtune", "--wait-lock");
  check_refused(on(host, {"rollback"}), 5, "irqtune", "--wait-lock");
  check_refused(on(host, {"apply", "--wait-lock=0.05"}), 5, "irqtune", "");
  CHECK(host.contents() == before);
  CHECK(on(host, {"apply", "--dry-run"}).code == 0);
  CHECK(on(host, {"check"}).code == 3);
}

TEST_CASE("cli: another state directory is the same host", "[cli][apply]") {
  const CapturedHost host("libvirt-kvm");
  Session session;
  session.state_dir = host.root() / "elsewhere";
  session.root = host.root();
  const Lock lock(session, std::chrono::milliseconds(0));
  check_refused(on(host, {"apply"}), 5, "run/irqtune.lock", "--wait-lock");
  check_refused(on(host, {"watch"}), 5, "run/irqtune.lock");
  CHECK(on(host, {"apply", "--dry-run"}).code == 0);
}

TEST_CASE("cli: a mask that cannot be written fails, or is partial with --keep-going",
          "[cli][apply]") {
  CapturedHost host("libvirt-kvm");
  // No regular file: the write is refused, whoever asks.
  const auto mask = host.root() / "proc/irq/81/smp_affinity_list";
  const auto plan = (host.root() / "plan.json").string();
  REQUIRE(on(host, {"plan", "-o", plan}).code == 0);
  std::filesystem::remove(mask);
  REQUIRE(::mkfifo(mask.c_str(), 0600) == 0);
  const auto masks = [&] {
    return host.text("/proc/irq/80/smp_affinity_list") +
           host.text("/proc/irq/82/smp_affinity_list");
  };
  const auto before = masks();
  const auto failed = on(host, {"apply", plan});
  INFO(failed.err);
  CHECK(failed.code == 1);
  CHECK(failed.err.find("0000:22:00.0/msix/0") != std::string::npos);
  CHECK(failed.err.find("0000:24:00.0") == std::string::npos);  // What only went back with it.
  CHECK(failed.err.find("5 masks not tried") != std::string::npos);
  CHECK(masks() == before);
  const auto partial = on(host, {"apply", plan, "--keep-going", "--json"});
  CHECK(partial.code == 4);
  CHECK(Json::parse(partial.out)["state"] == "partial");
  CHECK(partial.err.find("0000:22:00.0/msix/0") != std::string::npos);
  CHECK(masks() != before);
}

TEST_CASE("cli: a snapshot gives the same plan", "[cli]") {
  const CapturedHost host("two-vms");
  const FakeTree out;
  const auto file = (out.root() / "host.tar.gz").string();
  const auto ran = on(host, {"snapshot", "-o", file});
  CHECK(ran.code == 0);
  CHECK(ran.err.empty());
  CHECK(run({"--root", file, "plan", "--json"}).out == on(host, {"plan", "--json"}).out);
  const auto tree = (out.root() / "tree").string();
  CHECK(on(host, {"snapshot", "-o", tree}).code == 0);
  auto same = run({"--root", tree, "plan"}).out;
  same.replace(same.find(tree), tree.size(), host.root().string());
  CHECK(same == on(host, {"plan"}).out);
}

TEST_CASE("cli: a snapshot names what it leaves out, also where others print a document", "[cli]") {
  const auto json = GENERATE(false, true);
  const FakeTree tree{{"/proc/interrupts", "x"}};
  REQUIRE(::mkfifo((tree.root() / "proc/uptime").c_str(), 0600) == 0);
  const FakeTree out;
  std::vector<std::string> arguments = {
      "--root", tree.root(), "snapshot", "-o", (out.root() / "tree").string()};
  if (json) {
    arguments.emplace_back("--json");
  }
  const auto ran = run(arguments);
  CHECK(ran.code == 0);
  CHECK(ran.err.starts_with("irqtune: warning: " + tree.root().string() + "/proc/uptime: "));
}

TEST_CASE("cli: an anonymous snapshot gives the same plan but for names", "[cli]") {
  const auto name = GENERATE(from_range(captures_with_vms()));
  const auto scope = GENERATE(as<std::string>(), "passthrough", "all");
  CAPTURE(name, scope);
  const FakeTree out;
  const auto file = (out.root() / "host.tar.gz").string();
  REQUIRE(on_file(name, {"snapshot", "--anonymize", "-o", file}).code == 0);
  // VMs keep their process; a plan names them in "vm" and in the reasons.
  const auto plan_of = [&](const std::string& root) {
    const auto host = Json::parse(run({"--root", root, "show", "vms", "--json"}).out);
    auto plan = Json::parse(run({"--root", root, "plan", "--scope", scope, "--json"}).out);
    plan.erase("host");
    auto text = plan.dump(1);
    for (const auto& vm : host["vms"]) {
      const std::regex named(fmt::format(R"(\b{}\b)", vm["name"].get<std::string>()));
      text = std::regex_replace(text, named, fmt::format("PID{}", vm["pid"].dump()));
    }
    return text;
  };
  const auto plan = plan_of(capture_file(name).string());
  CHECK(plan.find("PID") != std::string::npos);
  CHECK(plan_of(file) == plan);
}

TEST_CASE("cli: a tree with /proc/interrupts alone is enough for show irqs", "[cli]") {
  const FakeTree tree{{"/proc/interrupts",
                       "           CPU0       CPU1\n"
                       " 41: 1 2 IR-PCI-MSI 1-edge vfio-msix[0](0000:21:00.0)\n"}};
  const auto ran = on(tree, {"show", "irqs"});
  CHECK(ran.code == 0);
  CHECK(ran.out.find("vfio-msix[0](0000:21:00.0)") != std::string::npos);
  CHECK(ran.err.find("irqtune: warning: ") != std::string::npos);
  const auto json = Json::parse(on(tree, {"show", "irqs", "--json"}).out);
  CHECK_FALSE(json["warnings"].empty());
  CHECK(json["irqs"][0]["rate"].is_null());
  CHECK(json["irqs"][0]["affinity"].is_null());
  CHECK(on(tree, {"plan"}).code == 0);
}

}  // namespace irqtune::test
