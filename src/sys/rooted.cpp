// SPDX-License-Identifier: Apache-2.0
#include "sys/rooted.h"

#include "irqtune/core/text.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <deque>
#include <vector>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace irqtune {

namespace {

constexpr int kMaxLinks = 40;

/// `parts` as a path relative to the root directory; "." for the root itself.
std::string joined(const std::vector<std::string>& parts) {
  std::string path;
  for (const auto& part : parts) {
    path += path.empty() ? "" : "/";
    path += part;
  }
  return path.empty() ? "." : path;
}

std::optional<std::string> read_link(int root, const std::string& path) {
  std::array<char, PATH_MAX> buffer{};
  const auto size = ::readlinkat(root, path.c_str(), buffer.data(), buffer.size());
  return size < 0 ? std::nullopt
                  : std::optional(std::string(buffer.data(), static_cast<std::size_t>(size)));
}

std::string relative(std::string_view path) {
  path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
  return path.empty() ? std::string(".") : std::string(path);
}

}  // namespace

std::error_code last_error() noexcept {
  return {errno, std::system_category()};
}

Fd open_in_root(int root, std::string_view path, int flags) {
  const auto name = relative(path);
  open_how how{};
  how.flags = static_cast<decltype(how.flags)>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_IN_ROOT;
  for (int tries = 0; tries < kMaxLinks; ++tries) {
    const auto fd = ::syscall(SYS_openat2, root, name.c_str(), &how, sizeof how);
    if (fd >= 0) {
      return Fd(static_cast<int>(fd));
    }
    if (errno == ENOSYS || errno == EPERM) {
      return open_by_hand(root, path, flags);
    }
    if (errno != EAGAIN) {  // EAGAIN: something was renamed meanwhile; openat2(2) says try again.
      break;
    }
  }
  return Fd(-1);
}

Fd open_by_hand(int root, std::string_view path, int flags) {
  const auto resolved = resolve_in_root(root, path, (flags & O_NOFOLLOW) == 0);
  if (!resolved) {
    return Fd(-1);
  }
  const auto name = relative(*resolved);
  return Fd(::openat(root, name.c_str(), flags | O_CLOEXEC | O_NOFOLLOW));
}

std::optional<std::string> resolve_in_root(int root, std::string_view path, bool last) {
  std::vector<std::string> done;
  std::deque<std::string> pending;
  for (const auto part : split(path, '/')) {
    pending.emplace_back(part);
  }
  int links = 0;
  while (!pending.empty()) {
    const auto part = std::move(pending.front());
    pending.pop_front();
    if (part.empty() || part == ".") {
      continue;
    }
    if (part == "..") {
      done.resize(done.size() - std::min<std::size_t>(done.size(), 1));
      continue;
    }
    done.push_back(part);
    const auto target = !last && pending.empty() ? std::nullopt : read_link(root, joined(done));
    if (!target) {
      continue;
    }
    if (++links > kMaxLinks) {
      errno = ELOOP;
      return std::nullopt;
    }
    done.pop_back();
    if (target->starts_with('/')) {
      done.clear();
    }
    const auto parts = split(*target, '/');
    pending.insert(pending.begin(), parts.begin(), parts.end());
  }

  struct stat status {};

  const auto name = joined(done);
  if (::fstatat(root, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return std::nullopt;
  }
  return name == "." ? "/" : "/" + name;
}

}  // namespace irqtune
