#include "tarout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "larder/buf.h"
#include "larder/fs.h"
#include "larder/io.h"
#include "larder/mem.h"

#include "larder/banned.h"

enum {
    ENTRY_MODE = 0444,
    BLOCK = 256 << 10, /* bytes that are written at once */
    THREADS_MAX = 8,
};

/* What the compressor gave; an error is kept, since libarchive would not. */
static la_ssize_t write_file(struct archive *a, void *self, const void *bytes, size_t n)
{
    struct tarout *t = self;

    (void)a;
    if (fs_write_all(t->fd, bytes, n) < 0) {
        error_system(&t->why, "cannot write %s", t->path);
        return -1;
    }
    t->written += (long long)n;
    return (la_ssize_t)n;
}

static int refused(const struct tarout *t, struct error *err)
{
    const char *why = t->archive ? t->lib->error_string(t->archive) : NULL;

    if (t->why.code)
        return error_set(err, t->why.code, "%s", t->why.text);
    return error_set(err, E_SYSTEM, "cannot write %s: libarchive: %s", t->path,
                     why ? why : "it has no memory");
}

static int open_file(struct tarout *t, const char *path, struct error *err)
{
    struct buf temp = { 0 };

    t->path = xstrdup(path);
    buf_printf(&temp, "%s.XXXXXX", path);
    t->fd = io_mkostemp(temp.s, O_CLOEXEC);
    if (t->fd < 0)
        error_system(err, "cannot write %s", path);
    else
        t->temp = buf_take(&temp);
    buf_release(&temp);
    return t->fd < 0 ? E_SYSTEM : 0;
}

/* The bytes are the same with any number of threads of zstd, from one on. A libarchive
 * that has no such option compresses by itself, to others. */
static void set_threads(struct tarout *t)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    char number[8];

    snprintf(number, sizeof number, "%ld", n < 1 ? 1 : n > THREADS_MAX ? THREADS_MAX : n);
    t->lib->write_set_option(t->archive, "zstd", "threads", number);
}

int tarout_open(struct tarout *t, const char *path, struct error *err)
{
    int rc = libarchive_open(&t->lib, err);

    t->fd = -1;
    if (rc == 0)
        rc = open_file(t, path, err);
    if (rc < 0)
        return rc;
    t->archive = t->lib->write_new();
    t->entry = t->lib->entry_new();
    if (!t->archive || !t->entry || t->lib->write_set_format(t->archive) != ARCHIVE_OK ||
        t->lib->write_add_filter(t->archive) != ARCHIVE_OK ||
        t->lib->write_set_option(t->archive, "zstd", "compression-level", "3") !=
            ARCHIVE_OK)
        return refused(t, err);
    set_threads(t);
    if (t->lib->write_set_block(t->archive, BLOCK) != ARCHIVE_OK ||
        t->lib->write_set_last_block(t->archive, 1) != ARCHIVE_OK ||
        t->lib->write_open(t->archive, t, NULL, write_file, NULL) != ARCHIVE_OK)
        return refused(t, err);
    return 0;
}

int tarout_begin(struct tarout *t, const char *name, long long size, struct error *err)
{
    t->lib->entry_set_pathname(t->entry, name);
    t->lib->entry_set_size(t->entry, size);
    t->lib->entry_set_filetype(t->entry, AE_IFREG);
    t->lib->entry_set_perm(t->entry, ENTRY_MODE);
    t->lib->entry_set_mtime(t->entry, 0, 0);
    return t->lib->write_header(t->archive, t->entry) == ARCHIVE_OK ? 0 : refused(t, err);
}

int tarout_add(struct tarout *t, const void *bytes, size_t n, struct error *err)
{
    t->taken += (long long)n;
    moved_tell(&t->moved, n);
    return t->lib->write_data(t->archive, bytes, n) == (la_ssize_t)n ? 0
                                                                     : refused(t, err);
}

int tarout_close(struct tarout *t, struct error *err)
{
    mode_t mask = umask(0);

    umask(mask);
    if (t->lib->write_close(t->archive) != ARCHIVE_OK)
        return refused(t, err);
    if (io_fchmod(t->fd, 0666 & ~mask) < 0)
        return error_system(err, "cannot write %s", t->path);
    if (io_close(t->fd) < 0) {
        t->fd = -1;
        return error_system(err, "cannot write %s", t->path);
    }
    t->fd = -1;
    return 0;
}

int tarout_publish(struct tarout *t, struct error *err)
{
    if (io_rename(t->temp, t->path) < 0)
        return error_system(err, "cannot write %s", t->path);
    free(t->temp);
    t->temp = NULL;
    return 0;
}

void tarout_release(struct tarout *t)
{
    if (t->entry)
        t->lib->entry_free(t->entry);
    if (t->archive)
        t->lib->write_free(t->archive);
    if (t->lib && t->fd >= 0)
        io_close(t->fd);
    if (t->temp)
        io_unlink(t->temp);
    free(t->temp);
    free(t->path);
    *t = (struct tarout){ 0 };
}
