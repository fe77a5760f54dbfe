// SPDX-License-Identifier: Apache-2.0
#include "sys/libraries/archive_library.h"

namespace irqtune {

const ArchiveLibrary& archive_library() {
  // In the static build the functions are part of the program.
  static constexpr ArchiveLibrary kLibrary = {
      &::archive_entry_filetype,
      &::archive_entry_free,
      &::archive_entry_hardlink,
      &::archive_entry_new,
      &::archive_entry_pathname,
      &::archive_entry_pathname_utf8,
      &::archive_entry_perm,
      &::archive_entry_set_filetype,
      &::archive_entry_set_mtime,
      &::archive_entry_set_pathname,
      &::archive_entry_set_perm,
      &::archive_entry_set_size,
      &::archive_entry_set_symlink,
      &::archive_entry_size,
      &::archive_entry_symlink,
      &::archive_entry_symlink_utf8,
      &::archive_errno,
      &::archive_error_string,
      &::archive_read_data,
      &::archive_read_free,
      &::archive_read_new,
      &::archive_read_next_header,
      &::archive_read_open_fd,
      &::archive_read_support_filter_bzip2,
      &::archive_read_support_filter_gzip,
      &::archive_read_support_filter_xz,
      &::archive_read_support_filter_zstd,
      &::archive_read_support_format_tar,
      &::archive_write_add_filter_gzip,
      &::archive_write_close,
      &::archive_write_data,
      &::archive_write_free,
      &::archive_write_header,
      &::archive_write_new,
      &::archive_write_open_fd,
      &::archive_write_set_format_pax_restricted,
  };
  return kLibrary;
}

}  // namespace irqtune
