// SPDX-License-Identifier: Apache-2.0
#include "irqtune/sys/tree_writer.h"

#include "irqtune/core/error.h"

#include "sys/fd.h"
#include "sys/libraries/archive_library.h"
#include "sys/output_file.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <memory>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace irqtune {

namespace {

namespace fs = std::filesystem;

std::error_code errno_code() {
  return {errno, std::generic_category()};
}

[[noreturn]] void fail(const fs::path& path, std::error_code code) {
  throw Error::system(ErrorKind::host,
                      path.native(),
                      "cannot write it",
                      code,
                      write_hint(code, "name another file with -o"));
}

bool is_archive_name(const std::string& name) {
  return name.ends_with(".tar.gz") || name.ends_with(".tgz");
}

/// Removes what was begun under a temporary name, unless it was kept.
class Unfinished {
 public:
  explicit Unfinished(fs::path path) : path_(std::move(path)) {}

  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  Unfinished(Unfinished&&) = delete;
  Unfinished& operator=(Unfinished&&) = delete;

  ~Unfinished() {
    if (!path_.empty()) {
      std::error_code ignored;
      fs::remove_all(path_, ignored);
    }
  }

  void keep_as(const fs::path& output) {
    if (::rename(path_.c_str(), output.c_str()) != 0) {
      fail(output, errno_code());
    }
    path_.clear();
  }

  [[nodiscard]] const fs::path& path() const noexcept { return path_; }

 private:
  fs::path path_;
};

/// "dir/.name.XXXXXX" for mkstemp(3) and mkdtemp(3).
std::string temporary_name(const fs::path& output) {
  return (output.parent_path() / fmt::format(".{}.XXXXXX", output.filename().native())).native();
}

using Writer = std::unique_ptr<archive, int (*)(archive*)>;
using EntryHolder = std::unique_ptr<archive_entry, void (*)(archive_entry*)>;

void check(archive* writer, la_ssize_t result, const fs::path& output) {
  if (result >= ARCHIVE_WARN) {  // A warning is about a name in another character set.
    return;
  }
  // libarchive's own words are "Write error" for whatever the kernel says.
  fail(output, {archive_library().archive_errno(writer), std::system_category()});
}

void fill_entry(archive_entry* entry, const std::string& path, const TreeItem& item) {
  constexpr mode_t kDirectoryMode = 0755;
  const auto& library = archive_library();
  library.archive_entry_set_pathname(entry, path.c_str() + 1);  // Without the leading '/'.
  library.archive_entry_set_perm(entry, item.mode);
  library.archive_entry_set_mtime(entry, std::time(nullptr), 0);
  if (item.kind == TreeImage::Kind::symlink) {
    library.archive_entry_set_filetype(entry, AE_IFLNK);
    library.archive_entry_set_symlink(entry, item.text.c_str());
  } else if (item.kind == TreeImage::Kind::directory) {
    library.archive_entry_set_filetype(entry, AE_IFDIR);
    library.archive_entry_set_perm(entry, kDirectoryMode);
  } else {
    library.archive_entry_set_filetype(entry, AE_IFREG);
    library.archive_entry_set_size(entry, static_cast<la_int64_t>(item.text.size()));
  }
}

void write_archive(int descriptor, const fs::path& output, const TreeItems& items) {
  const auto& library = archive_library();
  const Writer writer(library.archive_write_new(), library.archive_write_free);
  check(writer.get(), library.archive_write_set_format_pax_restricted(writer.get()), output);
  check(writer.get(), library.archive_write_add_filter_gzip(writer.get()), output);
  check(writer.get(), library.archive_write_open_fd(writer.get(), descriptor), output);
  for (const auto& [path, item] : items) {
    const EntryHolder entry(library.archive_entry_new(), library.archive_entry_free);
    fill_entry(entry.get(), path, item);
    check(writer.get(), library.archive_write_header(writer.get(), entry.get()), output);
    if (item.kind == TreeImage::Kind::file && !item.text.empty()) {
      check(writer.get(),
            library.archive_write_data(writer.get(), item.text.data(), item.text.size()),
            output);
    }
  }
  check(writer.get(), library.archive_write_close(writer.get()), output);
}

void write_file(const fs::path& path, const TreeItem& item) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd.valid()) {
    fail(path, errno_code());
  }
  std::string_view rest = item.text;
  while (!rest.empty()) {
    const auto count = ::write(fd.get(), rest.data(), rest.size());
    if (count < 0 && errno != EINTR) {
      fail(path, errno_code());
    }
    rest.remove_prefix(count > 0 ? static_cast<std::size_t>(count) : 0);
  }
  constexpr std::uint32_t kPermissions = 0777;
  if (::fchmod(fd.get(), item.mode & kPermissions) != 0) {
    fail(path, errno_code());
  }
}

void write_directory(const fs::path& root, const TreeItems& items) {
  for (const auto& [path, item] : items) {
    const auto full = root / path.substr(1);
    const bool is_directory = item.kind == TreeImage::Kind::directory;
    std::error_code error;
    fs::create_directories(is_directory ? full : full.parent_path(), error);
    if (!error && item.kind == TreeImage::Kind::symlink) {
      fs::create_symlink(item.text, full, error);
    }
    if (error) {
      fail(full, error);
    }
    if (item.kind == TreeImage::Kind::file) {
      write_file(full, item);
    }
  }
}

}  // namespace

void check_output(const fs::path& output) {
  if (output.empty()) {
    throw Error(
        ErrorKind::usage, "the output's name is empty", "name it FILE.tar.gz, or a directory");
  }
  const auto name = output.filename().native();
  if (!is_archive_name(name) &&
      (name.find(".tar") != std::string::npos || name.ends_with(".zip"))) {
    throw Error(ErrorKind::usage,
                fmt::format("{}: cannot write this kind of archive", output.native()),
                "name it FILE.tar.gz, or give a directory");
  }
  std::error_code ignored;
  const bool is_directory = fs::is_directory(output, ignored);
  if (is_directory && (is_archive_name(name) || !fs::is_empty(output, ignored))) {
    throw Error(ErrorKind::usage,
                fmt::format("{}: a directory with this name is there already", output.native()),
                "give a new name, or an empty directory for a tree");
  }
  if (!is_directory && !is_archive_name(name) && fs::exists(output, ignored)) {
    throw Error(ErrorKind::usage,
                fmt::format("{}: it is no directory", output.native()),
                "name it FILE.tar.gz for an archive");
  }
}

void write_tree(const fs::path& output, const TreeItems& items) {
  check_output(output);
  if (output.filename().empty()) {  // "dir/"
    write_tree(output.parent_path(), items);
    return;
  }
  auto name = temporary_name(output);
  if (!is_archive_name(output.filename().native())) {
    if (::mkdtemp(name.data()) == nullptr) {
      fail(output, errno_code());
    }
    Unfinished unfinished(name);
    write_directory(unfinished.path(), items);
    unfinished.keep_as(output);
    return;
  }
  const Fd fd(::mkostemp(name.data(), O_CLOEXEC));  // Mode 0600
  if (!fd.valid()) {
    fail(output, errno_code());
  }
  Unfinished unfinished(name);
  write_archive(fd.get(), output, items);
  if (::fsync(fd.get()) != 0) {
    fail(output, errno_code());
  }
  unfinished.keep_as(output);
}

}  // namespace irqtune
