// SPDX-License-Identifier: Apache-2.0
#include "crash/trace.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <stdexcept>

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

namespace irqtune::test {

namespace {

using Kind = Action::Kind;

[[noreturn]] void become(const std::vector<std::string>& command, int output, bool traced) {
  std::vector<char*> argv;
  for (const auto& argument : command) {
    argv.push_back(const_cast<char*>(argument.c_str()));  // execv(3) does not change them.
  }
  argv.push_back(nullptr);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  if (traced) {
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
  }
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

int spawn(const std::vector<std::string>& command, int output, bool traced) {
  const auto pid = ::fork();
  if (pid < 0) {
    throw std::runtime_error("fork");
  }
  if (pid == 0) {
    become(command, output, traced);
  }
  return pid;
}

/// A file in memory for what the program prints.
class Output {
 public:
  Output() : fd_(::memfd_create("output", MFD_CLOEXEC)) {}

  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  Output(Output&&) = delete;
  Output& operator=(Output&&) = delete;

  ~Output() { ::close(fd_); }

  [[nodiscard]] int fd() const { return fd_; }

  [[nodiscard]] std::string text() const {
    std::string text(65536, '\0');
    const auto size = ::pread(fd_, text.data(), text.size(), 0);
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return text;
  }

 private:
  int fd_;
};

#if defined(__x86_64__)

/// The call is not done: number -1 does nothing.
void skip_call(int pid) {
  user_regs_struct regs{};
  ::ptrace(PTRACE_GETREGS, pid, nullptr, &regs);
  regs.orig_rax = ~0ULL;
  ::ptrace(PTRACE_SETREGS, pid, nullptr, &regs);
}

void set_result(int pid, int error) {
  user_regs_struct regs{};
  ::ptrace(PTRACE_GETREGS, pid, nullptr, &regs);
  regs.rax = static_cast<unsigned long long>(-static_cast<long long>(error));
  ::ptrace(PTRACE_SETREGS, pid, nullptr, &regs);
}

void halve_length(int pid) {
  user_regs_struct regs{};
  ::ptrace(PTRACE_GETREGS, pid, nullptr, &regs);
  regs.rdx /= 2;
  ::ptrace(PTRACE_SETREGS, pid, nullptr, &regs);
}

constexpr bool kKnownRegisters = true;

#elif defined(__aarch64__)

user_regs_struct registers(int pid) {
  user_regs_struct regs{};
  iovec area{&regs, sizeof regs};
  ::ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &area);
  return regs;
}

void set_registers(int pid, user_regs_struct regs) {
  iovec area{&regs, sizeof regs};
  ::ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &area);
}

void skip_call(int pid) {
  int number = -1;
  iovec area{&number, sizeof number};
  ::ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &area);
}

void set_result(int pid, int error) {
  auto regs = registers(pid);
  regs.regs[0] = static_cast<unsigned long long>(-static_cast<long long>(error));
  set_registers(pid, regs);
}

void halve_length(int pid) {
  auto regs = registers(pid);
  regs.regs[2] /= 2;
  set_registers(pid, regs);
}

constexpr bool kKnownRegisters = true;

#else

void skip_call(int) {}

void set_result(int, int) {}

void halve_length(int) {}

constexpr bool kKnownRegisters = false;

#endif

std::optional<Call> entered_call(int pid, std::uint64_t index) {
  __ptrace_syscall_info info{};
  ::ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info);
  if (info.op != PTRACE_SYSCALL_INFO_ENTRY) {
    return std::nullopt;
  }
  Call call{index, info.entry.nr, {}};
  for (std::size_t i = 0; i < 6; ++i) {
    call.args[i] = info.entry.args[i];
  }
  return call;
}

/// Does what is to be done at the entry of a call. False if the program was killed.
bool act_at_entry(int pid, const Action& action) {
  switch (action.kind) {
    case Kind::kill_before:
      ::kill(pid, SIGKILL);
      return false;
    case Kind::fail:
      skip_call(pid);
      return true;
    case Kind::cut:
      halve_length(pid);
      return true;
    case Kind::interrupt:
      ::kill(pid, SIGTERM);
      return true;
    case Kind::go_on:
    case Kind::kill_after:
      return true;
  }
  return true;
}

/// What was decided at the entry, at the exit. False if the program was killed.
bool act_at_exit(int pid, const Action& action) {
  if (action.kind == Kind::kill_after) {
    ::kill(pid, SIGKILL);
    return false;
  }
  if (action.kind == Kind::fail) {
    set_result(pid, action.error);
  }
  return true;
}

std::optional<int> exit_code(int status) {
  return WIFEXITED(status) ? std::optional(WEXITSTATUS(status)) : std::nullopt;
}

}  // namespace

bool can_trace() {
  if (!kKnownRegisters) {
    return false;
  }
  const auto pid = ::fork();
  if (pid == 0) {
    const bool allowed = ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0;
    ::_exit(allowed ? 0 : 1);
  }
  return pid > 0 && wait_for(pid) == 0;
}

RunResult run_traced(const std::vector<std::string>& command,
                     const std::function<Action(const Call&)>& decide) {
  RunResult result;
  const Output output;
  const int pid = spawn(command, output.fd(), true);
  int status = 0;
  ::waitpid(pid, &status, 0);  // Stopped at its execve.
  ::ptrace(PTRACE_SETOPTIONS, pid, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
  Action action;
  int deliver = 0;
  while (WIFSTOPPED(status)) {
    ::ptrace(PTRACE_SYSCALL, pid, nullptr, deliver);
    deliver = 0;
    ::waitpid(pid, &status, 0);
    if (!WIFSTOPPED(status)) {
      break;
    }
    if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
      deliver = WSTOPSIG(status);
    } else if (const auto call = entered_call(pid, result.calls)) {
      ++result.calls;
      action = decide(*call);
      static_cast<void>(act_at_entry(pid, action));
    } else {
      static_cast<void>(act_at_exit(pid, action));
      action = {};
    }
  }
  result.exit_code = exit_code(status);
  result.output = output.text();
  return result;
}

RunResult run_plain(const std::vector<std::string>& command) {
  const Output output;
  RunResult result;
  result.exit_code = wait_for(spawn(command, output.fd(), false));
  result.output = output.text();
  return result;
}

int start(const std::vector<std::string>& command) {
  const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  const int pid = spawn(command, null, false);
  ::close(null);
  return pid;
}

std::optional<int> wait_for(int pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return exit_code(status);
}

}  // namespace irqtune::test
