// SPDX-License-Identifier: Apache-2.0
#include "irqtune/watch/decide.h"

#include "support/catch.h"
#include "support/hosts/make_host.h"

namespace irqtune::test {

namespace {

VectorId vector(std::uint16_t index) {
  return {address(kNic), VectorKind::msix, index};
}

Place place_at(int cpu, std::uint64_t generation) {
  Place place;
  place.cpus = CpuSet{cpu};
  place.holder = Holder{"vm1", 100, 5};
  place.irq = IrqNumber{40};
  place.generation = generation;
  return place;
}

SeenVector seen_at(const CpuSet& mask, std::uint64_t generation) {
  return {vector(0), IrqNumber{40}, generation, mask};
}

/// A host of 8 CPUs; vm1 is pinned to 4-5 and has the NIC, whose vectors have the given masks.
Host host_of(const std::vector<std::string>& masks) {
  auto host = make_host({1, 8, 1, 1});
  add_device(host, kNic, NodeId{0});
  for (const auto& mask : masks) {
    add_vector(host, kNic, mask);
  }
  auto& vm = add_vm(host, "vm1", {"4", "5"}, {kNic});
  vm.pid = 100;
  std::uint64_t generation = 1000;
  for (auto& irq : host.irqs) {
    irq.generation = ++generation;
  }
  return host;
}

}  // namespace

TEST_CASE("watch: a vector where it is kept needs nothing", "[watch]") {
  const Places places = {{vector(0), place_at(2, 7)}};
  CHECK(decide(places, seen_at(CpuSet{2}, 7), true) == Act::nothing);
}

TEST_CASE("watch: a vector made anew goes to its place, one that lives was moved", "[watch]") {
  const Places places = {{vector(0), place_at(2, 7)}};
  CHECK(decide(places, seen_at(CpuSet{0, 1, 2}, 8), true) == Act::remade);
  CHECK(decide(places, seen_at(CpuSet{0, 1, 2}, 7), true) == Act::moved);
}

TEST_CASE("watch: a log line says how long a reaction took, where an event told of it", "[watch]") {
  CHECK(reaction_text(1'000'000, 4'140'000) == ", 3.1 ms after its event");
  CHECK(reaction_text(5'000, 5'000) == ", 0.0 ms after its event");
  CHECK(reaction_text({}, 4'000'000).empty());
  CHECK(reaction_text(4'000'001, 4'000'000).empty());
}

TEST_CASE("watch: another number is another making, whatever stands there", "[watch]") {
  const Places places = {{vector(0), place_at(2, 7)}};
  auto seen = seen_at(CpuSet{2}, 7);
  seen.irq = IrqNumber{41};
  CHECK(decide(places, seen, true) == Act::remade);
}

TEST_CASE("watch: without generations what is not in place was made anew", "[watch]") {
  auto place = place_at(2, 0);
  place.generation.reset();
  auto seen = seen_at(CpuSet{0, 1}, 0);
  seen.generation.reset();
  CHECK(decide({{vector(0), place}}, seen, true) == Act::remade);
  seen.mask = CpuSet{2};
  CHECK(decide({{vector(0), place}}, seen, true) == Act::nothing);
}

TEST_CASE("watch: no old place for a vector whose holder is gone or that is not known", "[watch]") {
  const Places places = {{vector(0), place_at(2, 7)}};
  CHECK(decide(places, seen_at(CpuSet{0, 1}, 8), false) == Act::unknown);
  CHECK(decide({}, seen_at(CpuSet{0, 1}, 8), true) == Act::unknown);
}

TEST_CASE("watch: a mask that cannot be read is no move", "[watch]") {
  auto seen = seen_at({}, 7);
  seen.mask.reset();
  CHECK(decide({{vector(0), place_at(2, 7)}}, seen, true) == Act::nothing);
}

TEST_CASE("watch: three moves in a minute let go, for longer each time", "[watch]") {
  Fights fights;
  WatchTime now{1'000'000};
  CHECK_FALSE(fights.moved(vector(0), now));
  CHECK_FALSE(fights.moved(vector(0), now + WatchTime(1000)));
  CHECK(fights.moved(vector(0), now + WatchTime(2000)));
  CHECK(fights.let_go().size() == 1);
  now += WatchTime(2000);
  for (const int minutes : {1, 2, 4, 8, 10, 10}) {
    const auto pause = std::chrono::duration_cast<WatchTime>(std::chrono::minutes(minutes));
    INFO(minutes);
    CHECK(fights.next() == now + pause);
    CHECK(fights.is_let_go(vector(0), now + pause - WatchTime(1)));
    CHECK(fights.due(now + pause - WatchTime(1)).empty());
    CHECK(fights.due(now + pause) == std::vector{vector(0)});
    CHECK(fights.let_go().empty());
    now += pause + WatchTime(10);
    CHECK(fights.moved(vector(0), now));  // Whoever it is still is at it.
  }
}

TEST_CASE("watch: moves that are far apart are no fight, and a quiet minute ends one", "[watch]") {
  Fights fights;
  for (int i = 0; i < 10; ++i) {
    CHECK_FALSE(fights.moved(vector(0), WatchTime(i * 40'000)));
  }
  Fights ended;
  for (int i = 0; i < 3; ++i) {
    static_cast<void>(ended.moved(vector(0), WatchTime(i)));
  }
  CHECK(ended.due(WatchTime(60'002)).size() == 1);
  CHECK(ended.due(WatchTime(200'000)).empty());
  CHECK_FALSE(ended.moved(vector(0), WatchTime(200'001)));
}

TEST_CASE("watch: a fight for one vector is no other's, and ends with its place", "[watch]") {
  Fights fights;
  for (int i = 0; i < 3; ++i) {
    static_cast<void>(fights.moved(vector(0), WatchTime(i)));
  }
  CHECK_FALSE(fights.is_let_go(vector(1), WatchTime(3)));
  fights.keep_only({});
  CHECK(fights.let_go().empty());
}

TEST_CASE("watch: the first look plans, and a second has nothing to do", "[watch]") {
  auto host = host_of({"0-7", "0-7", "0-7"});
  const auto first = replan(host, {}, {}, true);
  CHECK(first.places.size() == 3);
  CHECK(first.writes.size() == 3);
  for (const auto& [key, place] : first.places) {
    CHECK(place.cpus.size() == 1);
    CHECK_FALSE(place.cpus.intersects(CpuSet{4, 5}));
    CHECK(place.holder->vm == "vm1");
  }
  for (auto& irq : host.irqs) {
    irq.affinity = first.places.at(*irq.vector).cpus;
    irq.effective = irq.affinity;
  }
  CHECK(replan(host, {}, first.places, false).writes.empty());
  CHECK(replan(host, {}, first.places, true).writes.empty());
}

TEST_CASE("watch: what was made anew returns to its place, and nothing else moves", "[watch]") {
  const auto planned = replan(host_of({"0-7", "0-7", "0-7"}), {}, {}, true);
  auto host = host_of({"0-7", "0-7", "0-7"});
  host.irqs[0].affinity = planned.places.at(*host.irqs[0].vector).cpus;
  host.irqs[0].effective = host.irqs[0].affinity;
  host.irqs[1].generation = 5000;
  host.irqs[2].generation = 5001;
  const auto again = replan(host, {}, planned.places, false);
  REQUIRE(again.writes.size() == 2);
  for (const auto& write : again.writes) {
    CHECK(write.after == planned.places.at(*write.identity->vector).cpus);
  }
}

TEST_CASE("watch: no old place for another VM, another policy or a CPU that a VM got", "[watch]") {
  auto places = replan(host_of({"0-7"}), {}, {}, true).places;
  auto& place = places.begin()->second;
  const auto host = host_of({"0-7"});
  place.cpus = CpuSet{7};

  SECTION("the same VM has it") {
    CHECK(replan(host, {}, places, false).writes.at(0).after == CpuSet{7});
  }
  SECTION("another VM had it") {
    place.holder->vm = "vm2";
    CHECK(replan(host, {}, places, false).writes.at(0).after != CpuSet{7});
  }
  SECTION("under another policy") {
    place.policy = VmPolicy::colocate;
    CHECK(replan(host, {}, places, false).writes.at(0).after != CpuSet{7});
  }
  SECTION("the CPU is protected by now") {
    place.cpus = CpuSet{4};
    CHECK_FALSE(replan(host, {}, places, false).writes.at(0).after.intersects(CpuSet{4, 5}));
  }
  SECTION("a journal does not say who had it") {
    place.holder.reset();
    CHECK(replan(host, {}, places, false).writes.at(0).after == CpuSet{7});
  }
}

TEST_CASE("watch: places outlive their vectors as long as the device is passed through",
          "[watch]") {
  auto host = host_of({"0-7", "0-7"});
  const auto places = replan(host, {}, {}, true).places;
  host.irqs.clear();
  const auto without = replan(host, {}, places, false).places;
  CHECK(without.size() == 2);
  CHECK_FALSE(without.begin()->second.there);
  host.devices.front().passthrough = false;
  CHECK(replan(host, {}, places, false).places.empty());
}

TEST_CASE("watch: a CPU that stays busy for a minute is told, at most each ten minutes",
          "[watch]") {
  using std::chrono::seconds;
  LoadAlarm alarm;
  const std::map<int, double> busy = {{2, 95.0}, {3, 10.0}};
  const std::map<int, double> calm = {{2, 20.0}, {3, 10.0}};
  CHECK_FALSE(alarm.note(busy, 80, seconds(0)));
  CHECK_FALSE(alarm.note(busy, 80, seconds(55)));
  SECTION("a calm moment starts it anew") {
    CHECK_FALSE(alarm.note(calm, 80, seconds(58)));
    CHECK_FALSE(alarm.note(busy, 80, seconds(61)));
    CHECK_FALSE(alarm.note(busy, 80, seconds(115)));
    CHECK(alarm.note(busy, 80, seconds(121)) == 2);
  }
  SECTION("once") {
    CHECK(alarm.note(busy, 80, seconds(60)) == 2);
    CHECK_FALSE(alarm.note(busy, 80, seconds(65)));
    CHECK_FALSE(alarm.note(busy, 80, seconds(200)));
    CHECK(alarm.note(busy, 80, seconds(661)) == 2);
  }
  SECTION("at the threshold is not above it") {
    CHECK_FALSE(alarm.note({{2, 80.0}}, 80, seconds(60)));
  }
}

}  // namespace irqtune::test
