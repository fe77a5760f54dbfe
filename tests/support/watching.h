// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/hosts/captured_host.h"
#include "support/run_on.h"

#include <csignal>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace irqtune::test {

/// Waits for what is bound to come; the limit is no measure of speed.
[[nodiscard]] bool comes(const std::function<bool()>& what);

/// The captured host whose vectors are made anew at a test's word.
class RebootingHost : public CapturedHost {
 public:
  RebootingHost();

  [[nodiscard]] std::string mask(unsigned irq) const;
  void set_mask(unsigned irq, const std::string& mask);

  /// By IRQ, the masks of the vectors of `device`, or of all.
  [[nodiscard]] std::map<unsigned, std::string> masks(const std::string& device = {}) const;

  /// The guest that has the device reboots: its vectors are new, with the default mask.
  void reboot(const std::string& device);

  [[nodiscard]] const std::string& device() const { return vectors_.back().second; }

  [[nodiscard]] std::string other_device() const;

 private:
  void record();

  std::vector<std::pair<unsigned, std::string>> vectors_;
  std::map<std::string, unsigned> making_;
};

/// A watch that runs, as a process of its own that gets signals.
class Watching {
 public:
  explicit Watching(const FakeTree& host, Arguments options = {});
  Watching(const Watching&) = delete;
  Watching& operator=(const Watching&) = delete;
  Watching(Watching&&) = delete;
  Watching& operator=(Watching&&) = delete;
  ~Watching();

  [[nodiscard]] std::string log() const;
  [[nodiscard]] bool says(const std::string& text) const;
  void signal(int number) const;

  /// Its exit code once it has ended; -1 if a signal ended it.
  int wait();
  int end(int number = SIGTERM);

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

 private:
  [[noreturn]] void be_watch(const Arguments& arguments) const;

  std::filesystem::path log_;
  pid_t pid_ = -1;
};

/// The masks once every vector of the tree is in place.
[[nodiscard]] std::map<unsigned, std::string> placed(const RebootingHost& host);

}  // namespace irqtune::test
