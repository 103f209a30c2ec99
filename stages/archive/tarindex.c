#include "archive/tarindex.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "larder/mem.h"

#include "larder/banned.h"

enum { BLOCK = 512, CHUNK = 65536 };

/* What libarchive's callbacks are given. */
struct window {
    int fd;
    long long from, size, at; /* at: counted from the window's begin */
    char chunk[CHUNK];
};

static la_ssize_t on_read(struct archive *a, void *data, const void **bytes)
{
    struct window *w = data;
    long long left = w->size - w->at;
    ssize_t n =
        pread(w->fd, w->chunk, left < CHUNK ? (size_t)left : CHUNK, w->from + w->at);

    if (n < 0) {
        archive_set_error(a, EIO, "it cannot be read");
        return -1;
    }
    w->at += n;
    *bytes = w->chunk;
    return n;
}

/* Whole files are passed over; beyond the end nothing is. */
static la_int64_t on_skip(struct archive *a, void *data, la_int64_t n)
{
    struct window *w = data;

    (void)a;
    if (n > w->size - w->at)
        n = w->size - w->at;
    w->at += n;
    return n;
}

static int cut(struct error *err)
{
    return error_set(err, E_INPUT, "the tar is cut: its end is missing");
}

/* The block after the last file must be empty. */
static int check_end(const struct window *w, long long end, struct error *err)
{
    char block[BLOCK];

    if (end + BLOCK > w->size || pread(w->fd, block, BLOCK, w->from + end) != BLOCK)
        return cut(err);
    for (int i = 0; i < BLOCK; i++)
        if (block[i] != 0)
            return cut(err);
    return 0;
}

static void add(struct tarindex *t, const char *path, long long at, size_t size)
{
    const char *slash = strrchr(path, '/');

    GROW(t->file, t->n + 1, t->cap);
    t->file[t->n++] =
        (struct tarfile){ xstrdup(slash != NULL ? slash + 1 : path), at, size };
}

static int read_headers(struct tarindex *t, struct archive *a, const struct window *w,
                        struct error *err)
{
    struct archive_entry *e;
    long long end = 0;
    int rc;

    while ((rc = archive_read_next_header(a, &e)) == ARCHIVE_OK) {
        long long at = archive_filter_bytes(a, 0), size = archive_entry_size(e);

        end = at + (size + BLOCK - 1) / BLOCK * BLOCK;
        if (end > w->size)
            return cut(err);
        if (archive_entry_filetype(e) == AE_IFREG && archive_entry_pathname(e) != NULL)
            add(t, archive_entry_pathname(e), w->from + at, (size_t)size);
    }
    if (rc != ARCHIVE_EOF)
        return error_set(err, E_INPUT, "%s", archive_error_string(a));
    return check_end(w, end, err);
}

static int by_name(const void *a, const void *b)
{
    const struct tarfile *x = a, *y = b;

    return strcmp(x->name, y->name);
}

static int sort(struct tarindex *t, struct error *err)
{
    if (t->n == 0)
        return error_set(err, E_INPUT, "there is no file in the tar");
    qsort(t->file, t->n, sizeof *t->file, by_name);
    for (size_t i = 1; i < t->n; i++)
        if (strcmp(t->file[i].name, t->file[i - 1].name) == 0)
            return error_set(err, E_INPUT, "two files in the tar are called %s",
                             t->file[i].name);
    return 0;
}

int tarindex_read(struct tarindex *t, int fd, long long from, long long size,
                  struct error *err)
{
    struct window *w = xcalloc(1, sizeof *w);
    struct archive *a = archive_read_new();
    struct stat s;
    int rc = 0;

    *t = (struct tarindex){ 0 };
    if (fstat(fd, &s) < 0)
        rc = error_system(err, "cannot look at the tar");
    w->fd = fd;
    w->from = from;
    w->size = size >= 0 ? size : (long long)s.st_size - from;
    archive_read_support_format_tar(a);
    archive_read_set_skip_callback(a, on_skip);
    archive_read_set_read_callback(a, on_read);
    archive_read_set_callback_data(a, w);
    if (rc == 0 && archive_read_open1(a) != ARCHIVE_OK)
        rc = error_set(err, E_INPUT, "%s", archive_error_string(a));
    if (rc == 0)
        rc = read_headers(t, a, w, err);
    if (rc == 0)
        rc = sort(t, err);
    if (rc < 0)
        tarindex_release(t);
    archive_read_free(a);
    free(w);
    return rc;
}

void tarindex_release(struct tarindex *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->file[i].name);
    free(t->file);
    *t = (struct tarindex){ 0 };
}

int tarfile_read(const struct tarfile *f, int fd, struct buf *to, struct error *err)
{
    size_t done = 0;

    buf_reset(to);
    buf_reserve(to, f->size);
    while (done < f->size) {
        char chunk[CHUNK];
        size_t want = f->size - done < CHUNK ? f->size - done : CHUNK;
        ssize_t n = pread(fd, chunk, want, f->at + (long long)done);

        if (n < 0)
            return error_system(err, "cannot read %s", f->name);
        if (n == 0)
            return error_set(err, E_INPUT, "%s: the tar ends in it", f->name);
        buf_add(to, chunk, (size_t)n);
        done += (size_t)n;
    }
    return 0;
}
