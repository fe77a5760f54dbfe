// SPDX-License-Identifier: Apache-2.0
#include "snapshot/collect.h"

#include "irqtune/core/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace irqtune {

namespace {

constexpr std::size_t kLargestFile = std::size_t{512} << 20;
constexpr int kMaxLinks = 40;

bool is_pattern(std::string_view part) {
  return part.find_first_of("*?[") != std::string_view::npos;
}

std::string parent_of(std::string_view path) {
  return std::string(path.substr(0, path.rfind('/')));
}

/// `path` without "." and "..", which is where it leads as long as `base` has no links in it.
std::string normal(std::string_view path) {
  std::vector<std::string_view> parts;
  for (const auto part : split(path, '/')) {
    if (part == "..") {
      parts.resize(parts.empty() ? 0 : parts.size() - 1);
    } else if (!part.empty() && part != ".") {
      parts.push_back(part);
    }
  }
  std::string out;
  for (const auto part : parts) {
    out.append("/").append(part);
  }
  return out;
}

/// Gone since it was listed, or not a thing of this kernel.
bool is_absence(std::error_code error) {
  return error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory ||
         error == std::errc::no_such_process || error == std::errc::no_such_device ||
         error == std::errc::too_many_symbolic_link_levels ||
         error == std::errc::operation_not_supported;  // cgroup.procs of a threaded cgroup
}

}  // namespace

void Collector::take(std::string_view path) {
  const auto directory = real_directory(parent_of(path), 0);
  if (!directory) {
    return;
  }
  auto full = fmt::format("{}{}", *directory, path.substr(path.rfind('/')));
  if (items_.contains(full)) {
    return;
  }
  if (auto target = sysfs_.link_target(full)) {
    items_[std::move(full)] = {TreeImage::Kind::symlink, 0777, *std::move(target)};
    return;
  }
  auto file = sysfs_.read_file(full, kLargestFile);
  if (file.text) {
    items_[std::move(full)] = {TreeImage::Kind::file, file.mode, *std::move(file.text)};
  } else if (file.error == std::errc::is_a_directory) {
    items_[std::move(full)] = {TreeImage::Kind::directory, 0755, {}};
  } else if (!is_absence(file.error)) {
    note(full, file.error);
  }
}

void Collector::take_all(std::string_view pattern, std::string_view names) {
  std::vector<std::string> directories;
  expand({}, split(pattern.substr(1), '/'), 0, directories);
  std::vector<std::string> paths;
  for (const auto& directory : directories) {
    for (const auto name : words(names)) {
      expand(directory, split(name, '/'), 0, paths);
    }
  }
  for (const auto& path : paths) {
    take(path);
  }
}

void Collector::add(std::string path, std::string text) {
  items_[std::move(path)] = {TreeImage::Kind::file, 0444, std::move(text)};
}

void Collector::expand(const std::string& base,
                       const std::vector<std::string_view>& parts,
                       std::size_t next,
                       std::vector<std::string>& found) const {
  auto path = base;
  while (next < parts.size() && !is_pattern(parts[next])) {
    path.append("/").append(parts[next++]);
  }
  if (next == parts.size()) {
    found.push_back(std::move(path));
    return;
  }
  for (const auto& name : sysfs_.list(path)) {
    if (matches_glob(parts[next], name)) {
      expand(fmt::format("{}/{}", path, name), parts, next + 1, found);
    }
  }
}

/// Where a directory really is, with an item for each link on the way there.
std::optional<std::string> Collector::real_directory(const std::string& path, int links) {
  if (path.empty()) {
    return std::string{};
  }
  if (const auto known = real_.find(path); known != real_.end()) {
    return known->second;
  }
  auto real = real_directory(parent_of(path), links);
  if (real) {
    const auto parent = *real;
    real->append(path.substr(path.rfind('/')));
    if (const auto target = sysfs_.link_target(*real)) {
      items_[*real] = {TreeImage::Kind::symlink, 0777, *target};
      const auto next = target->starts_with('/') ? *target : fmt::format("{}/{}", parent, *target);
      real = links < kMaxLinks ? real_directory(normal(next), links + 1) : std::nullopt;
    }
  }
  real_[path] = real;
  return real;
}

void Collector::note(const std::string& path, std::error_code error) {
  warnings_.push_back(fmt::format("{}: {}; left out", printable(path), error.message()));
}

}  // namespace irqtune
