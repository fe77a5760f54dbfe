// SPDX-License-Identifier: Apache-2.0
// A watch on a tree, as a process of its own that gets signals.
#include "irqtune/cli/cli.h"

#include "support/captured_host.h"
#include "support/catch.h"
#include "support/run_on.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace irqtune::test {

namespace {

using Catch::Contains;
using Json = nlohmann::json;

constexpr int kInitialMask = 15;

/// Waits for what is bound to come; the limit is no measure of speed.
bool comes(const std::function<bool()>& what) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (std::chrono::steady_clock::now() < end) {
    if (what()) {
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

/// The captured host whose vectors are made anew at a test's word.
class RebootingHost : public CapturedHost {
 public:
  RebootingHost() : CapturedHost("two-vms") {
    const auto plan = Json::parse(on(*this, {"plan", "--json"}).out);
    for (const auto& assignment : plan["assignments"]) {
      vectors_.emplace_back(assignment["irq"], assignment["vector"]["device"]);
    }
    record();
  }

  [[nodiscard]] std::string mask(unsigned irq) const {
    auto all = text(path(irq));
    return all.substr(0, all.find('\n'));
  }

  void set_mask(unsigned irq, const std::string& mask) { file(path(irq), mask + '\n'); }

  /// By IRQ, the masks of the vectors of `device`, or of all.
  [[nodiscard]] std::map<unsigned, std::string> masks(const std::string& device = {}) const {
    std::map<unsigned, std::string> masks;
    for (const auto& [irq, of] : vectors_) {
      if (device.empty() || of == device) {
        masks[irq] = mask(irq);
      }
    }
    return masks;
  }

  /// The guest that has the device reboots: its vectors are new, with the default mask.
  void reboot(const std::string& device) {
    ++making_[device];
    for (const auto& [irq, mask] : masks(device)) {
      set_mask(irq, fmt::format("0-{}", kInitialMask));
    }
    record();
  }

  [[nodiscard]] const std::string& device() const { return vectors_.back().second; }

  [[nodiscard]] std::string other_device() const {
    for (const auto& [irq, device] : vectors_) {
      if (device != vectors_.back().second) {
        return device;
      }
    }
    return {};
  }

 private:
  static std::string path(unsigned irq) {
    return fmt::format("/proc/irq/{}/smp_affinity_list", irq);
  }

  void record() {
    std::string text;
    for (const auto& [irq, device] : vectors_) {
      const auto making = 1000U * making_[device] + irq;
      text += fmt::format("/sys/bus/pci/devices/{}/msi_irqs/{} {}\n", device, irq, 29000 + making);
      text += fmt::format("/sys/kernel/irq/{} {}\n", irq, 19000 + making);
    }
    file(Sysfs::kInodes, text);
  }

  std::vector<std::pair<unsigned, std::string>> vectors_;
  std::map<std::string, unsigned> making_;
};

/// A watch that runs.
class Watching {
 public:
  Watching(const FakeTree& host, Arguments options = {}) : log_(host.root() / "watch.log") {
    Arguments arguments = {"irqtune", "--root", host.root().native(), "watch"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    pid_ = ::fork();
    if (pid_ == 0) {
      be_watch(arguments);
    }
  }

  Watching(const Watching&) = delete;
  Watching& operator=(const Watching&) = delete;
  Watching(Watching&&) = delete;
  Watching& operator=(Watching&&) = delete;

  ~Watching() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }

  [[nodiscard]] std::string log() const {
    std::string text;
    const int fd = ::open(log_.c_str(), O_RDONLY | O_CLOEXEC);
    std::array<char, 4096> buffer{};
    for (auto count = ::read(fd, buffer.data(), buffer.size()); count > 0;
         count = ::read(fd, buffer.data(), buffer.size())) {
      text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    ::close(fd);
    return text;
  }

  [[nodiscard]] bool says(const std::string& text) const {
    return comes([&] { return log().find(text) != std::string::npos; });
  }

  void signal(int number) const { ::kill(pid_, number); }

  /// Its exit code once it has ended; -1 if a signal ended it.
  int wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  int end(int number = SIGTERM) {
    signal(number);
    return wait();
  }

 private:
  [[noreturn]] void be_watch(const Arguments& arguments) const {
    const int fd = ::open(log_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ::dup2(fd, STDOUT_FILENO);
    ::dup2(fd, STDERR_FILENO);
    static_cast<void>(::signal(SIGTERM, SIG_DFL));
    static_cast<void>(::signal(SIGINT, SIG_DFL));
    std::vector<const char*> argv;
    for (const auto& argument : arguments) {
      argv.push_back(argument.c_str());
    }
    const auto code = run_cli(static_cast<int>(argv.size()), argv.data(), std::cout, std::cerr);
    std::cout.flush();
    std::cerr.flush();
    ::_exit(static_cast<int>(code));
  }

  std::filesystem::path log_;
  pid_t pid_ = -1;
};

/// The masks once every vector of the tree is in place.
std::map<unsigned, std::string> placed(const RebootingHost& host) {
  CHECK(comes([&] { return on(host, {"check"}).code == 0; }));
  return host.masks();
}

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
