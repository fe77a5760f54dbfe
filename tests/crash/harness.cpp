// SPDX-License-Identifier: Apache-2.0
#include "crash/harness.h"

#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include <sys/syscall.h>

namespace irqtune::test {

namespace {

namespace fs = std::filesystem;

std::string read_all(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Every file below `dir`.
Image image_of(const fs::path& dir) {
  Image image;
  for (const auto& entry : fs::recursive_directory_iterator(dir)) {
    if (entry.is_regular_file() && !entry.is_symlink()) {
      image[entry.path().native()] = read_all(entry.path());
    }
  }
  return image;
}

/// Every mask that a program could set: what is compared after each case.
Image masks_of(const fs::path& tree) {
  Image image;
  for (const auto& entry : fs::directory_iterator(tree / "proc/irq")) {
    const auto path = entry.is_directory() ? entry.path() / "smp_affinity_list" : entry.path();
    image[path.native()] = read_all(path);
  }
  return image;
}

/// The plan that every case applies: each vfio vector of the capture to CPU 0, 1, 8 or 9, and the
/// default mask to 0-1.
std::string plan_text(const fs::path& tree) {
  std::string assignments;
  unsigned count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(tree / "proc/irq")) {
    const auto vector = parse_vfio_action(entry.path().filename().native());
    if (!vector) {
      continue;
    }
    constexpr std::array kTargets = {0, 1, 8, 9};
    assignments += fmt::format(
        R"({}{{"irq":{},"vector":{{"device":"{}","kind":"{}","index":{}}},"change":true,"to":"{}"}})",
        assignments.empty() ? "" : ",",
        entry.path().parent_path().filename().native(),
        vector->device.to_string(),
        kind_text(vector->kind),
        vector->index,
        kTargets[count++ % kTargets.size()]);
  }
  return fmt::format(
      R"({{"schema":"irqtune.plan/1","assignments":[{}],"default_affinity":{{"to":"0-1"}}}})",
      assignments);
}

/// The first mask that differs, and how; empty if none does. Newlines at the end do not count: a
/// write of a shorter text that is killed before it cuts the file leaves some, and the next run
/// has nothing to change. (The kernel's files have no such end; a rollback restores it, too.)
std::string difference(const Image& now, const Image& expected) {
  for (const auto& [path, text] : expected) {
    const auto& found = now.at(path);
    if (trimmed(found) != trimmed(text)) {
      return fmt::format(" {} is '{}', not '{}';", path, printable(found), printable(text));
    }
  }
  return {};
}

/// Disturbs a run at the calls that `fault` names.
RunResult run_disturbed(const std::vector<std::string>& command, const Fault& fault) {
  std::uint64_t changing = 0;
  return run_traced(command, [&](const Call& call) {
    if (fault.ordinal && !changes_something(call)) {
      return Action{};
    }
    const auto place = fault.ordinal ? changing++ : call.index;
    const bool now =
        place == fault.at || (fault.sticky && place > fault.at && call.number == fault.number);
    return now ? fault.action : Action{};
  });
}

}  // namespace

Harness::Harness(std::string program, const fs::path& capture) : program_(std::move(program)) {
  std::string name = (fs::temp_directory_path() / "irqtune-crash.XXXXXX").native();
  if (::mkdtemp(name.data()) == nullptr) {
    throw std::runtime_error("mkdtemp");
  }
  base_ = name;
  fs::create_directories(tree() / "var");
  const auto unpacked = run_plain({"/bin/tar", "-xzf", capture.native(), "-C", tree().native()});
  if (unpacked.exit_code != 0) {
    throw std::runtime_error("cannot unpack " + capture.native() + ": " + unpacked.output);
  }
  std::ofstream(base_ / "plan.json") << plan_text(tree());
  before_ = masks_of(tree());
  whole_ = image_of(tree());
}

Harness::~Harness() {
  std::error_code ignored;
  fs::remove_all(base_, ignored);
}

std::vector<std::string> Harness::command(const std::string& what) const {
  std::vector<std::string> command{program_, "--root", tree().native(), what};
  if (what == "apply") {
    command.insert(command.end(), {(base_ / "plan.json").native(), "--force"});  // Has no digest.
  }
  return command;
}

Session Harness::session() const {
  Session session;
  session.root = fs::weakly_canonical(tree()).native();
  session.state_dir = fs::path(session.root) / "var/lib/irqtune";
  return session;
}

std::vector<Call> Harness::calls_of(const std::string& what) {
  start_afresh(what);
  std::vector<Call> calls;
  const auto result = run_traced(command(what), [&](const Call& call) {
    calls.push_back(call);
    return Action{};
  });
  if (result.exit_code != 0) {
    throw std::runtime_error(what + " fails undisturbed: " + result.output);
  }
  after_ = what == "apply" ? masks_of(tree()) : after_;
  static_cast<void>(run_plain(command("rollback")));
  if (masks_of(tree()) != before_) {
    throw std::runtime_error("an undisturbed apply and rollback do not restore the tree");
  }
  return calls;
}

/// The kernel makes every vector anew, with the mask of before.
void Harness::reboot_guests() const {
  for (const auto& [path, text] : before_) {
    if (path.ends_with("smp_affinity_list")) {
      std::ofstream(path, std::ios::binary) << text;
    }
  }
}

RunResult Harness::run_watch(const std::function<Action(const Call&)>& decide) const {
  constexpr int kWaits =
      3;  // In the first after the reboot it is seen, at the latest in the second.
  int waits = 0;
  std::uint64_t first = 0;
  return run_traced(command("watch"), [&](const Call& call) {
    const bool wait = call.number == SYS_epoll_wait || call.number == SYS_epoll_pwait;
    waits += wait ? 1 : 0;
    if (waits == 0) {
      return Action{};
    }
    if (first == 0) {
      reboot_guests();
      first = call.index;
    }
    auto from_reboot = call;
    from_reboot.index -= first;
    const auto action = decide(from_reboot);
    const bool ends = wait && waits >= kWaits && action.kind == Action::Kind::go_on;
    return ends ? Action{Action::Kind::interrupt, 0} : action;
  });
}

std::vector<Call> Harness::calls_of_reaction() {
  start_afresh("watch");
  std::vector<Call> calls;
  const auto result = run_watch([&](const Call& call) {
    calls.push_back(call);
    return Action{};
  });
  if (result.exit_code != 0) {
    throw std::runtime_error("watch fails undisturbed: " + result.output);
  }
  kept_ = masks_of(tree());
  if (kept_ == before_) {
    throw std::runtime_error("an undisturbed watch does not react: " + result.output);
  }
  const auto wrong = roll_back();
  if (!wrong.empty()) {
    throw std::runtime_error("after an undisturbed watch:" + wrong);
  }
  return calls;
}

std::string Harness::run_reaction(const Fault& fault, bool next) const {
  start_afresh("watch");
  const auto result = run_watch([&](const Call& call) {
    const bool now = call.index == fault.at ||
                     (fault.sticky && call.index > fault.at && call.number == fault.number);
    return now ? fault.action : Action{};
  });
  std::string wrong;
  if (result.exit_code && *result.exit_code != 0) {
    wrong += fmt::format(" exit code {};", *result.exit_code);
  }
  if (next) {
    const auto after = run_watch([](const Call&) { return Action{}; });
    // Of what was not placed before, another place may be as good.
    const auto check = run_plain(command("check"));
    wrong += after.exit_code != 0 ? " the next watch fails: " + after.output : "";
    wrong +=
        check.exit_code != 0 ? " the next watch did not put all in place: " + check.output : "";
  }
  wrong += roll_back();
  return wrong.empty() ? wrong : wrong + "\n  output: " + result.output;
}

std::string Harness::run(const Case& one) const {
  start_afresh(one.faults.front().command);
  std::string wrong;
  std::string output;
  for (const auto& fault : one.faults) {
    const auto found = masks_of(tree());
    const auto result = run_disturbed(command(fault.command), fault);
    wrong += judge(fault, result, found);
    output += result.output;
  }
  wrong += roll_back();
  return wrong.empty() ? wrong : wrong + "\n  output: " + output;
}

/// Rolls everything back; what is wrong with it.
std::string Harness::roll_back() const {
  std::string wrong;
  auto all = command("rollback");
  all.emplace_back("--all");
  const auto rollback = run_plain(all);
  if (rollback.exit_code != 0) {
    wrong = fmt::format(" rollback exits {}: {}", rollback.exit_code.value_or(-1), rollback.output);
  }
  if (masks_of(tree()) != before_) {
    wrong += " rollback did not restore the tree;";
    restore_by_hand();
  }
  for (const auto& entry : history(session())) {
    if (!entry.problem.empty() || entry.state != JournalState::rolled_back) {
      wrong += fmt::format(
          " after rollback the journal is {} {};", journal_state_text(entry.state), entry.problem);
    }
  }
  return wrong;
}

std::string Harness::crowd(int size) {
  start_afresh("apply");
  std::vector<int> pids;
  for (int i = 0; i < size; ++i) {
    auto command = this->command(i % 2 == 0 ? "apply" : "rollback");
    if (i % 4 >= 2) {
      command.emplace_back("--wait-lock=30");
    }
    pids.push_back(start(command));
  }
  std::string wrong;
  for (const int pid : pids) {
    const int code = wait_for(pid).value_or(-1);
    ++codes_[code];
    if (code != 0 && code != 1 && code != 5) {
      wrong += fmt::format(" exit code {};", code);
    }
  }
  const auto now = masks_of(tree());
  if (now != before_ && now != after_) {
    wrong += " neither as before nor as planned;";
  }
  return wrong + roll_back();
}

bool Harness::is_whole() const {
  fs::remove_all(tree() / "var/lib");
  fs::remove(tree() / "run/irqtune.lock");
  return image_of(tree()) == whole_;
}

/// No journal, masks as captured; for a rollback, an apply that is done.
void Harness::start_afresh(const std::string& what) const {
  fs::remove_all(tree() / "var/lib");
  if (what == "rollback") {
    const auto result = run_plain(command("apply"));
    if (result.exit_code != 0) {
      throw std::runtime_error("apply: " + result.output);
    }
  }
}

void Harness::restore_by_hand() const {
  for (const auto& [path, text] : before_) {
    std::ofstream(path, std::ios::binary) << text;
  }
}

/// The exit code and the journals against what the tree says; `found` is what the run found there.
std::string Harness::judge(const Fault& fault, const RunResult& result, const Image& found) const {
  const auto now = masks_of(tree());
  const auto entries = history(session());
  const bool owed = std::ranges::any_of(entries, [](const HistoryEntry& entry) {
    return entry.state != JournalState::rolled_back && entry.problem.empty();
  });
  std::string wrong;
  if (now != before_ && !owed) {
    wrong += " masks differ, but no journal owes a rollback;";
  }
  if (!result.exit_code) {
    return wrong;  // Killed: it could not promise anything.
  }
  const bool apply = fault.command == "apply";
  const auto missing = difference(now, apply ? after_ : before_);
  if (*result.exit_code == 0 && !missing.empty()) {
    wrong += " exit code 0, but not done:" + missing;
  }
  if (*result.exit_code == 1 && apply && now != found) {
    wrong += " exit code 1, but not as before;";
  }
  if (*result.exit_code != 0 && *result.exit_code != 1 && *result.exit_code != 4) {
    wrong += fmt::format(" exit code {};", *result.exit_code);
  }
  return wrong;
}

}  // namespace irqtune::test
