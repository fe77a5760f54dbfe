// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "irqtune/apply/apply.h"

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "crash/cases.h"
#include "crash/trace.h"

namespace irqtune::test {

/// Path -> text.
using Image = std::map<std::string, std::string>;

/// A captured host in a temporary directory, on which the real program is run and disturbed.
class Harness {
 public:
  /// Unpacks the capture. Throws std::runtime_error if it cannot.
  Harness(std::string program, const std::filesystem::path& capture);

  Harness(const Harness&) = delete;
  Harness& operator=(const Harness&) = delete;
  Harness(Harness&&) = delete;
  Harness& operator=(Harness&&) = delete;
  ~Harness();

  /// Every call of an undisturbed run, in order. Leaves the tree as it was.
  std::vector<Call> calls_of(const std::string& what);

  /// Every call of a watch from the moment that a guest has rebooted to its end in good order: the
  /// reaction, which is disturbed by run_reaction(). Leaves the tree as it was.
  std::vector<Call> calls_of_reaction();

  /// Disturbs a watch in its reaction, then starts the next one (`next`) or rolls back; what is
  /// wrong with what that left, empty if nothing is. The index of the fault counts from the reboot.
  [[nodiscard]] std::string run_reaction(const Fault& fault, bool next) const;

  /// Runs one case and rolls back; what is wrong with what it left, empty if nothing is.
  [[nodiscard]] std::string run(const Case& one) const;

  /// Applies and rollbacks, half of each, all at once; what is wrong with it, empty if nothing is.
  std::string crowd(int size);

  /// True if no file of the capture has changed, once all is done.
  [[nodiscard]] bool is_whole() const;

  /// How often each exit code came in a crowd.
  [[nodiscard]] const std::map<int, int>& codes() const { return codes_; }

 private:
  [[nodiscard]] std::filesystem::path tree() const { return base_ / "tree"; }

  [[nodiscard]] std::vector<std::string> command(const std::string& what) const;
  [[nodiscard]] Session session() const;
  /// A watch: every guest reboots once it waits for the first time, `decide` is shown the calls
  /// from there on, counted from 0, and some waits later SIGTERM ends it.
  RunResult run_watch(const std::function<Action(const Call&)>& decide) const;
  void reboot_guests() const;
  void start_afresh(const std::string& what) const;
  void restore_by_hand() const;
  [[nodiscard]] std::string judge(const Fault& fault,
                                  const RunResult& result,
                                  const Image& found) const;
  [[nodiscard]] std::string roll_back() const;

  std::string program_;
  std::filesystem::path base_;
  Image before_;
  Image after_;
  Image kept_;  ///< As a watch keeps it.
  Image whole_;
  std::map<int, int> codes_;
};

}  // namespace irqtune::test
