// SPDX-License-Identifier: Apache-2.0
// What the commands say of what was applied, and of how to take it back.
#include "irqtune/apply/plan_file.h"
#include "irqtune/report/report.h"

#include "support/catch.h"
#include "support/hosts/captured_host.h"
#include "support/run_on.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace irqtune::test {

namespace {

using Catch::Contains;
using Json = nlohmann::json;

const std::string kJournals = "/var/lib/irqtune/journal";

/// Path of the newest journal, below the root.
std::string newest_journal(const FakeTree& host) {
  std::string newest;
  for (const auto& entry : std::filesystem::directory_iterator(host.root() / kJournals.substr(1))) {
    newest = std::max(newest, entry.path().filename().string());
  }
  return kJournals + '/' + newest;
}

/// Takes the last line away, as if the run had been killed before it.
void interrupt_newest(FakeTree& host) {
  const auto path = newest_journal(host);
  auto text = host.text(path);
  text.erase(text.rfind('\n', text.size() - 2) + 1);
  host.file(path, text);
}

std::size_t occurrences(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

void add_irqbalance(FakeTree& host) {
  host.file("/proc/812/comm", "irqbalance\n");
  host.file("/proc/812/cmdline", std::string("/usr/sbin/irqbalance\0", 21));
  host.file("/proc/812/stat", "812 (irqbalance) S 1 812\n");
}

}  // namespace

TEST_CASE("undo: history names the very apply that was interrupted", "[cli][apply]") {
  CapturedHost host("two-vms");
  REQUIRE(on(host, {"apply", "--vm", "vm1"}).code == 0);
  const auto id = std::filesystem::path(newest_journal(host)).stem().string();
  interrupt_newest(host);
  const auto later = on(host, {"apply", "--vm", "vm2"});
  REQUIRE(later.code == 0);
  const auto command = "irqtune --root " + host.root().string() + " rollback " + id;
  CHECK_THAT(later.err, Contains(command + "`"));
  CHECK_THAT(on(host, {"history"}).out, Contains("undo it with: " + command + "\n"));
}

TEST_CASE("undo: a damaged newest apply is not passed over for an older one", "[cli][apply]") {
  CapturedHost host("two-vms");
  REQUIRE(on(host, {"apply", "--vm", "vm1"}).code == 0);
  const auto first = host.contents();
  REQUIRE(on(host, {"apply", "--vm", "vm2"}).code == 0);
  const auto before = host.contents();
  host.file(newest_journal(host), host.text(newest_journal(host)) + "garbage\n");
  for (const auto& arguments : {Arguments{"rollback"}, {"rollback", "--dry-run"}}) {
    const auto ran = on(host, arguments);
    CHECK(ran.code == 4);
    CHECK_THAT(ran.err, Contains(" --force` goes by the lines that can be read"));
    CHECK_THAT(ran.err, Contains("rollback --all` goes on"));
    CHECK(host.contents() == before);
  }
  CHECK(on(host, {"rollback", "--force"}).code == 4);
  CHECK(host.contents() == first);
}

TEST_CASE("undo: a dry run that finds what cannot be put back fails as the real one would",
          "[cli][apply]") {
  CapturedHost host("two-vms");
  REQUIRE(on(host, {"apply"}).code == 0);
  CHECK(on(host, {"rollback", "--dry-run"}).code == 0);
  const auto journal = host.text(newest_journal(host));
  const auto at = journal.find("\"irq\":") + 6;
  const auto irq = journal.substr(at, journal.find_first_not_of("0123456789", at) - at);
  host.file("/proc/irq/" + irq + "/smp_affinity_list", "9\n");
  CHECK(on(host, {"rollback", "--dry-run"}).code == 4);
  CHECK(on(host, {"rollback"}).code == 4);
}

TEST_CASE("apply: vectors that cannot leave a vCPU's core are not called right", "[cli][apply]") {
  const CapturedHost host("two-vms");
  const auto ran = on(host, {"apply", "--avoid", "0-15"});
  CHECK(ran.code == 0);
  CHECK_THAT(ran.out, Contains("29 of 29 interrupts stay on protected CPUs"));
}

TEST_CASE("apply: a plan for CPUs that were pinned since is refused", "[cli][apply]") {
  CapturedHost host("two-vms");
  const auto file = (host.root() / "plan.json").string();
  REQUIRE(on(host, {"plan", "--vm", "vm1", "-o", file}).code == 0);
  const auto plan = Json::parse(host.text("/plan.json"));
  const auto to = plan["assignments"][0]["to"].get<std::string>();
  const auto vms = Json::parse(on(host, {"show", "vms", "--json"}).out)["vms"];
  const auto pid = vms[1]["pid"].dump();
  const auto tid = vms[1]["vcpus"][0]["tid"].dump();
  host.file("/proc/" + pid + "/task/" + tid + "/status",
            "Name:\tCPU 0/KVM\nCpus_allowed_list:\t" + to + "\n");
  const auto before = host.contents();
  check_refused(on(host, {"apply", file}), 2, "is protected", "--force");
  CHECK(host.contents() == before);
  CHECK(on(host, {"apply", file, "--force"}).code == 0);
}

TEST_CASE("apply: a plan holds by the rules that it was made by", "[cli][apply]") {
  CapturedHost host("two-vms");
  const auto file = (host.root() / "plan.json").string();
  const auto shown = Json::parse(on(host, {"show", "vms", "--json"}).out);
  for (const auto& vm : shown["vms"]) {
    for (const auto& vcpu : vm["vcpus"]) {
      host.file("/proc/" + vm["pid"].dump() + "/task/" + vcpu["tid"].dump() + "/status",
                "Name:\tCPU 0/KVM\nCpus_allowed_list:\t2\n");
    }
  }
  const Arguments plan{"plan", "--no-protect-siblings", "--avoid", "0-1,5-15", "-o", file};
  REQUIRE(on(host, plan).code == 0);
  CHECK_THAT(host.text("/plan.json"), Contains("\"to\": \"3\""));  // A sibling of CPU 2.
  CHECK(on(host, {"apply", file}).code == 0);
}

TEST_CASE("apply: a plan made before any CPU was pinned is no licence for all", "[cli][apply]") {
  CapturedHost host("two-vms");
  const auto file = (host.root() / "plan.json").string();
  REQUIRE(on(host, {"plan", "-o", file}).code == 0);
  auto plan = Json::parse(host.text("/plan.json"));
  plan["protected"] = "";
  plan["assignments"][0]["to"] = "2";
  plan["assignments"][0]["change"] = true;
  plan["digest"] = plan_digest(parse_plan(plan.dump(), "plan"));
  host.file("/plan.json", plan.dump());
  check_refused(on(host, {"apply", file}), 2, "is protected", "--force");
  plan.erase("protected");
  host.file("/plan.json", plan.dump());
  check_refused(on(host, {"apply", file}), 2, "is protected", "--force");
}

TEST_CASE("apply: with nothing to do, another irqtune at work is told all the same",
          "[cli][apply]") {
  const CapturedHost host("two-vms");
  REQUIRE(on(host, {"apply"}).code == 0);
  const auto lock = host.root() / "var/lib/irqtune/lock";
  const int held = ::open(lock.c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(::flock(held, LOCK_EX) == 0);
  CHECK(on(host, {"apply"}).code == 5);
  ::close(held);
  CHECK(on(host, {"apply"}).code == 0);
}

TEST_CASE("cli: a running irqbalance is one warning with its hints, wherever vectors would move",
          "[cli][apply]") {
  CapturedHost host("two-vms");
  add_irqbalance(host);
  const auto arguments =
      GENERATE(Arguments{"plan"}, Arguments{"check"}, Arguments{"apply", "-n"}, Arguments{"apply"});
  CAPTURE(arguments);
  const auto text = on(host, arguments);
  CHECK(occurrences(text.err, "irqtune: warning: irqbalance (PID 812)") == 1);
  CHECK(occurrences(text.err, "\nhint: ") >= 1);
  if (arguments == Arguments{"apply"}) {
    REQUIRE(on(host, {"rollback"}).code == 0);
  }
  auto json = arguments;
  json.emplace_back("--json");
  const auto document = Json::parse(on(host, json).out);
  REQUIRE(document["advice"].size() == 1);
  CHECK(document["advice"][0]["hint"].size() == occurrences(text.err, "\nhint: "));
  const auto& warnings = document["warnings"];
  CHECK(std::ranges::count(warnings, document["advice"][0]["warning"]) == 1);
}

TEST_CASE("apply: JSON tells whether anything changed, and counts", "[cli][apply]") {
  const CapturedHost host("two-vms");
  const auto ran = [&](const Arguments& arguments) { return Json::parse(on(host, arguments).out); };
  const auto dry = ran({"apply", "-n", "-J"});
  CHECK(dry["changed"] == true);
  CHECK(dry["counts"] == Json{{"would_change", 29}});
  const auto done = ran({"apply", "-J"});
  CHECK(done["changed"] == true);
  CHECK(done["counts"]["ok"] == 29);
  CHECK(done["failed"].empty());
  const auto again = ran({"apply", "-J"});
  CHECK(again["changed"] == false);
  CHECK(again["counts"].empty());
  CHECK(ran({"rollback", "-J"})["changed"] == true);
}

TEST_CASE("apply: --strict refuses beside irqbalance, a dry run as well", "[cli][apply]") {
  CapturedHost host("two-vms");
  add_irqbalance(host);
  const auto before = host.contents();
  for (const auto& arguments :
       {Arguments{"apply", "--strict"}, {"apply", "--strict", "--dry-run"}}) {
    const auto ran = on(host, arguments);
    CHECK(ran.code == 1);
    CHECK_THAT(ran.err, Contains("--strict: irqbalance (pid 812) runs and would undo this"));
    CHECK(host.contents() == before);
  }
  CHECK(on(host, {"apply", "--dry-run"}).code == 0);
}

TEST_CASE("apply: what is due once the lock is free is not called nothing", "[cli][apply]") {
  CapturedHost host("two-vms");
  const auto file = host.root() / "plan.json";
  REQUIRE(on(host, {"plan", "-o", file}).code == 0);
  REQUIRE(on(host, {"apply"}).code == 0);
  add_irqbalance(host);
  const auto irq = Json::parse(host.text("/plan.json"))["assignments"][0]["irq"].dump();
  const auto lock = host.root() / "var/lib/irqtune/lock";
  const int held = ::open(lock.c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(::flock(held, LOCK_EX) == 0);
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    host.file("/proc/irq/" + irq + "/smp_affinity_list", "2\n");  // A vCPU's core.
    ::futimens(held, nullptr);
    ::close(held);
  });
  const auto ran = on(host, {"apply", "--strict", "--wait-lock=60"});
  other.join();
  CHECK(ran.code == 1);
  CHECK_THAT(ran.err, Contains("--strict: irqbalance"));
}

TEST_CASE("check: a mask that cannot be read is a warning, no drift", "[cli][apply]") {
  const CapturedHost host("libvirt-kvm");
  REQUIRE(on(host, {"apply"}).code == 0);
  std::filesystem::remove(host.root() / "proc/irq/82/smp_affinity_list");
  std::filesystem::remove(host.root() / "proc/irq/82/smp_affinity");
  const auto ran = on(host, {"check"});
  CHECK(ran.code == 0);
  CHECK_THAT(ran.err, Contains("the masks of 1 vector could not be read"));
}

TEST_CASE("explain: a CPU's load is that of what is headed there", "[cli]") {
  CapturedHost host("two-vms");
  host.file("/proc/irq/74/smp_affinity_list", "6\n");  // The counts are elsewhere.
  host.file("/proc/irq/74/effective_affinity_list", "6\n");
  const auto document = Json::parse(on(host, {"explain", "cpu6", "--json"}).out);
  const auto irqs = Json::parse(on(host, {"show", "irqs", "--json"}).out)["irqs"];
  double sum = 0;
  for (const auto& irq : irqs) {
    if (irq["affinity"] == "6") {
      sum += irq["rate"].get<double>();
    }
  }
  CHECK(document["cpu"]["load_before"].get<double>() >= sum);
}

TEST_CASE("plan: a host device can be selected where host devices are in scope", "[cli]") {
  const CapturedHost host("two-vms");
  const auto devices = Json::parse(on(host, {"show", "devices", "--json"}).out)["devices"];
  const auto irqs = Json::parse(on(host, {"plan", "--scope", "all", "--json"}).out)["assignments"];
  for (const auto& irq : irqs) {
    if (irq["vector"].is_null() && irq.contains("device") && irq["device"].is_string()) {
      const auto device = irq["device"].get<std::string>();
      CHECK(on(host, {"plan", "--scope", "all", "--device", device}).code == 0);
      check_refused(on(host, {"plan", "--device", device}), 2, "no such passthrough device");
      return;
    }
  }
  CHECK(on(host, {"plan", "--scope", "all", "--device", "0000:27:00.0"}).code == 0);
}

}  // namespace irqtune::test
