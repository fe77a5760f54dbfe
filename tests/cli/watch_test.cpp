// SPDX-License-Identifier: Apache-2.0
// A watch on a tree, as a process of its own that gets signals.
#include "support/catch.h"
#include "support/run_on.h"
#include "support/watching.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <csignal>
#include <map>
#include <string>

namespace irqtune::test {

namespace {

using Catch::Contains;
using Json = nlohmann::json;

std::string file_of(const FakeTree& host, const std::string& path) {
  return host.text(path).substr(0, host.text(path).find('\n'));
}

}  // namespace

TEST_CASE("watch: places at the start, and each reboot back to the same place", "[watch][cli]") {
  RebootingHost host;
  Watching watch(host);
  const auto places = placed(host);
  for (int i = 0; i < 3; ++i) {
    host.reboot(host.device());
    CHECK(comes([&] { return host.masks() == places; }));
  }
  CHECK_THAT(watch.log(), !Contains("another program"));
  CHECK(watch.end() == 0);
  CHECK(host.masks() == places);
  CHECK(on(host, {"check"}).code == 0);
}

TEST_CASE("watch: one journal a run, and reboots do not make it grow", "[watch][cli]") {
  RebootingHost host;
  Watching watch(host);
  const auto places = placed(host);
  const auto before = Json::parse(on(host, {"history", "--json"}).out)["applies"];
  REQUIRE(before.size() == 1);
  const auto path =
      fmt::format("/var/lib/irqtune/journal/{}.jsonl", before[0]["id"].get<std::string>());
  REQUIRE(watch.says("planned"));
  const auto size = [&] { return host.text(path).size(); };
  REQUIRE(comes([&] { return host.text(path).find("committed") != std::string::npos; }));
  const auto at_first = size();
  for (int i = 0; i < 3; ++i) {
    host.reboot(host.device());
    CHECK(comes([&] { return host.masks() == places; }));
  }
  CHECK(size() == at_first);
  CHECK(watch.end() == 0);
  CHECK(Json::parse(on(host, {"history", "--json"}).out)["applies"].size() == 1);
}

TEST_CASE("watch: rollback afterwards puts back what stood there first", "[watch][cli]") {
  RebootingHost host;
  const auto before = host.masks();
  Watching watch(host);
  const auto places = placed(host);
  host.reboot(host.device());
  CHECK(comes([&] { return host.masks() == places; }));
  CHECK(watch.end() == 0);
  CHECK(on(host, {"rollback"}).code == 0);
  CHECK(host.masks() == before);
}

TEST_CASE("watch: after kill -9 the next one takes over, or rollback restores", "[watch][cli]") {
  RebootingHost host;
  const auto before = host.masks();
  std::map<unsigned, std::string> places;
  {
    Watching watch(host);
    places = placed(host);
    REQUIRE(watch.says("planned"));
    CHECK(watch.end(SIGKILL) == -1);
  }
  SECTION("rollback") {
    host.reboot(host.device());  // Its masks are gone with the old vectors.
    CHECK(on(host, {"rollback"}).code == 0);
    for (const auto& [irq, mask] : host.masks(host.other_device())) {
      CHECK(mask == before.at(irq));
    }
  }
  SECTION("the next watch") {
    host.reboot(host.device());
    Watching next(host);
    CHECK(comes([&] { return host.masks() == places; }));
    CHECK(next.says("takes over"));
    CHECK(next.end() == 0);
    CHECK(Json::parse(on(host, {"history", "--json"}).out)["applies"].size() == 1);
    CHECK(on(host, {"rollback"}).code == 0);
    CHECK(host.masks() == before);
  }
}

TEST_CASE("watch: --restore puts everything back at the end", "[watch][cli]") {
  RebootingHost host;
  const auto before = host.masks();
  Watching watch(host, {"--restore"});
  static_cast<void>(placed(host));
  REQUIRE(watch.says("planned"));
  CHECK(watch.end() == 0);
  CHECK(host.masks() == before);
}

TEST_CASE("watch: the default affinity is put back at the end, unless it is to stay",
          "[watch][cli]") {
  const std::string path = "/proc/irq/default_smp_affinity";
  RebootingHost host;
  const auto before = file_of(host, path);
  const bool keep = GENERATE(false, true);
  Watching watch(
      host,
      keep ? Arguments{"--default-affinity", "--keep-default"} : Arguments{"--default-affinity"});
  CHECK(comes([&] { return file_of(host, path) != before; }));
  REQUIRE(watch.says("planned"));
  CHECK(watch.end(SIGINT) == 0);
  CHECK((file_of(host, path) == before) == !keep);
}

TEST_CASE("watch: a second one is busy, and so is rollback", "[watch][cli]") {
  RebootingHost host;
  Watching watch(host);
  REQUIRE(watch.says("planned"));
  CHECK(on(host, {"watch"}).code == 5);
  CHECK(on(host, {"rollback"}).code == 5);
  CHECK(watch.end() == 0);
}

TEST_CASE("watch: another program's moves are put right, three in a minute let go",
          "[watch][cli]") {
  RebootingHost host;
  Watching watch(host);
  const auto places = placed(host);
  const auto irq = places.begin()->first;
  for (int i = 0; i < 2; ++i) {
    host.set_mask(irq, "0-15");
    CHECK(comes([&] { return host.mask(irq) == places.at(irq); }));
  }
  host.set_mask(irq, "0-15");
  CHECK(watch.says("let go"));
  CHECK(host.mask(irq) == "0-15");
  const auto other = places.rbegin()->first;
  host.set_mask(other, "0-15");
  CHECK(comes([&] { return host.mask(other) == places.at(other); }));
  CHECK(host.mask(irq) == "0-15");
  CHECK(watch.end() == 0);
}

TEST_CASE("watch: SIGHUP reads the configuration anew; a wrong one is told, the old one stays",
          "[watch][cli]") {
  RebootingHost host;
  host.file("/etc/irqtune/irqtune.toml", "[watch]\nsettle = 10\n");
  Watching watch(host);
  const auto places = placed(host);
  host.file("/etc/irqtune/irqtune.toml", "[watch]\nno-such-option = 1\n");
  watch.signal(SIGHUP);
  CHECK(watch.says("the configuration of before stays"));
  host.reboot(host.device());
  CHECK(comes([&] { return host.masks() == places; }));

  const auto cpu = places.begin()->second;
  host.file("/etc/irqtune/irqtune.toml", fmt::format("[watch]\navoid = \"{}\"\n", cpu));
  watch.signal(SIGHUP);
  CHECK(watch.says("configuration read anew"));
  CHECK(comes([&] { return host.mask(places.begin()->first) != cpu; }));
  CHECK(watch.end() == 0);
}

TEST_CASE("watch: SIGUSR1 plans now", "[watch][cli]") {
  RebootingHost host;
  Watching watch(host);
  const auto places = placed(host);
  REQUIRE(watch.says("planned"));
  watch.signal(SIGUSR1);
  host.reboot(host.other_device());
  CHECK(comes([&] { return host.masks() == places; }));
  CHECK(watch.end() == 0);
}

TEST_CASE("watch: a bad option or configuration at the start ends it with 2", "[watch][cli]") {
  RebootingHost host;
  CHECK(on(host, {"watch", "--policy", "nonsense"}).code == 2);
  host.file("/etc/irqtune/irqtune.toml", "[watch]\nno-such-option = 1\n");
  CHECK(on(host, {"watch"}).code == 2);
  CHECK(on_file("two-vms", {"watch"}).code == 2);
}

TEST_CASE("watch: a VM that does not run yet is no error", "[watch][cli]") {
  RebootingHost host;
  Watching watch(host, {"--vm", "later"});
  CHECK(watch.says("later"));
  CHECK(watch.end() == 0);
}

}  // namespace irqtune::test
