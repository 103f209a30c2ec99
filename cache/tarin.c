#include "tarin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "larder/io.h"
#include "larder/mem.h"

#include "larder/banned.h"

enum { CHUNK = 256 << 10 };

static la_ssize_t read_file(struct archive *a, void *self, const void **bytes)
{
    struct tarin *t = self;
    ssize_t n;

    (void)a;
    *bytes = t->chunk;
    n = io_read(t->fd, t->chunk, CHUNK);
    if (n < 0)
        error_system(&t->why, "cannot read %s", t->path);
    else
        moved_tell(&t->moved, (size_t)n);
    return n;
}

static int broken(const struct tarin *t, struct error *err)
{
    const char *why = t->archive ? t->lib->error_string(t->archive) : NULL;

    if (t->why.code)
        return error_set(err, t->why.code, "%s", t->why.text);
    return error_set(err, E_CORRUPT, "%s", why ? why : "it cannot be read");
}

static int open_archive(struct tarin *t, struct error *err)
{
    int rc = libarchive_open(&t->lib, err);

    if (rc < 0)
        return rc;
    t->chunk = xmalloc(CHUNK);
    t->archive = t->lib->read_new();
    if (!t->archive || t->lib->read_filter(t->archive) != ARCHIVE_OK ||
        t->lib->read_format(t->archive) != ARCHIVE_OK ||
        t->lib->read_open(t->archive, t, NULL, read_file, NULL) != ARCHIVE_OK)
        return broken(t, err);
    return 0;
}

int tarin_open(struct tarin *t, const char *path, struct error *err)
{
    struct stat s;

    t->path = path;
    t->fd = io_open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
    if (t->fd < 0 && errno == ENOENT)
        return error_set(err, E_INPUT, "there is no file %s", path);
    if (t->fd < 0 || io_fstat(t->fd, &s) < 0)
        return error_system(err, "cannot read %s", path);
    if (!S_ISREG(s.st_mode))
        return error_set(err, E_INPUT, "%s is no file: a bundle is one", path);
    posix_fadvise(t->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    t->file_size = s.st_size;
    return open_archive(t, err);
}

int tarin_next(struct tarin *t, const char **name, struct error *err)
{
    struct archive_entry *e;
    int status = t->lib->read_next_header(t->archive, &e);

    t->at = 0;
    if (status == ARCHIVE_EOF)
        return TARIN_END;
    if (status != ARCHIVE_OK)
        return broken(t, err);
    *name = t->lib->entry_pathname(e);
    t->size = t->lib->entry_size(e);
    if (!*name || t->lib->entry_filetype(e) != AE_IFREG || t->lib->entry_hardlink(e) ||
        t->lib->entry_symlink(e) || t->lib->entry_sparse_count(e) ||
        !t->lib->entry_size_is_set(e) || t->size < 0)
        return error_set(err, E_CORRUPT, "it holds something else than plain files");
    return TARIN_ENTRY;
}

int tarin_read(struct tarin *t, const void **bytes, size_t *n, struct error *err)
{
    la_int64_t at = t->at;
    int status = t->lib->read_data_block(t->archive, bytes, n, &at);

    if (status == ARCHIVE_EOF) {
        *n = 0;
        return t->at == t->size ? 0 : broken(t, err);
    }
    if (status != ARCHIVE_OK || at != t->at || (long long)*n > t->size - t->at)
        return broken(t, err);
    t->at += (long long)*n;
    return 0;
}

void tarin_release(struct tarin *t)
{
    if (t->archive)
        t->lib->read_free(t->archive);
    if (t->path && t->fd >= 0)
        io_close(t->fd);
    free(t->chunk);
    *t = (struct tarin){ 0 };
}
