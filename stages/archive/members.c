#include "archive/members.h"

#include <string.h>

#include <archive.h>
#include <archive_entry.h>

#include "larder/banned.h"

static int read_member(struct buf *to, struct archive *a, const char *name,
                       size_t largest, struct error *err)
{
    char chunk[65536];
    la_ssize_t n;

    while ((n = archive_read_data(a, chunk, sizeof chunk)) > 0 && to->len <= largest)
        buf_add(to, chunk, (size_t)n);
    if (n != 0)
        return error_set(err, E_INPUT, "%s in it: %s", name,
                         n < 0 ? archive_error_string(a) : "too large");
    return 0;
}

/* The place of a path's last part among the names; n when it is none of them. */
static size_t find_name(const char *path, const char *const *name, size_t n)
{
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    size_t i = 0;

    while (slash != NULL && i < n && strcmp(slash + 1, name[i]) != 0)
        i++;
    return slash != NULL ? i : n;
}

int members_read(const char *path, const char *const *name, size_t n, size_t largest,
                 struct buf *to, struct error *err)
{
    struct archive *a = archive_read_new();
    struct archive_entry *e;
    int rc = 0, status = ARCHIVE_OK;

    archive_read_support_filter_gzip(a);
    archive_read_support_format_tar(a);
    if (archive_read_open_filename(a, path, 65536) != ARCHIVE_OK)
        rc = error_set(err, E_INPUT, "%s", archive_error_string(a));
    while (rc == 0 && (status = archive_read_next_header(a, &e)) == ARCHIVE_OK) {
        size_t i = find_name(archive_entry_pathname(e), name, n);

        if (i < n)
            rc = read_member(&to[i], a, name[i], largest, err);
    }
    if (rc == 0 && status != ARCHIVE_EOF)
        rc = error_set(err, E_INPUT, "%s", archive_error_string(a));
    for (size_t i = 0; i < n && rc == 0; i++)
        if (to[i].len == 0)
            rc = error_set(err, E_INPUT, "there is no %s in it", name[i]);
    archive_read_free(a);
    return rc;
}
