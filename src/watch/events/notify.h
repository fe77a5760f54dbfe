// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace irqtune {

/// Tells systemd how a service of Type=notify is: one datagram a message. Source: sd_notify(3).
class Notifier {
 public:
  /// By the socket path in $NOTIFY_SOCKET ('@' stands for an abstract one); does nothing if empty.
  explicit Notifier(std::string socket_path);

  /// "READY=1", "STATUS=...", several in lines of one message. What cannot be sent is lost: the
  /// service works all the same.
  void send(std::string_view message) const;

 private:
  std::string path_;
};

/// How often WATCHDOG=1 is due: half of what systemd waits, as sd_watchdog_enabled(3) advises.
/// Empty if it waits for none from this process. `usec` and `pid` are $WATCHDOG_USEC and
/// $WATCHDOG_PID.
[[nodiscard]] std::optional<std::chrono::milliseconds> watchdog_interval(std::string_view usec,
                                                                         std::string_view pid,
                                                                         int own_pid);

}  // namespace irqtune
