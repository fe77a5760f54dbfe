// SPDX-License-Identifier: Apache-2.0
#include "apply/journal/state_dir.h"

#include "irqtune/core/error.h"

#include "sys/rooted.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <tuple>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace irqtune {

namespace {

constexpr int kMaxLinks = 40;  // As path_resolution(7) has it.
constexpr mode_t kReadable = 0755;
constexpr int kDirFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

/// One name still to be walked.
struct Component {
  std::string name;
  bool may_be_link = true;
};

struct Walk {
  std::vector<Fd> opened;            // The last one is where the walk stands.
  std::vector<Component> remaining;  // In reverse: the next one is the last.
  int links = 0;
  bool create = false;
  const std::filesystem::path& shown;
};

[[noreturn]] void fail(const Walk& walk, std::string_view what, std::error_code code) {
  throw Error::system(walk.create ? ErrorKind::applying : ErrorKind::host,
                      walk.shown.native(),
                      what,
                      code,
                      code == std::errc::permission_denied ? "run it as root, or give --state-dir"
                                                           : "give another --state-dir");
}

/// Makes sure that a new name in `dir` survives a power loss.
void sync_dir(int dir) {
  const Fd fd(::openat(dir, ".", kDirFlags));
  if (fd.valid()) {
    ::fsync(fd.get());
  }
}

void push(Walk& walk, const std::filesystem::path& path, const std::filesystem::path& root) {
  std::vector<Component> parts;
  const auto outside = root == "/" ? PATH_MAX : std::distance(root.begin(), root.end());
  std::ptrdiff_t at = 0;
  for (const auto& part : path) {
    const bool named = part != "/" && part != "." && !part.empty();
    if (named) {
      parts.push_back({part.native(), at < outside});
    }
    ++at;
  }
  std::ranges::reverse(parts);
  walk.remaining.insert(walk.remaining.end(), parts.begin(), parts.end());
}

/// Replaces the link `link` by the names that it holds.
void follow(Walk& walk, const Fd& link, const struct stat& status, bool allowed) {
  const bool trusted = status.st_uid == 0 || status.st_uid == ::geteuid();
  if (!allowed || !trusted || ++walk.links > kMaxLinks) {
    fail(walk, "a symbolic link on the way is not to be trusted", {ELOOP, std::system_category()});
  }
  std::array<char, PATH_MAX> target{};
  const auto size = ::readlinkat(link.get(), "", target.data(), target.size());
  if (size < 0) {
    fail(walk, "cannot read a link on the way", last_error());
  }
  const std::filesystem::path path(std::string(target.data(), static_cast<std::size_t>(size)));
  if (path.is_absolute()) {
    walk.opened.emplace_back(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  push(walk, path, "/");
}

/// Makes a directory that others may read, whatever the umask.
void make_dir(const Walk& walk, int parent, const char* name) {
  if (::mkdirat(parent, name, kReadable) != 0) {
    if (errno != EEXIST) {
      fail(walk, "cannot make it", last_error());
    }
    return;
  }
  std::ignore = ::fchmodat(parent, name, kReadable, 0);
  sync_dir(parent);
}

/// Takes one name. False if it is absent and not to be made.
bool step(Walk& walk) {
  const auto part = std::move(walk.remaining.back());
  walk.remaining.pop_back();
  const int here = walk.opened.back().get();
  const char* name = part.name.c_str();
  constexpr int kFlags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  int next = ::openat(here, name, kFlags);
  if (next < 0 && errno == ENOENT) {
    if (!walk.create) {
      return false;
    }
    make_dir(walk, here, name);
    next = ::openat(here, name, kFlags);
  }
  Fd fd(next);

  struct stat status {};

  if (!fd.valid() || ::fstat(fd.get(), &status) != 0) {
    fail(walk, "cannot open", last_error());
  }
  if (S_ISLNK(status.st_mode)) {
    follow(walk, fd, status, part.may_be_link);
  } else {
    walk.opened.push_back(std::move(fd));
  }
  return true;
}

/// Throws unless nobody but this user, or root where it is only read, may write to the directory.
void require_ours(int fd, const Walk& walk) {
  struct stat status {};

  if (::fstat(fd, &status) != 0) {
    fail(walk, "cannot stat", last_error());
  }
  const bool owned = status.st_uid == ::geteuid() || (!walk.create && status.st_uid == 0);
  const bool ours = owned && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
  if (!ours) {
    throw Error(walk.create ? ErrorKind::applying : ErrorKind::host,
                walk.shown.native() + ": belongs to another user, or others may write to it",
                "make it `root:root 0755`, or give another --state-dir");
  }
}

Fd reopened_any(const Walk& walk, int dir, const char* name) {
  Fd fd(::openat(dir, name, kDirFlags | O_NOFOLLOW));
  if (!fd.valid()) {
    fail(walk, "cannot open", last_error());
  }
  return fd;
}

Fd reopened(const Walk& walk, int dir, const char* name) {
  auto fd = reopened_any(walk, dir, name);
  require_ours(fd.get(), walk);
  return fd;
}

/// False if the directory is not there, and is not to be made.
bool walk_to(Walk& walk, const std::filesystem::path& dir, const std::filesystem::path& root) {
  walk.opened.emplace_back(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const auto full = std::filesystem::absolute(dir).lexically_normal();
  const auto tree = std::filesystem::absolute(root).lexically_normal();
  const auto [in_tree, in_dir] = std::mismatch(tree.begin(), tree.end(), full.begin(), full.end());
  push(walk, full, in_tree == tree.end() || in_tree->empty() ? tree : "/");
  while (!walk.remaining.empty()) {
    if (!step(walk)) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool open_to_readers(const Fd& dir) {
  struct stat status {};

  const bool closed =
      dir.valid() && ::fstat(dir.get(), &status) == 0 && (status.st_mode & kReadable) != kReadable;
  return closed && ::fchmod(dir.get(), kReadable) == 0;
}

Fd open_state_dir(const std::filesystem::path& dir,
                  const std::filesystem::path& root,
                  bool create) {
  Walk walk{{}, {}, 0, create, dir};
  return walk_to(walk, dir, root) ? reopened(walk, walk.opened.back().get(), ".") : Fd(-1);
}

Fd open_shared_dir(const std::filesystem::path& dir, const std::filesystem::path& root) {
  Walk walk{{}, {}, 0, true, dir};
  walk_to(walk, dir, root);
  return reopened_any(walk, walk.opened.back().get(), ".");
}

Fd open_private_dir(const Fd& parent,
                    const char* name,
                    const std::filesystem::path& shown,
                    bool create) {
  Walk walk{{}, {}, 0, create, shown};
  if (create) {
    make_dir(walk, parent.get(), name);
  } else if (::faccessat(parent.get(), name, F_OK, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT) {
    return Fd(-1);
  }
  return reopened(walk, parent.get(), name);
}

}  // namespace irqtune
