/*
 * libarchive - its calls, opened when the first of them is needed and not with the
 * program (docs/adr/0007).
 */
#ifndef CACHE_LIBARCHIVE_H
#define CACHE_LIBARCHIVE_H

#include <archive.h>
#include <archive_entry.h>

#include "larder/error.h"

struct libarchive {
    __typeof__(archive_error_string) *error_string;
    __typeof__(archive_write_new) *write_new;
    __typeof__(archive_write_set_format_pax_restricted) *write_set_format;
    __typeof__(archive_write_add_filter_zstd) *write_add_filter;
    __typeof__(archive_write_set_filter_option) *write_set_option;
    __typeof__(archive_write_set_bytes_per_block) *write_set_block;
    __typeof__(archive_write_set_bytes_in_last_block) *write_set_last_block;
    __typeof__(archive_write_open) *write_open;
    __typeof__(archive_write_header) *write_header;
    __typeof__(archive_write_data) *write_data;
    __typeof__(archive_write_close) *write_close;
    __typeof__(archive_write_free) *write_free;
    __typeof__(archive_read_new) *read_new;
    __typeof__(archive_read_support_filter_zstd) *read_filter;
    __typeof__(archive_read_support_format_tar) *read_format;
    __typeof__(archive_read_open) *read_open;
    __typeof__(archive_read_next_header) *read_next_header;
    __typeof__(archive_read_data_block) *read_data_block;
    __typeof__(archive_read_free) *read_free;
    __typeof__(archive_entry_new) *entry_new;
    __typeof__(archive_entry_free) *entry_free;
    __typeof__(archive_entry_set_pathname) *entry_set_pathname;
    __typeof__(archive_entry_set_size) *entry_set_size;
    __typeof__(archive_entry_set_filetype) *entry_set_filetype;
    __typeof__(archive_entry_set_perm) *entry_set_perm;
    __typeof__(archive_entry_set_mtime) *entry_set_mtime;
    __typeof__(archive_entry_pathname) *entry_pathname;
    __typeof__(archive_entry_size) *entry_size;
    __typeof__(archive_entry_size_is_set) *entry_size_is_set;
    __typeof__(archive_entry_filetype) *entry_filetype;
    __typeof__(archive_entry_hardlink) *entry_hardlink;
    __typeof__(archive_entry_symlink) *entry_symlink;
    __typeof__(archive_entry_sparse_count) *entry_sparse_count;
};

/* *lib is valid until the program ends. E_SYSTEM where there is no libarchive. */
int libarchive_open(const struct libarchive **lib, struct error *err);

#endif
