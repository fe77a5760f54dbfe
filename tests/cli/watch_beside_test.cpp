// SPDX-License-Identifier: Apache-2.0
// Other commands beside a watch that runs.
#include "support/catch.h"
#include "support/run_on.h"
#include "support/watching.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

namespace irqtune::test {

namespace {

using Catch::Contains;
using Json = nlohmann::json;

/// Another program moves it three times, each time after it was put back.
void fight(RebootingHost& host, const Watching& watch, unsigned irq, const std::string& place) {
  for (int i = 0; i < 2; ++i) {
    host.set_mask(irq, "0-15");
    CHECK(comes([&] { return host.mask(irq) == place; }));
  }
  host.set_mask(irq, "0-15");
  CHECK(watch.says("let go"));
}

/// Of a running process, in KiB.
long resident(pid_t pid) {
  const auto text = Sysfs("/").read(fmt::format("/proc/{}/status", pid)).value_or("");
  const auto at = text.find("VmRSS:");
  return at == std::string::npos ? 0 : std::strtol(text.c_str() + at + 6, nullptr, 10);
}

std::size_t descriptors(pid_t pid) {
  return Sysfs("/").list(fmt::format("/proc/{}/fd", pid)).size();
}

}  // namespace

TEST_CASE("watch: apply beside it asks it to plan now, and tells what came of it", "[watch][cli]") {
  RebootingHost host;
  Watching watch(host, {"--check-every=3600"});
  const auto places = placed(host);
  REQUIRE(watch.says("planned"));
  CHECK(on(host, {"apply"}).code == 0);
  CHECK_THAT(on(host, {"apply"}).out, Contains("By irqtune watch"));

  const auto ran = on(host, {"apply", "--json"});
  INFO(ran.err);
  CHECK(ran.code == 0);
  const auto document = Json::parse(ran.out);
  CHECK(document["schema"] == "irqtune.apply/1");
  CHECK(document["state"] == "nothing_to_do");
  CHECK(host.masks() == places);
  CHECK(watch.end() == 0);
  CHECK_FALSE(std::filesystem::exists(host.root() / "var/lib/irqtune/watch.json"));
  CHECK_THAT(on(host, {"apply"}).out, !Contains("By irqtune watch"));
}

TEST_CASE("watch: what an apply asked for is reported, mask by mask", "[watch][cli]") {
  RebootingHost host;
  Watching watch(host);
  const auto places = placed(host);
  REQUIRE(watch.says("planned"));
  watch.signal(SIGSTOP);  // It has not seen yet what the apply is to have put right.
  const auto irq = places.begin()->first;
  host.set_mask(irq, "0-15");
  std::thread resume([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    watch.signal(SIGCONT);
  });
  const auto ran = on(host, {"apply", "--json"});
  resume.join();
  INFO(ran.err);
  CHECK(ran.code == 0);
  const auto document = Json::parse(ran.out);
  CHECK(document["state"] == "committed");
  REQUIRE(document["results"].size() == 1);
  const auto& result = document["results"][0];
  CHECK(result["irq"] == irq);
  CHECK(result["from"] == "0-15");
  CHECK(result["to"] == places.at(irq));
  CHECK(result["state"] == "ok");
  CHECK(result["vector"]["device"].is_string());
  CHECK(host.masks() == places);
  CHECK(watch.end() == 0);
}

TEST_CASE("watch: apply with options of its own, rollback and another watch say what stops it",
          "[watch][cli]") {
  RebootingHost host;
  Watching watch(host);
  static_cast<void>(placed(host));
  REQUIRE(watch.says("planned"));
  const auto stop = fmt::format("kill {}", watch.pid());
  check_refused(on(host, {"apply", "--vm", "vm1"}), 5, "irqtune watch", stop);
  check_refused(on(host, {"apply", "--keep-going"}), 5, "irqtune watch", stop);
  check_refused(on(host, {"apply", "--wait-stable", "--wait-lock"}), 5, "irqtune watch", stop);
  check_refused(on(host, {"rollback"}), 5, "irqtune watch", stop);
  check_refused(on(host, {"watch"}), 5, "irqtune watch", stop);
  CHECK(on(host, {"apply", "--dry-run"}).code == 0);
  CHECK(on(host, {"rollback", "--dry-run"}).code == 0);
  CHECK(on(host, {"history"}).code == 0);
  CHECK(watch.end() == 0);
  CHECK(on(host, {"rollback"}).code == 0);
}

TEST_CASE("watch: one that was killed is not asked", "[watch][cli]") {
  RebootingHost host;
  {
    Watching watch(host);
    static_cast<void>(placed(host));
    REQUIRE(watch.says("planned"));
    CHECK(watch.end(SIGKILL) == -1);
  }
  CHECK(std::filesystem::exists(host.root() / "var/lib/irqtune/watch.json"));
  CHECK_THAT(on(host, {"apply"}).out, !Contains("By irqtune watch"));
  CHECK(on(host, {"rollback", "--all"}).code == 0);
}

TEST_CASE("watch: what it lets go, check and metrics show", "[watch][cli]") {
  RebootingHost host;
  Watching watch(host);
  const auto places = placed(host);
  const auto irq = places.begin()->first;
  fight(host, watch, irq, places.at(irq));
  CHECK(comes([&] { return on(host, {"check"}).err.find("let go") != std::string::npos; }));
  const auto check = on(host, {"check", "--json"});
  CHECK(check.code == 3);  // It is on vCPUs' cores, whoever put it there.
  CHECK_THAT(check.out, Contains("let go by the watch for a while"));
  CHECK_THAT(on(host, {"metrics"}).out, Contains("irqtune_watch_vectors{state=\"let_go\"} 1\n"));
  CHECK_THAT(on(host, {"apply", "--json"}).out, Contains("let go"));
  CHECK(watch.end() == 0);
  CHECK_THAT(on(host, {"metrics"}).out, !Contains("irqtune_watch"));
}

TEST_CASE("watch: --metrics writes what metrics prints, with its own series", "[watch][cli]") {
  RebootingHost host;
  const auto file = (host.root() / "irqtune.prom").native();
  Watching watch(host, {"--metrics", file});
  static_cast<void>(placed(host));
  CHECK(comes([&] { return std::filesystem::exists(file); }));
  const auto text = host.text("/irqtune.prom");
  CHECK_THAT(text, Contains("irqtune_device_vectors{"));
  CHECK_THAT(text, Contains("irqtune_watch_vectors{state=\"in_place\"}"));
  CHECK_THAT(text, Catch::EndsWith("# EOF\n"));
  CHECK(watch.end() == 0);
}

TEST_CASE("watch: many reboots cost no memory, no descriptor and no line of the journal",
          "[watch][cli]") {
  const auto* const given = std::getenv("IRQTUNE_WATCH_REBOOTS");  // NOLINT(concurrency-mt-unsafe)
  const int rounds = given != nullptr ? std::atoi(given) : 12;     // NOLINT(cert-err34-c)
  RebootingHost host;
  Watching watch(host);
  const auto places = placed(host);
  REQUIRE(watch.says("planned"));
  const auto id =
      Json::parse(on(host, {"history", "--json"}).out)["applies"][0]["id"].get<std::string>();
  const auto journal = [&] {
    return host.text(fmt::format("/var/lib/irqtune/journal/{}.jsonl", id)).size();
  };
  const auto reboot = [&] {
    host.reboot(host.device());
    REQUIRE(comes([&] { return host.masks() == places; }));
  };
  for (int i = 0; i < std::max(2, rounds / 10); ++i) {
    reboot();
  }
  const auto memory = resident(watch.pid());
  const auto open = descriptors(watch.pid());
  const auto size = journal();
  for (int i = 0; i < rounds; ++i) {
    reboot();
  }
#ifdef __SANITIZE_ADDRESS__
  constexpr long kGrowth = 64L * 1024;  // KiB; what is freed is kept for a while.
#else
  constexpr long kGrowth = 256;
#endif
  CHECK(resident(watch.pid()) <= memory + kGrowth);
  CHECK(comes([&] { return descriptors(watch.pid()) <= open; }));  // It may read just now.
  CHECK(journal() == size);
  CHECK(watch.end() == 0);
}

}  // namespace irqtune::test
