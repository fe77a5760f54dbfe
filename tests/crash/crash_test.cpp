// SPDX-License-Identifier: Apache-2.0

// Kills and starves the real program at its system calls, and looks at what is left. The program
// runs on a captured host below --root; after every case `irqtune rollback` must bring each file
// back to the byte, and the journal must tell the truth.
//
//   irqtune_crash PROGRAM CAPTURE.tar.gz [--cases N] [--seed N]
//
// Exit code 77 (skipped, to CTest) where a process may not be traced.

#include "irqtune/apply/apply.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "crash/trace.h"

namespace irqtune::test {

namespace {

namespace fs = std::filesystem;
using Kind = Action::Kind;

constexpr int kSkipped = 77;

std::string read_all(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Path -> text.
using Image = std::map<std::string, std::string>;

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
  for (const auto& irq : fs::directory_iterator(tree / "proc/irq")) {
    if (!irq.is_directory()) {
      continue;
    }
    for (const auto& entry : fs::directory_iterator(irq.path())) {
      const auto vector = parse_vfio_action(entry.path().filename().native());
      if (!vector) {
        continue;
      }
      constexpr std::array kTargets = {0, 1, 8, 9};
      assignments += fmt::format(
          R"({}{{"irq":{},"vector":{{"device":"{}","kind":"{}","index":{}}},"change":true,"to":"{}"}})",
          assignments.empty() ? "" : ",",
          irq.path().filename().native(),
          vector->device.to_string(),
          kind_text(vector->kind),
          vector->index,
          kTargets[count++ % kTargets.size()]);
    }
  }
  return fmt::format(
      R"({{"schema":"irqtune.plan/1","assignments":[{}],"default_affinity":{{"to":"0-1"}}}})",
      assignments);
}

/// A system call that can change something, by which the cases are chosen.
bool changes_something(const Call& call) {
  static const std::set<std::uint64_t> kNumbers = {
      SYS_write,
      SYS_pwrite64,
      SYS_fsync,
      SYS_ftruncate,
      SYS_mkdirat,
      SYS_flock,
      SYS_unlinkat,
      SYS_renameat,
      SYS_renameat2,
      SYS_fdatasync,
  };
  const bool creates = call.number == SYS_openat && (call.args[2] & O_CREAT) != 0;
  return creates || kNumbers.contains(call.number);
}

/// True if the journal is on disk (file, its name, its directory) before the first mask is written:
/// what a loss of power, unlike SIGKILL, would tell.
bool journal_goes_first(const std::vector<Call>& calls) {
  const auto is = [](std::uint64_t number) {
    return [number](const Call& call) { return call.number == number; };
  };
  const auto name = std::ranges::find_if(calls, is(SYS_renameat));
  const auto folder = std::find_if(name, calls.end(), is(SYS_fsync));
  const bool file = std::find_if(calls.begin(), name, is(SYS_fsync)) != name;
  // One such call is the lock's, for its PID; the next would be a mask.
  const auto masks = std::count_if(calls.begin(), folder, is(SYS_pwrite64));
  return file && folder != calls.end() && masks <= 1;
}

/// What is done to a run, at which of its calls.
struct Case {
  std::string command;  ///< "apply" or "rollback"
  std::uint64_t at = 0;
  Action action;
  bool sticky = false;  ///< Also at every later call of that number: the disk stays full.
  std::uint64_t number = 0;

  [[nodiscard]] std::string text() const {
    static const std::map<Kind, std::string_view> kNames = {{Kind::kill_before, "kill before"},
                                                            {Kind::kill_after, "kill after"},
                                                            {Kind::fail, "fail"},
                                                            {Kind::cut, "cut short"},
                                                            {Kind::interrupt, "SIGTERM in"},
                                                            {Kind::go_on, "nothing at"}};
    return fmt::format("{}: {} call {} (system call {}), error {}{}",
                       command,
                       kNames.at(action.kind),
                       at,
                       number,
                       action.error,
                       sticky ? ", from there on" : "");
  }
};

class Harness {
 public:
  Harness(std::string program, const fs::path& capture) : program_(std::move(program)) {
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

  Harness(const Harness&) = delete;
  Harness& operator=(const Harness&) = delete;
  Harness(Harness&&) = delete;
  Harness& operator=(Harness&&) = delete;

  ~Harness() {
    std::error_code ignored;
    fs::remove_all(base_, ignored);
  }

  [[nodiscard]] fs::path tree() const { return base_ / "tree"; }

  [[nodiscard]] std::vector<std::string> command(const std::string& what) const {
    std::vector<std::string> command{program_, "--root", tree().native(), what};
    if (what == "apply") {
      command.push_back((base_ / "plan.json").native());
    }
    return command;
  }

  [[nodiscard]] Session session() const {
    Session session;
    session.root = fs::weakly_canonical(tree()).native();
    session.state_dir = fs::path(session.root) / "var/lib/irqtune";
    return session;
  }

  /// Every call of an undisturbed run, in order. Leaves the tree as it was.
  std::vector<Call> calls_of(const std::string& what) {
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

  /// Runs one case; what is wrong with what it left, empty if nothing is.
  std::string run(const Case& one) {
    start_afresh(one.command);
    const auto result = run_traced(command(one.command), [&](const Call& call) {
      const bool now =
          call.index == one.at || (one.sticky && call.index > one.at && call.number == one.number);
      return now ? one.action : Action{};
    });
    auto wrong = judge(one, result);
    const auto rollback = run_plain(command("rollback"));
    if (rollback.exit_code != 0) {
      wrong +=
          fmt::format(" rollback exits {}: {}", rollback.exit_code.value_or(-1), rollback.output);
    }
    if (masks_of(tree()) != before_) {
      wrong += " rollback did not restore the tree;";
      restore_by_hand();
    }
    for (const auto& entry : history(session())) {
      if (!entry.problem.empty() || entry.state != JournalState::rolled_back) {
        wrong += fmt::format(" after rollback the journal is {} {};",
                             journal_state_text(entry.state),
                             entry.problem);
      }
    }
    return wrong.empty() ? wrong : wrong + "\n  output: " + result.output;
  }

  /// Fifty at once, of both kinds; what is wrong with it, empty if nothing is.
  std::string crowd(int size) {
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
    static_cast<void>(run_plain({program_, "--root", tree().native(), "rollback", "--all"}));
    if (masks_of(tree()) != before_) {
      wrong += " rollback --all did not restore the tree;";
      restore_by_hand();
    }
    return wrong;
  }

  /// True if no file of the capture has changed, once all is done.
  [[nodiscard]] bool is_whole() const {
    fs::remove_all(tree() / "var/lib");
    return image_of(tree()) == whole_;
  }

  [[nodiscard]] const std::map<int, int>& codes() const { return codes_; }

 private:
  /// No journal, masks as captured; for a rollback, an apply that is done.
  void start_afresh(const std::string& what) const {
    fs::remove_all(tree() / "var/lib");
    if (what == "rollback") {
      const auto result = run_plain(command("apply"));
      if (result.exit_code != 0) {
        throw std::runtime_error("apply: " + result.output);
      }
    }
  }

  void restore_by_hand() const {
    for (const auto& [path, text] : before_) {
      std::ofstream(path, std::ios::binary) << text;
    }
  }

  /// The exit code and the journal against what the tree says.
  [[nodiscard]] std::string judge(const Case& one, const RunResult& result) const {
    const auto now = masks_of(tree());
    const bool touched = now != before_;
    std::string wrong;
    const auto entries = history(session());
    const bool owed = !entries.empty() && entries.front().state != JournalState::rolled_back;
    if (touched && (!owed || !entries.front().problem.empty())) {
      wrong += " masks differ, but no journal owes a rollback;";
    }
    if (!result.exit_code) {
      return wrong;  // Killed: it could not promise anything.
    }
    const bool apply = one.command == "apply";
    const auto& done = apply ? after_ : before_;
    if (*result.exit_code == 0 && now != done) {
      wrong += " exit code 0, but not done;";
    }
    if (*result.exit_code == 1 && apply && touched) {
      wrong += " exit code 1, but not as before;";
    }
    if (*result.exit_code != 0 && *result.exit_code != 1 && *result.exit_code != 4) {
      wrong += fmt::format(" exit code {};", *result.exit_code);
    }
    return wrong;
  }

  std::string program_;
  fs::path base_;
  Image before_;
  Image after_;
  Image whole_;
  std::map<int, int> codes_;
};

/// All cases there are for the calls of one command.
std::vector<Case> cases_for(const std::string& command, const std::vector<Call>& calls) {
  std::vector<Case> cases;
  for (const auto& call : calls) {
    const auto add = [&](Kind kind, int error, bool sticky) {
      cases.push_back({command, call.index, {kind, error}, sticky, call.number});
    };
    add(Kind::kill_before, 0, false);
    add(Kind::interrupt, 0, false);
    if (!changes_something(call)) {
      continue;
    }
    add(Kind::kill_after, 0, false);
    for (const int error : {EIO, ENOSPC}) {
      add(Kind::fail, error, false);
      add(Kind::fail, error, true);
    }
    if (call.number == SYS_write || call.number == SYS_pwrite64) {
      add(Kind::cut, 0, false);
    }
  }
  return cases;
}

/// Those at calls that change something first, then the others, each in random order.
void choose(std::vector<Case>& cases,
            const std::set<std::uint64_t>& changing,
            std::size_t count,
            std::mt19937& random) {
  std::ranges::shuffle(cases, random);
  const auto others = std::stable_partition(
      cases.begin(), cases.end(), [&](const Case& one) { return changing.contains(one.at); });
  const auto important = static_cast<std::size_t>(others - cases.begin());
  // Three quarters go to the calls that matter, as far as there are so many.
  const auto from_important = std::min(important, count - count / 4);
  std::vector<Case> chosen(cases.begin(),
                           cases.begin() + static_cast<std::ptrdiff_t>(from_important));
  for (auto at = others; at != cases.end() && chosen.size() < count; ++at) {
    chosen.push_back(*at);
  }
  cases = std::move(chosen);
}

struct Options {
  std::size_t cases = 300;
  unsigned seed = 1;
};

int run(const std::string& program, const fs::path& capture, const Options& options) {
  if (!can_trace()) {
    fmt::print("skipped: processes cannot be traced here\n");
    return kSkipped;
  }
  Harness harness(program, capture);
  std::mt19937 random(options.seed);
  std::size_t lost = 0;
  std::size_t ran = 0;
  for (const std::string command : {"apply", "rollback"}) {
    const auto calls = harness.calls_of(command);
    std::set<std::uint64_t> changing;
    for (const auto& call : calls) {
      if (changes_something(call)) {
        changing.insert(call.index);
      }
    }
    auto cases = cases_for(command, calls);
    const auto all = cases.size();
    if (command == "apply" && !journal_goes_first(calls)) {
      ++lost;
      fmt::print("LOST a mask is written before the journal is on disk\n");
    }
    choose(cases, changing, options.cases / 2, random);
    for (const auto& one : cases) {
      const auto wrong = harness.run(one);
      ++ran;
      if (!wrong.empty()) {
        ++lost;
        fmt::print("LOST {}:{}\n", one.text(), wrong);
      }
    }
    fmt::print("{}: {} system calls, {} of them change something; {} of {} cases run\n",
               command,
               calls.size(),
               changing.size(),
               cases.size(),
               all);
  }
  const auto wrong = harness.crowd(50);
  if (!wrong.empty()) {
    ++lost;
    fmt::print("LOST fifty at once:{}\n", wrong);
  }
  if (!harness.is_whole()) {
    ++lost;
    fmt::print("LOST a file that no case should touch\n");
  }
  for (const auto& [code, count] : harness.codes()) {
    fmt::print("fifty at once: exit code {}: {} times\n", code, count);
  }
  fmt::print("cases run: {}, lost: {} (seed {})\n", ran + 1, lost, options.seed);
  return lost == 0 ? 0 : 1;
}

}  // namespace

}  // namespace irqtune::test

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  irqtune::test::Options options;
  for (std::size_t i = 2; i + 1 < arguments.size(); i += 2) {
    if (arguments[i] == "--cases") {
      options.cases = std::stoul(arguments[i + 1]);
    } else if (arguments[i] == "--seed") {
      options.seed = static_cast<unsigned>(std::stoul(arguments[i + 1]));
    }
  }
  if (arguments.size() < 2) {
    fmt::print(stderr, "usage: irqtune_crash PROGRAM CAPTURE.tar.gz [--cases N] [--seed N]\n");
    return 2;
  }
  try {
    return irqtune::test::run(arguments[0], arguments[1], options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "irqtune_crash: {}\n", error.what());
    return 2;
  }
}
