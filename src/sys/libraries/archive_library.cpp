// SPDX-License-Identifier: Apache-2.0
#include "sys/libraries/archive_library.h"

#include "sys/libraries/library.h"

namespace irqtune {

namespace {

ArchiveLibrary load() {
  const Library loader(IRQTUNE_LIBARCHIVE,
                       "libarchive",
                       "install it (Debian: libarchive13), or use a directory as the snapshot");
  ArchiveLibrary library{};
  loader.find("archive_entry_filetype", library.archive_entry_filetype);
  loader.find("archive_entry_free", library.archive_entry_free);
  loader.find("archive_entry_hardlink", library.archive_entry_hardlink);
  loader.find("archive_entry_new", library.archive_entry_new);
  loader.find("archive_entry_pathname", library.archive_entry_pathname);
  loader.find("archive_entry_pathname_utf8", library.archive_entry_pathname_utf8);
  loader.find("archive_entry_perm", library.archive_entry_perm);
  loader.find("archive_entry_set_filetype", library.archive_entry_set_filetype);
  loader.find("archive_entry_set_mtime", library.archive_entry_set_mtime);
  loader.find("archive_entry_set_pathname", library.archive_entry_set_pathname);
  loader.find("archive_entry_set_perm", library.archive_entry_set_perm);
  loader.find("archive_entry_set_size", library.archive_entry_set_size);
  loader.find("archive_entry_set_symlink", library.archive_entry_set_symlink);
  loader.find("archive_entry_size", library.archive_entry_size);
  loader.find("archive_entry_symlink", library.archive_entry_symlink);
  loader.find("archive_entry_symlink_utf8", library.archive_entry_symlink_utf8);
  loader.find("archive_errno", library.archive_errno);
  loader.find("archive_error_string", library.archive_error_string);
  loader.find("archive_read_data", library.archive_read_data);
  loader.find("archive_read_free", library.archive_read_free);
  loader.find("archive_read_new", library.archive_read_new);
  loader.find("archive_read_next_header", library.archive_read_next_header);
  loader.find("archive_read_open_fd", library.archive_read_open_fd);
  loader.find("archive_read_support_filter_bzip2", library.archive_read_support_filter_bzip2);
  loader.find("archive_read_support_filter_gzip", library.archive_read_support_filter_gzip);
  loader.find("archive_read_support_filter_xz", library.archive_read_support_filter_xz);
  loader.find("archive_read_support_filter_zstd", library.archive_read_support_filter_zstd);
  loader.find("archive_read_support_format_tar", library.archive_read_support_format_tar);
  loader.find("archive_write_add_filter_gzip", library.archive_write_add_filter_gzip);
  loader.find("archive_write_close", library.archive_write_close);
  loader.find("archive_write_data", library.archive_write_data);
  loader.find("archive_write_free", library.archive_write_free);
  loader.find("archive_write_header", library.archive_write_header);
  loader.find("archive_write_new", library.archive_write_new);
  loader.find("archive_write_open_fd", library.archive_write_open_fd);
  loader.find("archive_write_set_format_pax_restricted",
              library.archive_write_set_format_pax_restricted);
  return library;
}

}  // namespace

const ArchiveLibrary& archive_library() {
  static const ArchiveLibrary kLibrary = load();
  return kLibrary;
}

}  // namespace irqtune
