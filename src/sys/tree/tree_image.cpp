// SPDX-License-Identifier: Apache-2.0
#include "irqtune/sys/tree_image.h"

#include "irqtune/core/error.h"
#include "irqtune/core/text.h"

#include "sys/fd.h"
#include "sys/libraries/archive_library.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace irqtune {

namespace {

/// Longest path and link target; longer ones are no paths to the kernel either.
constexpr std::size_t kMaxPath = 4095;

constexpr std::string_view kHint =
    "a snapshot is what `irqtune snapshot -o FILE.tar.gz` wrote; a directory will do as well";

struct ArchiveCloser {
  void operator()(archive* reader) const noexcept { archive_library().archive_read_free(reader); }
};

using ArchiveReader = std::unique_ptr<archive, ArchiveCloser>;

bool has_tree(const TreeImage::Entry& directory) {
  return std::ranges::any_of(std::array{"proc", "sys", "etc", "run"}, [&](const char* name) {
    const auto found = directory.children.find(std::string_view(name));
    return found != directory.children.end() && found->second->kind == TreeImage::Kind::directory;
  });
}

}  // namespace

/// Puts an archive's members together into a TreeImage.
class ImageBuilder {
 public:
  ImageBuilder(const std::filesystem::path& file, const ImageLimits& limits)
      : file_(file.string()), limits_(limits), image_(new_image()) {
    auto& root = image_->entries_.emplace_back();
    root.parent = &root;
  }

  std::shared_ptr<const TreeImage> read() {
    const Fd input(::open(file_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));

    struct stat status {};

    if (input.get() < 0 || ::fstat(input.get(), &status) != 0) {
      const std::error_code code(errno, std::generic_category());
      throw Error::system(ErrorKind::usage, file_, "cannot open", code);
    }
    if (!S_ISREG(status.st_mode)) {
      fail("it is not a regular file");
    }
    open_reader(input.get());
    archive_entry* member = nullptr;
    while (next_member(member)) {
      add_member(member);
    }
    image_->root_ = find_root();
    return std::move(image_);
  }

 private:
  [[noreturn]] void fail(std::string_view why) const {
    throw Error(
        ErrorKind::usage, fmt::format("{}: not a snapshot: {}", file_, why), std::string(kHint));
  }

  [[noreturn]] void fail_reading() const {
    const char* why = library_.archive_error_string(reader_.get());
    fail(why != nullptr ? printable(why) : "it cannot be read");
  }

  static std::shared_ptr<TreeImage> new_image() {
    struct Public : TreeImage {};  // make_shared cannot call a private constructor.

    return std::make_shared<Public>();
  }

  void open_reader(int descriptor) {
    reader_.reset(library_.archive_read_new());
    auto* reader = reader_.get();
    if (reader == nullptr) {
      fail("out of memory");
    }
    // Named one by one: the "all" of libarchive runs other programs for exotic filters.
    library_.archive_read_support_filter_gzip(reader);
    library_.archive_read_support_filter_bzip2(reader);
    library_.archive_read_support_filter_xz(reader);
    library_.archive_read_support_filter_zstd(reader);
    library_.archive_read_support_format_tar(reader);
    constexpr std::size_t kBlock = std::size_t{64} << 10;
    if (library_.archive_read_open_fd(reader, descriptor, kBlock) != ARCHIVE_OK) {
      fail_reading();
    }
  }

  bool next_member(archive_entry*& member) {
    const int result = library_.archive_read_next_header(reader_.get(), &member);
    if (result == ARCHIVE_EOF) {
      return false;
    }
    // A warning is about a name in another character set: the bytes will do.
    if (result != ARCHIVE_OK && result != ARCHIVE_WARN) {
      fail_reading();
    }
    if (++members_ > limits_.entries) {
      fail(fmt::format("it has more than {} members", limits_.entries));
    }
    check_size(library_.archive_entry_size(member));
    check_names(member);
    return true;
  }

  /// Looks at what a member says of itself, before a byte of it is unpacked (or skipped).
  void check_size(std::int64_t size) {
    const auto bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(size, 0));
    if (bytes > limits_.file_bytes) {
      fail(fmt::format("a member has more than {} MiB", limits_.file_bytes >> 20));
    }
    total_ += bytes;
    check_total();
  }

  /// Names and link targets are kept, too.
  void check_names(archive_entry* member) {
    for (const char* text :
         {library_.archive_entry_pathname(member), library_.archive_entry_symlink(member)}) {
      total_ += text != nullptr ? std::min(std::strlen(text), kMaxPath) : 0;
    }
    check_total();
  }

  void check_total() const {
    if (total_ > limits_.total_bytes) {
      fail(fmt::format("it unpacks to more than {} MiB", limits_.total_bytes >> 20));
    }
  }

  void add_member(archive_entry* member) {
    const char* name = library_.archive_entry_pathname(member);
    if (name == nullptr) {
      name = library_.archive_entry_pathname_utf8(member);
    }
    if (name == nullptr || library_.archive_entry_hardlink(member) != nullptr) {
      return;
    }
    switch (library_.archive_entry_filetype(member)) {
      case AE_IFREG:
        if (auto* entry = make(name, TreeImage::Kind::file)) {
          entry->mode = library_.archive_entry_perm(member);
          entry->text = read_data();
        }
        break;
      case AE_IFDIR:
        if (auto* entry = make(name, TreeImage::Kind::directory)) {
          entry->mode = library_.archive_entry_perm(member);
        }
        break;
      case AE_IFLNK:
        add_link(name, member);
        break;
      default:  // Devices, FIFOs and sockets have no place in a tree that is only read.
        break;
    }
  }

  void add_link(std::string_view name, archive_entry* member) {
    const char* target = library_.archive_entry_symlink(member);
    if (target == nullptr) {
      target = library_.archive_entry_symlink_utf8(member);
    }
    if (target == nullptr || *target == '\0' || std::string_view(target).size() > kMaxPath) {
      return;
    }
    if (auto* entry = make(name, TreeImage::Kind::symlink)) {
      entry->mode = 0777;
      entry->text = target;
    }
  }

  std::string read_data() {
    std::string data;
    std::array<char, std::size_t{64} << 10> buffer{};
    while (true) {
      const auto size = library_.archive_read_data(reader_.get(), buffer.data(), buffer.size());
      if (size < 0) {
        fail_reading();
      }
      if (size == 0) {
        return data;
      }
      data.append(buffer.data(), static_cast<std::size_t>(size));
      if (data.size() > limits_.file_bytes) {
        fail(fmt::format("a member has more than {} MiB", limits_.file_bytes >> 20));
      }
    }
  }

  /// The entry at `path`, made with the directories above it; a later member replaces an earlier
  /// one. nullptr if the path is not one of a tree's.
  TreeImage::Entry* make(std::string_view path, TreeImage::Kind kind) {
    if (path.size() > kMaxPath) {
      return nullptr;
    }
    auto parts = split(path, '/');
    std::erase_if(parts, [](std::string_view part) { return part.empty() || part == "."; });
    if (std::ranges::find(parts, "..") != parts.end()) {
      return nullptr;
    }
    auto* entry = &image_->entries_.front();
    if (parts.empty()) {
      return kind == TreeImage::Kind::directory ? entry : nullptr;
    }
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      entry = child(*entry, parts[i]);
      if (entry->kind != TreeImage::Kind::directory) {
        return nullptr;
      }
    }
    entry = child(*entry, parts.back());
    entry->text.clear();
    if (kind != TreeImage::Kind::directory) {
      entry->children.clear();
    }
    entry->kind = kind;
    return entry;
  }

  /// The child called `name`, made as a directory if there is none.
  TreeImage::Entry* child(TreeImage::Entry& directory, std::string_view name) {
    if (const auto found = directory.children.find(name); found != directory.children.end()) {
      return found->second;
    }
    if (image_->entries_.size() > limits_.entries) {
      fail(fmt::format("it has more than {} entries", limits_.entries));
    }
    auto* entry = &image_->entries_.emplace_back();
    const auto placed = directory.children.emplace(name, entry).first;
    entry->name = placed->first;
    entry->parent = &directory;
    return entry;
  }

  /// Where the tree begins: at the top, or in the one directory that holds it.
  TreeImage::Entry* find_root() {
    auto* root = &image_->entries_.front();
    while (!has_tree(*root)) {
      if (root->children.size() != 1) {
        fail("it has no proc or sys directory");
      }
      root = root->children.begin()->second;
    }
    root->name = {};
    root->parent = root;
    return root;
  }

  const ArchiveLibrary& library_ = archive_library();
  std::string file_;
  ImageLimits limits_;
  std::shared_ptr<TreeImage> image_;
  ArchiveReader reader_;
  std::size_t members_ = 0;
  std::uint64_t total_ = 0;
};

std::shared_ptr<const TreeImage> TreeImage::load(const std::filesystem::path& file,
                                                 const ImageLimits& limits) {
  return ImageBuilder(file, limits).read();
}

}  // namespace irqtune
