// SPDX-License-Identifier: Apache-2.0
#include "irqtune/apply/apply.h"

#include <fmt/format.h>

#include <cerrno>
#include <memory>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace irqtune {

std::optional<std::string> why_not_writable(const Sysfs& sysfs) {
  if (sysfs.in_memory()) {
    return fmt::format("{}: a snapshot file cannot be written; unpack it and give the directory",
                       sysfs.root().native());
  }
  constexpr const char* kPath = "/proc/irq/default_smp_affinity";
  std::shared_ptr<void> holder;
  const auto path = sysfs.library_path(kPath, holder);
  if (path.empty() || ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0) {
    return std::nullopt;
  }
  if (errno == ENOENT) {
    return std::nullopt;  // In a chroot without /proc nothing tells, and the writes will.
  }
  if (errno == EROFS) {
    return fmt::format(
        "{}: /proc is read-only here: run it on the host itself, not in a container nor in a unit "
        "with ProtectKernelTunables=",
        kPath);
  }
  const std::error_code code(errno, std::system_category());
  return fmt::format("{}: not writable: {}: {}",
                     kPath,
                     code.message(),
                     ::geteuid() == 0 ? "root alone does not do: run it on the host itself, not in "
                                        "a user namespace nor without capabilities"
                                      : "run it as root");
}

}  // namespace irqtune
