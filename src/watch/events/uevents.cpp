// SPDX-License-Identifier: Apache-2.0
#include "watch/events/uevents.h"

#include "irqtune/core/text.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <linux/netlink.h>
#include <sys/socket.h>

namespace irqtune {

namespace {

int opened() {
  const int fd =
      ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = 1;  // The kernel's; 2 is udev's.
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): what bind(2) takes
  const auto* to = reinterpret_cast<const sockaddr*>(&address);
  if (fd >= 0 && ::bind(fd, to, sizeof(address)) != 0) {
    const Fd closed(fd);
    return -1;
  }
  return fd;
}

}  // namespace

bool concerns_plan(std::string_view message) noexcept {
  std::string_view action;
  std::string_view subsystem;
  while (!message.empty()) {
    const auto field = take_until(message, '\0');
    if (field.starts_with("ACTION=")) {
      action = field.substr(std::string_view("ACTION=").size());
    } else if (field.starts_with("SUBSYSTEM=")) {
      subsystem = field.substr(std::string_view("SUBSYSTEM=").size());
    }
  }
  constexpr std::array kActions = {"add", "remove", "bind", "unbind", "online", "offline"};
  constexpr std::array kSubsystems = {"pci", "vfio", "vfio-dev", "cpu"};
  return std::ranges::find(kActions, action) != kActions.end() &&
         std::ranges::find(kSubsystems, subsystem) != kSubsystems.end();
}

UeventSource::UeventSource() : fd_(opened()) {}

bool UeventSource::drain() const {
  constexpr std::size_t kLargest = 8192;
  std::array<char, kLargest> buffer{};
  bool concerns = false;
  while (true) {
    sockaddr_nl from{};
    socklen_t size = sizeof(from);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): what recvfrom(2) takes
    auto* sender = reinterpret_cast<sockaddr*>(&from);
    const auto count = ::recvfrom(fd_.get(), buffer.data(), buffer.size(), 0, sender, &size);
    if (count < 0 && errno == ENOBUFS) {
      concerns = true;  // More than the buffer holds: look at everything.
    } else if (count < 0 && errno != EINTR) {
      return concerns;
    } else if (count > 0 && from.nl_pid == 0) {  // Else it is not the kernel's.
      concerns = concerns || concerns_plan({buffer.data(), static_cast<std::size_t>(count)});
    }
  }
}

}  // namespace irqtune
