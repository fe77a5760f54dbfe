// SPDX-License-Identifier: Apache-2.0
#include "support/watching.h"

#include "irqtune/cli/cli.h"

#include "support/catch.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <chrono>
#include <iostream>
#include <thread>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace irqtune::test {

namespace {

using Json = nlohmann::json;

constexpr int kInitialMask = 15;

std::string path_of(unsigned irq) {
  return fmt::format("/proc/irq/{}/smp_affinity_list", irq);
}

}  // namespace

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

RebootingHost::RebootingHost() : CapturedHost("two-vms") {
  const auto plan = Json::parse(on(*this, {"plan", "--json"}).out);
  for (const auto& assignment : plan["assignments"]) {
    vectors_.emplace_back(assignment["irq"], assignment["vector"]["device"]);
  }
  record();
}

std::string RebootingHost::mask(unsigned irq) const {
  auto all = text(path_of(irq));
  return all.substr(0, all.find('\n'));
}

void RebootingHost::set_mask(unsigned irq, const std::string& mask) {
  file(path_of(irq), mask + '\n');
}

std::map<unsigned, std::string> RebootingHost::masks(const std::string& device) const {
  std::map<unsigned, std::string> masks;
  for (const auto& [irq, of] : vectors_) {
    if (device.empty() || of == device) {
      masks[irq] = mask(irq);
    }
  }
  return masks;
}

void RebootingHost::reboot(const std::string& device) {
  ++making_[device];
  for (const auto& [irq, mask] : masks(device)) {
    set_mask(irq, fmt::format("0-{}", kInitialMask));
  }
  record();
}

std::string RebootingHost::other_device() const {
  for (const auto& [irq, device] : vectors_) {
    if (device != vectors_.back().second) {
      return device;
    }
  }
  return {};
}

void RebootingHost::record() {
  std::string text;
  for (const auto& [irq, device] : vectors_) {
    const auto making = 1000U * making_[device] + irq;
    text += fmt::format("/sys/bus/pci/devices/{}/msi_irqs/{} {}\n", device, irq, 29000 + making);
    text += fmt::format("/sys/kernel/irq/{} {}\n", irq, 19000 + making);
  }
  file(Sysfs::kInodes, text);
}

Watching::Watching(const FakeTree& host, Arguments options) : log_(host.root() / "watch.log") {
  Arguments arguments = {"irqtune", "--root", host.root().native(), "watch"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  pid_ = ::fork();
  if (pid_ == 0) {
    be_watch(arguments);
  }
}

Watching::~Watching() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
}

std::string Watching::log() const {
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

bool Watching::says(const std::string& text) const {
  return comes([&] { return log().find(text) != std::string::npos; });
}

void Watching::signal(int number) const {
  ::kill(pid_, number);
}

int Watching::wait() {
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int Watching::end(int number) {
  signal(number);
  return wait();
}

void Watching::be_watch(const Arguments& arguments) const {
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

std::map<unsigned, std::string> placed(const RebootingHost& host) {
  CHECK(comes([&] { return on(host, {"check"}).code == 0; }));
  return host.masks();
}

}  // namespace irqtune::test
