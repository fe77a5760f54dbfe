// SPDX-License-Identifier: Apache-2.0
#include "support/fake_irqbalance.h"

#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <iterator>
#include <thread>

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace irqtune::test {

namespace {

constexpr std::string_view kBan = "settings ban irqs ";

int listener_at(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    ::_exit(1);
  }
  std::ranges::copy(path, std::begin(address.sun_path));
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  const void* const raw = &address;
  if (::bind(fd, static_cast<const sockaddr*>(raw), sizeof(address)) != 0 ||
      ::setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0 || ::listen(fd, 1) != 0) {
    ::_exit(1);
  }
  return fd;
}

std::string request_of(int fd, std::size_t room) {
  std::string text(4096, '\0');
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> control{};
  iovec data{text.data(), text.size()};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const auto size = ::recvmsg(fd, &message, 0);
  const auto whole = size > 0 ? static_cast<std::size_t>(size) : 0;
  text.resize(std::min(whole, kBan.size() + room));
  const auto* const head = CMSG_FIRSTHDR(&message);
  return head != nullptr && head->cmsg_type == SCM_CREDENTIALS ? text : std::string();
}

void obey(std::string_view list, IrqSet& banned) {
  banned.clear();
  for (const auto word : words(list)) {
    if (const auto irq = parse_number<std::uint32_t>(word)) {
      banned.insert(IrqNumber{*irq});
    }
  }
}

std::string setup_of(const IrqSet& banned) {
  std::string text = "SLEEP 10 ";
  for (const auto irq : banned) {
    text += fmt::format("IRQ {} LOAD 0 DIFF 0 CLASS 0 ", static_cast<std::uint32_t>(irq));
  }
  return text + "BANNED 00000000,00000000";
}

}  // namespace

FakeIrqbalance::FakeIrqbalance(const FakeTree& tree, IrqSet banned, std::size_t room)
    : tree_(tree) {
  const auto dir = tree.root() / "run/irqbalance";
  std::filesystem::create_directories(dir);
  pid_ = ::fork();
  const auto own = pid_ == 0 ? ::getpid() : pid_;
  name_ = fmt::format("irqbalance{}.sock", own);
  path_ = dir / name_;
  if (pid_ == 0) {
    serve(listener_at(path_), std::move(banned), room);
  }
  while (!read_bans(tree.sysfs(), name_)) {  // It is about to listen.
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

FakeIrqbalance::~FakeIrqbalance() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  std::filesystem::remove(path_);
}

IrqSet FakeIrqbalance::banned() const {
  return read_bans(tree_.sysfs(), name_).value_or(IrqSet{});
}

void FakeIrqbalance::serve(int listener, IrqSet banned, std::size_t room) const {
  while (true) {
    const int fd = ::accept(listener, nullptr, nullptr);
    const auto request = request_of(fd, room);
    if (request.starts_with(kBan)) {
      obey(std::string_view(request).substr(kBan.size()), banned);
    } else if (request.starts_with("setup")) {
      const auto text = setup_of(banned);
      static_cast<void>(::send(fd, text.data(), text.size(), MSG_NOSIGNAL));
    }
    ::close(fd);
  }
}

}  // namespace irqtune::test
