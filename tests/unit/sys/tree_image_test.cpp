// SPDX-License-Identifier: Apache-2.0
#include "irqtune/sys/tree_image.h"

#include "irqtune/core/error.h"

#include "support/catch.h"
#include "support/hosts/captured_host.h"
#include "support/hosts/fake_tree.h"

#include <fmt/format.h>

#include <fstream>
#include <functional>
#include <memory>

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

namespace irqtune {

namespace {

using test::FakeTree;

/// One member as an attacker, or a plain tar, may write it.
struct Member {
  std::string name;
  unsigned type = AE_IFREG;
  std::string text;  // Content, or the target of a link.
  unsigned mode = 0644;
  bool hard_link = false;
};

void write_archive(const std::filesystem::path& file, const std::vector<Member>& members) {
  const std::unique_ptr<archive, int (*)(archive*)> out(archive_write_new(), archive_write_free);
  archive_write_set_format_pax_restricted(out.get());
  archive_write_add_filter_gzip(out.get());
  REQUIRE(archive_write_open_filename(out.get(), file.c_str()) == ARCHIVE_OK);
  for (const auto& member : members) {
    const std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(archive_entry_new(),
                                                                         archive_entry_free);
    archive_entry_set_pathname(entry.get(), member.name.c_str());
    archive_entry_set_filetype(entry.get(), member.type);
    archive_entry_set_perm(entry.get(), static_cast<mode_t>(member.mode));
    if (member.hard_link) {
      archive_entry_set_hardlink(entry.get(), member.text.c_str());
    } else if (member.type == AE_IFLNK) {
      archive_entry_set_symlink(entry.get(), member.text.c_str());
    } else if (member.type == AE_IFREG) {
      archive_entry_set_size(entry.get(), static_cast<la_int64_t>(member.text.size()));
    }
    REQUIRE(archive_write_header(out.get(), entry.get()) == ARCHIVE_OK);
    if (member.type == AE_IFREG && !member.hard_link) {
      archive_write_data(out.get(), member.text.data(), member.text.size());
    }
  }
  REQUIRE(archive_write_close(out.get()) == ARCHIVE_OK);
}

/// An archive in a temporary directory, loaded.
struct Loaded {
  explicit Loaded(const std::vector<Member>& members, const ImageLimits& limits = {}) {
    write_archive(tree.root() / "a.tar.gz", members);
    image = TreeImage::load(tree.root() / "a.tar.gz", limits);
  }

  /// Content behind every link, or the error's name.
  [[nodiscard]] std::string text(std::string_view path, bool follow = true) const {
    std::error_code error;
    const auto* entry = image->find(path, follow, error);
    if (entry == nullptr) {
      return error == std::errc::no_such_file_or_directory       ? "ENOENT"
             : error == std::errc::not_a_directory               ? "ENOTDIR"
             : error == std::errc::too_many_symbolic_link_levels ? "ELOOP"
                                                                 : "?";
    }
    return entry->text;
  }

  FakeTree tree;
  std::shared_ptr<const TreeImage> image;
};

std::string why_not(const std::function<void()>& load) {
  try {
    load();
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    return error.what();
  }
  return "loaded";
}

}  // namespace

TEST_CASE("TreeImage: files, modes, directories and links as they stand", "[sys]") {
  const Loaded it({{"./proc/interrupts", AE_IFREG, "CPU0\n"},
                   {"./proc/irq/24/smp_affinity_list", AE_IFREG, "0-3\n", 0644},
                   {"./proc/irq/25/smp_affinity_list", AE_IFREG, "0-3\n", 0444},
                   {"./proc/irq/24/vfio-msix[0](0000:3b:00.0)", AE_IFDIR, "", 0555},
                   {"./sys/a/driver", AE_IFLNK, "../b/real"},
                   {"./sys/b/real/name", AE_IFREG, "vfio-pci"}});
  std::error_code error;
  CHECK(it.text("/proc/interrupts") == "CPU0\n");
  CHECK(it.image->find("/proc/irq/24/smp_affinity_list", true, error)->mode == 0644);
  CHECK(it.image->find("/proc/irq/25/smp_affinity_list", true, error)->mode == 0444);
  CHECK(it.image->list("/proc/irq/24", error) ==
        std::vector<std::string>{"smp_affinity_list", "vfio-msix[0](0000:3b:00.0)"});
  CHECK(it.image->link_target("/sys/a/driver") == "../b/real");
  CHECK_FALSE(it.image->link_target("/sys/b/real"));
  CHECK(it.image->resolve("/sys/a/driver/name") == "/sys/b/real/name");
  CHECK(it.image->resolve("/") == "/");
  CHECK(it.text("/sys/a/driver/name") == "vfio-pci");
  CHECK(it.text("/sys/a/driver", false) == "../b/real");
}

TEST_CASE("TreeImage: links resolve inside the tree", "[sys]") {
  const auto [path, text] =
      GENERATE(table<std::string, std::string>({{"/sys/absolute", "inside"},
                                                {"/sys/up", "inside"},
                                                {"/sys/chain/passwd", "inside"},
                                                {"/sys/../../etc/passwd", "inside"},
                                                {"//etc/./passwd", "inside"},
                                                {"/sys/self", "ELOOP"},
                                                {"/sys/ring1/x", "ELOOP"},
                                                {"/sys/dangling", "ENOENT"},
                                                {"/etc/passwd/", "ENOTDIR"},
                                                {"/etc/passwd/x", "ENOTDIR"},
                                                {"/etc/passwd/..", "ENOTDIR"},
                                                {"/sys/absolute/", "ENOTDIR"},
                                                {"/nothing", "ENOENT"}}));
  CAPTURE(path);
  const Loaded it({{"etc/passwd", AE_IFREG, "inside"},
                   {"sys/absolute", AE_IFLNK, "/etc/passwd"},
                   {"sys/up", AE_IFLNK, "../../../../../etc/passwd"},
                   {"sys/chain", AE_IFLNK, "hop"},
                   {"sys/hop", AE_IFLNK, "/etc"},
                   {"sys/self", AE_IFLNK, "self"},
                   {"sys/ring1", AE_IFLNK, "ring2"},
                   {"sys/ring2", AE_IFLNK, "ring1"},
                   {"sys/dangling", AE_IFLNK, "gone"}});
  CHECK(it.text(path) == text);
}

TEST_CASE("TreeImage: forty links resolve, one more does not", "[sys]") {
  std::vector<Member> members{{"proc/end", AE_IFREG, "end"}};
  for (int i = 1; i <= 41; ++i) {
    members.push_back({fmt::format("proc/l{}", i),
                       AE_IFLNK,
                       i == 1 ? std::string("end") : fmt::format("l{}", i - 1)});
  }
  const Loaded it(members);
  CHECK(it.text("/proc/l40") == "end");
  CHECK(it.text("/proc/l41") == "ELOOP");
}

TEST_CASE("TreeImage: a list says why it is empty", "[sys]") {
  const Loaded it({{"proc/interrupts", AE_IFREG, "x"}, {"proc/empty", AE_IFDIR, ""}});
  std::error_code error;
  CHECK(it.image->list("/proc/empty", error).empty());
  CHECK_FALSE(error);
  CHECK(it.image->list("/proc/gone", error).empty());
  CHECK(error == std::errc::no_such_file_or_directory);
  CHECK(it.image->list("/proc/interrupts", error).empty());
  CHECK(error == std::errc::not_a_directory);
}

TEST_CASE("TreeImage: hostile members stay out", "[sys]") {
  const Loaded it({{"proc/interrupts", AE_IFREG, "good"},
                   {"../escape", AE_IFREG, "bad"},
                   {"proc/../../escape", AE_IFREG, "bad"},
                   {"/etc/absolute", AE_IFREG, "relative now"},
                   {"proc/hard", AE_IFREG, "proc/interrupts", 0644, true},
                   {"proc/fifo", AE_IFIFO, ""},
                   {"proc/null", AE_IFCHR, ""},
                   {"proc/disk", AE_IFBLK, ""},
                   {"out", AE_IFLNK, "/tmp"},
                   {"out/through-a-link", AE_IFREG, "bad"},
                   {"proc/interrupts/below-a-file", AE_IFREG, "bad"}});
  std::error_code error;
  CHECK(it.image->list("/", error) == std::vector<std::string>{"etc", "out", "proc"});
  CHECK(it.image->list("/proc", error) == std::vector<std::string>{"interrupts"});
  CHECK(it.text("/proc/interrupts") == "good");
  CHECK(it.text("/etc/absolute") == "relative now");
  CHECK(it.text("/out/through-a-link") == "ENOENT");
}

TEST_CASE("TreeImage: a later member replaces an earlier one", "[sys]") {
  const Loaded it({{"proc/a", AE_IFREG, "first"},
                   {"proc/a", AE_IFREG, "second"},
                   {"proc/d/x", AE_IFREG, "x"},
                   {"proc/d", AE_IFREG, "file"}});
  CHECK(it.text("/proc/a") == "second");
  CHECK(it.text("/proc/d") == "file");
  CHECK(it.text("/proc/d/x") == "ENOTDIR");
}

TEST_CASE("TreeImage: a tree in a directory of its own is found", "[sys]") {
  const Loaded it({{"tmp/host1/proc/interrupts", AE_IFREG, "x"},
                   {"tmp/host1/sys/link", AE_IFLNK, "/proc/interrupts"}});
  CHECK(it.text("/proc/interrupts") == "x");
  CHECK(it.text("/sys/link") == "x");
  CHECK(it.text("/../../proc/interrupts") == "x");
  CHECK(it.image->resolve("/sys/link") == "/proc/interrupts");
}

TEST_CASE("TreeImage: what is no snapshot is refused by name", "[sys]") {
  const FakeTree tree{{"/text", "hello\n"}, {"/empty", ""}};
  const auto file = GENERATE(as<std::string>{}, "text", "empty", "gone", ".");
  CAPTURE(file);
  const auto path = (tree.root() / file).string();
  CHECK_THAT(why_not([&] { static_cast<void>(TreeImage::load(path)); }), Catch::StartsWith(path));
}

TEST_CASE("TreeImage: a FIFO in the file's place does not hang", "[sys]") {
  const FakeTree tree;
  const auto path = tree.root() / "fifo";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  CHECK_THAT(why_not([&] { static_cast<void>(TreeImage::load(path)); }),
             Catch::Contains("not a regular file"));
}

TEST_CASE("TreeImage: an archive without a tree is refused", "[sys]") {
  CHECK_THAT(why_not([] {
               const Loaded it({{"src/main.c", AE_IFREG, "x"}});
             }),
             Catch::Contains("no proc or sys"));
  CHECK_THAT(why_not([] { const Loaded it({}); }), Catch::Contains("no proc or sys"));
}

TEST_CASE("TreeImage: a damaged archive is refused", "[sys]") {
  const FakeTree tree;
  const auto path = tree.root() / "cut.tar.gz";
  std::string noise;  // Does not compress, so that the cut falls into its bytes.
  for (unsigned i = 0, x = 1; i < 100000; ++i) {
    x = x * 1664525U + 1013904223U;
    noise += static_cast<char>(x >> 24);
  }
  write_archive(path, {{"proc/interrupts", AE_IFREG, noise}});
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  CHECK_THAT(why_not([&] { static_cast<void>(TreeImage::load(path)); }),
             Catch::Contains("not a snapshot"));
}

TEST_CASE("TreeImage: limits hold", "[sys]") {
  const std::string big(3 << 20, '\0');
  const auto load = [](const std::vector<Member>& members, const ImageLimits& limits) {
    return why_not([&] { const Loaded it(members, limits); });
  };
  CHECK_THAT(load({{"proc/a", AE_IFREG, big}}, {100, 100 << 20, 2 << 20}),
             Catch::Contains("a member has more than 2 MiB"));
  CHECK_THAT(load({{"proc/a", AE_IFREG, big}, {"proc/b", AE_IFREG, big}}, {100, 5 << 20, 4 << 20}),
             Catch::Contains("unpacks to more than 5 MiB"));
  CHECK_THAT(load({{"proc/a", AE_IFREG, ""}, {"proc/a", AE_IFREG, ""}, {"proc/a", AE_IFREG, ""}},
                  {2, 100, 100}),
             Catch::Contains("more than 2 members"));
  CHECK_THAT(load({{"proc/1/2/3/4/5/6/7", AE_IFREG, ""}}, {5, 100, 100}),
             Catch::Contains("more than 5 entries"));
  const auto name = "proc/" + std::string(4000, 'n');
  CHECK_THAT(load({{name + "1", AE_IFREG, ""}, {name + "2", AE_IFREG, ""}}, {100, 5000, 100}),
             Catch::Contains("unpacks to more than"));
}

TEST_CASE("TreeImage: a captured host loads whole", "[sys]") {
  const auto image = TreeImage::load(test::capture_file("two-vms"));
  std::error_code error;
  CHECK(image->list("/sys/bus/pci/devices", error).size() > 10);
  CHECK(image->resolve("/sys/bus/pci/devices/0000:22:00.0")
            .value_or("")
            .starts_with("/sys/devices/pci0000:20/"));
}

}  // namespace irqtune
