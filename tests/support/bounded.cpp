// SPDX-License-Identifier: Apache-2.0
#include "support/bounded.h"

#include <array>
#include <csignal>
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
  const auto ran = run(arguments);
  write_fully(fd, ran.out + kSeparator + ran.err);
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
  const auto middle = text.find(kSeparator);
  ran.out = text.substr(0, middle);
  ran.err = middle == std::string::npos ? "" : text.substr(middle + 1);
  ran.seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
  ran.megabytes = static_cast<std::size_t>(usage.ru_maxrss) / 1024;
  return ran;
}

}  // namespace irqtune::test
