// SPDX-License-Identifier: Apache-2.0
#include "watch/events/files.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include <sys/inotify.h>
#include <unistd.h>

namespace irqtune {

FileSource::FileSource(const Sysfs& sysfs)
    : sysfs_(sysfs), fd_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {}

bool FileSource::watch(const std::vector<std::string>& directories) {
  constexpr std::uint32_t kChanges =
      IN_CREATE | IN_DELETE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_ONLYDIR;
  for (const auto& directory : directories) {
    const auto place = watched_.contains(directory) ? std::nullopt : sysfs_.resolve(directory);
    if (!fd_.valid() || !place) {
      continue;
    }
    const auto path = (sysfs_.root() / place->substr(1)).native();
    const int id = ::inotify_add_watch(fd_.get(), path.c_str(), kChanges);
    if (id >= 0) {
      watched_.emplace(directory, id);
    } else if (errno == ENOSPC) {
      return false;
    }
  }
  return fd_.valid();
}

void FileSource::take(std::string_view events) {
  while (events.size() >= sizeof(inotify_event)) {
    inotify_event event{};
    std::memcpy(&event, events.data(), sizeof(event));
    const int gone = (event.mask & IN_IGNORED) != 0 ? event.wd : -1;  // Watched when it is back.
    std::erase_if(watched_, [gone](const auto& entry) { return entry.second == gone; });
    events.remove_prefix(std::min(sizeof(event) + event.len, events.size()));
  }
}

bool FileSource::drain() {
  constexpr std::size_t kBuffer = 4096;
  alignas(inotify_event) std::array<char, kBuffer> buffer{};
  bool any = false;
  while (true) {
    const auto count = ::read(fd_.get(), buffer.data(), buffer.size());
    if (count <= 0 && errno != EINTR) {
      return any;
    }
    any = any || count > 0;
    take({buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))});
  }
}

}  // namespace irqtune
