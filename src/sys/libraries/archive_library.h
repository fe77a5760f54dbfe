// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <archive.h>
#include <archive_entry.h>

namespace irqtune {

/// The functions of libarchive that irqtune calls, by libarchive's own names. The library is loaded
/// when a snapshot is read or written, and not by each start of the program: with the libraries
/// that it needs in turn it takes the dynamic linker as long as all others together.
struct ArchiveLibrary {
  // NOLINTBEGIN(readability-identifier-naming)
  decltype(&::archive_entry_filetype) archive_entry_filetype;
  decltype(&::archive_entry_free) archive_entry_free;
  decltype(&::archive_entry_hardlink) archive_entry_hardlink;
  decltype(&::archive_entry_new) archive_entry_new;
  decltype(&::archive_entry_pathname) archive_entry_pathname;
  decltype(&::archive_entry_pathname_utf8) archive_entry_pathname_utf8;
  decltype(&::archive_entry_perm) archive_entry_perm;
  decltype(&::archive_entry_set_filetype) archive_entry_set_filetype;
  decltype(&::archive_entry_set_mtime) archive_entry_set_mtime;
  decltype(&::archive_entry_set_pathname) archive_entry_set_pathname;
  decltype(&::archive_entry_set_perm) archive_entry_set_perm;
  decltype(&::archive_entry_set_size) archive_entry_set_size;
  decltype(&::archive_entry_set_symlink) archive_entry_set_symlink;
  decltype(&::archive_entry_size) archive_entry_size;
  decltype(&::archive_entry_symlink) archive_entry_symlink;
  decltype(&::archive_entry_symlink_utf8) archive_entry_symlink_utf8;
  decltype(&::archive_errno) archive_errno;
  decltype(&::archive_error_string) archive_error_string;
  decltype(&::archive_read_data) archive_read_data;
  decltype(&::archive_read_free) archive_read_free;
  decltype(&::archive_read_new) archive_read_new;
  decltype(&::archive_read_next_header) archive_read_next_header;
  decltype(&::archive_read_open_fd) archive_read_open_fd;
  decltype(&::archive_read_support_filter_bzip2) archive_read_support_filter_bzip2;
  decltype(&::archive_read_support_filter_gzip) archive_read_support_filter_gzip;
  decltype(&::archive_read_support_filter_xz) archive_read_support_filter_xz;
  decltype(&::archive_read_support_filter_zstd) archive_read_support_filter_zstd;
  decltype(&::archive_read_support_format_tar) archive_read_support_format_tar;
  decltype(&::archive_write_add_filter_gzip) archive_write_add_filter_gzip;
  decltype(&::archive_write_close) archive_write_close;
  decltype(&::archive_write_data) archive_write_data;
  decltype(&::archive_write_free) archive_write_free;
  decltype(&::archive_write_header) archive_write_header;
  decltype(&::archive_write_new) archive_write_new;
  decltype(&::archive_write_open_fd) archive_write_open_fd;
  decltype(&::archive_write_set_format_pax_restricted) archive_write_set_format_pax_restricted;
  // NOLINTEND(readability-identifier-naming)
};

/// Loads the library at the first call. Throws Error{host} if it is not installed or lacks one of
/// the functions.
[[nodiscard]] const ArchiveLibrary& archive_library();

}  // namespace irqtune
