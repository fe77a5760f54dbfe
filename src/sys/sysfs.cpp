// SPDX-License-Identifier: Apache-2.0
#include "irqtune/sys/sysfs.h"

#include "irqtune/core/error.h"
#include "irqtune/core/text.h"
#include "irqtune/sys/tree_image.h"

#include "sys/fd.h"
#include "sys/open_file.h"
#include "sys/rooted.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace irqtune {

namespace {

constexpr int kReadFlags = O_RDONLY | O_NONBLOCK | O_NOCTTY;  // A FIFO or terminal must not block.

FileText read_entry(const TreeImage& image, std::string_view path, std::size_t limit) {
  FileText file;
  const auto* entry = image.find(path, true, file.error);
  if (entry == nullptr) {
    return file;
  }
  file.mode = entry->mode;
  if (entry->kind != TreeImage::Kind::file) {
    file.error = std::make_error_code(std::errc::is_a_directory);
  } else if (entry->text.size() > limit) {
    file.error = std::make_error_code(std::errc::file_too_large);
  } else {
    file.text = entry->text;
  }
  return file;
}

/// The live host's links may lead anywhere.
Fd open_to_read(bool live, int root, std::string_view path) {
  return live ? Fd(::open(std::string(path).c_str(), kReadFlags | O_CLOEXEC))
              : open_in_root(root, path, kReadFlags);
}

/// True if something stands there that is no file to read, rather than nothing, or what a process
/// that ends or a driver says.
bool is_no_file(std::error_code error) {
  return error == std::errc::file_too_large || error == std::errc::is_a_directory ||
         error == std::errc::too_many_symbolic_link_levels || error == not_regular();
}

void note(std::vector<std::string>& list, std::string_view path, std::error_code error) {
  constexpr std::size_t kMost = 20;
  auto line = std::string(path) + ": " + error.message();
  if (list.size() < kMost && std::ranges::find(list, line) == list.end()) {
    list.push_back(std::move(line));
  }
}

}  // namespace

Sysfs::Sysfs(const std::filesystem::path& root) : root_(root.lexically_normal()) {
  live_ = root_ == "/";
  std::error_code ignored;
  if (std::filesystem::is_regular_file(root_, ignored)) {
    image_ = TreeImage::load(root_);
    return;
  }
  Fd fd(::open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) {
    throw Error::system(ErrorKind::usage,
                        root.native(),
                        "cannot use it as --root",
                        last_error(),
                        "give a directory that holds proc/ and sys/, or a snapshot .tar.gz");
  }
  root_fd_ = shared_fd(std::move(fd));
}

FileText Sysfs::read_file(std::string_view path, std::size_t limit) const {
  if (image_) {
    return read_entry(*image_, path, limit);
  }
  return read_open_file(open_to_read(live_, *root_fd_, path), limit, is_one_record(path));
}

std::error_code Sysfs::stream(std::string_view path,
                              std::size_t limit,
                              const std::function<void(std::string_view)>& take) const {
  if (image_) {
    const auto file = read_entry(*image_, path, limit);
    if (file.text) {
      take(*file.text);
    }
    return file.error;
  }
  return stream_open_file(open_in_root(*root_fd_, path, kReadFlags), limit, take);
}

std::optional<std::string> Sysfs::read(std::string_view path) const {
  auto file = !image_ && is_one_record(path)
                  ? read_record(open_to_read(live_, *root_fd_, path), kSmallFile)
                  : read_file(path);
  if (is_no_file(file.error)) {
    note(*passed_over_, path, file.error);
  }
  while (file.text && file.text->ends_with('\n')) {
    file.text->pop_back();
  }
  return std::move(file.text);
}

std::vector<std::string> Sysfs::list(std::string_view path, std::error_code* error) const {
  std::error_code ignored;
  if (image_) {
    return image_->list(path, error != nullptr ? *error : ignored);
  }
  return names_in(open_in_root(*root_fd_, path, O_RDONLY | O_DIRECTORY),
                  error != nullptr ? *error : ignored);
}

Inodes Sysfs::inodes(std::string_view path) const {
  Inodes found;
  if (live_) {
    std::error_code ignored;
    return open_directory(path).entries(ignored);
  }
  const auto recorded = read(kInodes).value_or("");
  const std::string_view text = recorded;
  const auto prefix = std::string(path) + '/';
  for (auto at = text.find(prefix); at != std::string_view::npos; at = text.find(prefix, at + 1)) {
    auto rest = text.substr(at, text.find('\n', at) - at);
    const auto name = take_word(rest).substr(prefix.size());
    const auto inode = parse_number<std::uint64_t>(trimmed(rest));
    const bool begins = at == 0 || text[at - 1] == '\n';
    if (inode && begins && name.find('/') == std::string_view::npos) {
      found.emplace_back(name, *inode);
    }
  }
  std::ranges::sort(found);
  return found;
}

Directory Sysfs::open_directory(std::string_view path) const {
  return image_ ? Directory()
                : Directory(open_in_root(*root_fd_, path, O_RDONLY | O_DIRECTORY).release());
}

std::optional<std::string> Sysfs::link_target(std::string_view path) const {
  if (image_) {
    return image_->link_target(path);
  }
  const auto slash = path.rfind('/');
  const Fd dir = open_in_root(*root_fd_, path.substr(0, slash), O_PATH | O_DIRECTORY);
  return target_in(dir, std::string(path.substr(slash + 1)));
}

std::vector<std::pair<std::string, std::string>> Sysfs::links(std::string_view path,
                                                              std::error_code* error) const {
  std::vector<std::pair<std::string, std::string>> found;
  std::error_code ignored;
  auto& why = error != nullptr ? *error : ignored;
  const Fd dir = image_ ? Fd(-1) : open_in_root(*root_fd_, path, O_RDONLY | O_DIRECTORY);
  const auto names = image_ ? image_->list(path, why) : names_in(dir, why);
  for (const auto& name : names) {
    auto target =
        image_ ? image_->link_target(fmt::format("{}/{}", path, name)) : target_in(dir, name);
    if (target) {
      found.emplace_back(name, *std::move(target));
    }
  }
  return found;
}

std::optional<std::string> Sysfs::link_name(std::string_view path) const {
  const auto target = link_target(path);
  return target ? std::optional(target->substr(target->rfind('/') + 1)) : std::nullopt;
}

std::optional<std::string> Sysfs::resolve(std::string_view path) const {
  return image_ ? image_->resolve(path) : resolve_in_root(*root_fd_, path, true);
}

bool Sysfs::exists(std::string_view path) const {
  if (image_) {
    std::error_code ignored;
    return image_->find(path, true, ignored) != nullptr;
  }
  return open_in_root(*root_fd_, path, O_PATH).valid();
}

std::optional<std::uint32_t> Sysfs::owner(std::string_view path) const {
  if (!live_) {
    return std::nullopt;
  }
  const Fd fd = open_in_root(*root_fd_, path, O_PATH);

  struct stat status {};

  return fd.valid() && ::fstat(fd.get(), &status) == 0 ? std::optional(status.st_uid)
                                                       : std::nullopt;
}

std::error_code Sysfs::write(std::string_view path,
                             std::string_view text,
                             const std::function<bool()>& still_holds) const {
  if (image_) {
    return std::make_error_code(std::errc::read_only_file_system);
  }
  const Fd fd = open_in_root(*root_fd_, path, (live_ ? O_WRONLY : O_RDWR) | O_NONBLOCK | O_NOCTTY);
  if (!fd.valid()) {
    return last_error();
  }

  struct stat status {};

  if (::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return std::make_error_code(std::errc::invalid_argument);
  }
  if (still_holds && !still_holds()) {
    return {ESTALE, std::system_category()};
  }
  return live_ ? write_all(fd.get(), text) : write_plain_file(fd.get(), text);
}

std::string Sysfs::library_path(std::string_view path, std::shared_ptr<void>& holder) const {
  if (image_) {
    return {};
  }
  Fd fd = open_in_root(*root_fd_, path, kReadFlags);
  if (!fd.valid()) {
    return {};
  }

  struct stat status {};

  if (const auto error = regular_file(fd, kSmallFile, status)) {
    throw Error::system(ErrorKind::host, path, "cannot read", error);
  }
  auto shared = shared_fd(std::move(fd));
  auto name = "/proc/self/fd/" + std::to_string(*shared);
  holder = std::const_pointer_cast<int>(shared);
  return name;
}

}  // namespace irqtune
