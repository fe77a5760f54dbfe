// SPDX-License-Identifier: Apache-2.0
#include "support/bounded.h"

#include <array>
#include <csignal>
#include <sstream>
#include <stdexcept>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace irqtune::test {

namespace {

constexpr char kSeparator = '\x1e';  // Never in what the program prints.

void write_fully(int fd, const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto count = ::write(fd, text.data() + at, text.size() - at);
    if (count <= 0) {
      return;
    }
    at += static_cast<std::size_t>(count);
  }
}

/// Most memory this process has had at a time, in KiB; to a forked one, its parent's counts as its
/// own.
std::size_t most_memory() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::size_t>(usage.ru_maxrss);
}

[[noreturn]] void be_child(int fd,
                           const std::vector<std::string>& arguments,
                           std::optional<std::size_t> largest_file) {
  constexpr rlim_t kSeconds = 120;
  const rlimit limit{kSeconds, kSeconds};
  ::setrlimit(RLIMIT_CPU, &limit);
  if (largest_file) {
    const rlimit size{*largest_file, *largest_file};
    ::setrlimit(RLIMIT_FSIZE, &size);
    static_cast<void>(::signal(SIGXFSZ, SIG_IGN));  // So that write(2) says EFBIG.
  }
  const auto before = most_memory();
  const auto ran = run(arguments);
  const auto kilobytes = std::to_string(most_memory() - before);
  write_fully(fd, ran.out + kSeparator + ran.err + kSeparator + kilobytes);
  ::_exit(ran.code);
}

std::string read_to_end(int fd) {
  std::string text;
  std::array<char, 4096> buffer{};
  for (auto count = ::read(fd, buffer.data(), buffer.size()); count > 0;
       count = ::read(fd, buffer.data(), buffer.size())) {
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return text;
}

/// The parts of what be_child() wrote: what was printed, the errors, KiB; the last ones are empty
/// where it was ended early.
std::array<std::string, 3> parts_of(const std::string& text) {
  std::array<std::string, 3> parts;
  std::istringstream stream(text);
  for (auto& part : parts) {
    std::getline(stream, part, kSeparator);
  }
  return parts;
}

double seconds_of(const timeval& time) {
  constexpr double kMicro = 1e-6;
  return static_cast<double>(time.tv_sec) + kMicro * static_cast<double>(time.tv_usec);
}

}  // namespace

BoundedRan run_bounded(const std::vector<std::string>& arguments,
                       std::optional<std::size_t> largest_file) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) {
    throw std::runtime_error("pipe");
  }
  const auto child = ::fork();
  if (child < 0) {
    throw std::runtime_error("fork");
  }
  if (child == 0) {
    ::close(ends[0]);
    be_child(ends[1], arguments, largest_file);
  }
  ::close(ends[1]);
  const auto text = read_to_end(ends[0]);
  ::close(ends[0]);
  int status = 0;
  rusage usage{};
  ::wait4(child, &status, 0, &usage);
  BoundedRan ran;
  ran.ended = WIFEXITED(status);
  ran.code = ran.ended ? WEXITSTATUS(status) : -1;
  const auto [out, err, kilobytes] = parts_of(text);
  ran.out = out;
  ran.err = err;
  ran.seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
  ran.megabytes = kilobytes.empty() ? 0 : std::stoul(kilobytes) / 1024;
  return ran;
}

}  // namespace irqtune::test
