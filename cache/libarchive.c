#include "libarchive.h"

#include <stdbool.h>

#include "library.h"

#include "larder/banned.h"

static struct libarchive calls;

static const struct library_call wanted[] = {
    { "archive_error_string", &calls.error_string },
    { "archive_write_new", &calls.write_new },
    { "archive_write_set_format_pax_restricted", &calls.write_set_format },
    { "archive_write_add_filter_zstd", &calls.write_add_filter },
    { "archive_write_set_filter_option", &calls.write_set_option },
    { "archive_write_set_bytes_per_block", &calls.write_set_block },
    { "archive_write_set_bytes_in_last_block", &calls.write_set_last_block },
    { "archive_write_open", &calls.write_open },
    { "archive_write_header", &calls.write_header },
    { "archive_write_data", &calls.write_data },
    { "archive_write_close", &calls.write_close },
    { "archive_write_free", &calls.write_free },
    { "archive_read_new", &calls.read_new },
    { "archive_read_support_filter_zstd", &calls.read_filter },
    { "archive_read_support_format_tar", &calls.read_format },
    { "archive_read_open", &calls.read_open },
    { "archive_read_next_header", &calls.read_next_header },
    { "archive_read_data_block", &calls.read_data_block },
    { "archive_read_free", &calls.read_free },
    { "archive_entry_new", &calls.entry_new },
    { "archive_entry_free", &calls.entry_free },
    { "archive_entry_set_pathname", &calls.entry_set_pathname },
    { "archive_entry_set_size", &calls.entry_set_size },
    { "archive_entry_set_filetype", &calls.entry_set_filetype },
    { "archive_entry_set_perm", &calls.entry_set_perm },
    { "archive_entry_set_mtime", &calls.entry_set_mtime },
    { "archive_entry_pathname", &calls.entry_pathname },
    { "archive_entry_size", &calls.entry_size },
    { "archive_entry_size_is_set", &calls.entry_size_is_set },
    { "archive_entry_filetype", &calls.entry_filetype },
    { "archive_entry_hardlink", &calls.entry_hardlink },
    { "archive_entry_symlink", &calls.entry_symlink },
    { "archive_entry_sparse_count", &calls.entry_sparse_count },
};

int libarchive_open(const struct libarchive **lib, struct error *err)
{
    static bool opened;

    *lib = &calls;
    if (opened)
        return 0;
    opened = library_open("libarchive.so.13", wanted, sizeof wanted / sizeof *wanted);
    if (opened)
        return 0;
    return error_set(err, E_SYSTEM,
                     "bundles need libarchive, and libarchive.so.13 cannot be opened; "
                     "install it (Debian: libarchive13)");
}
