#include "tempfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "larder/fs.h"
#include "larder/io.h"
#include "layout.h"

#include "larder/banned.h"

/* A file without a name. False where the file system has no such thing. */
static bool open_unnamed(struct tempfile *t, struct store *st)
{
    if (st->named_temps)
        return false;
    t->fd = io_openat(st->dir, "tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, OBJECT_MODE);
    if (t->fd < 0) { /* whatever it is, the other way will tell */
        st->named_temps = true;
        return false;
    }
    t->st = st;
    return true;
}

int tempfile_open(struct tempfile *t, struct store *st, struct error *err)
{
    struct buf path = { 0 };

    if (open_unnamed(t, st))
        return 0;
    for (int attempt = 0; attempt < 100; attempt++) {
        buf_reset(&path);
        buf_printf(&path, "%s/tmp/", st->path);
        layout_random(&path, 8);
        t->fd = io_open(path.s, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, OBJECT_MODE);
        if (t->fd >= 0) {
            t->path = buf_take(&path);
            t->st = st;
            return 0;
        }
        if (errno != EEXIST)
            break;
    }
    error_system(err, "cannot write in the store: %s", path.s);
    buf_release(&path);
    return E_SYSTEM;
}

int tempfile_cannot_write(const struct tempfile *t, struct error *err)
{
    return error_system(err, "cannot write in the store: %s",
                        t->path ? t->path : t->st->path);
}

/* Alone in a file that still has its name: whoever had it before may have published it.
 */
static bool is_ours(int fd, const char *path)
{
    struct flock lock = { .l_type = F_WRLCK };
    struct stat s, at;

    return io_lock(fd, &lock) == 0 && io_fstat(fd, &s) == 0 && io_lstat(path, &at) == 0 &&
           s.st_dev == at.st_dev && s.st_ino == at.st_ino;
}

int tempfile_resume(struct tempfile *t, struct store *st, const struct digest *id,
                    long long *had, struct error *err)
{
    char hex[DIGEST_HEX + 1];
    struct buf path = { 0 };
    int fd;

    *had = 0;
    buf_printf(&path, "%s/tmp/%s", st->path, digest_hex(id, hex));
    fd = io_open(path.s, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0 && is_ours(fd, path.s)) {
        *t = (struct tempfile){
            .st = st, .fd = fd, .path = buf_take(&path), .stays = true
        };
        *had = io_lseek(fd, 0, SEEK_END);
        return *had < 0 ? tempfile_cannot_write(t, err) : 0;
    }
    if (fd >= 0)
        io_close(fd);
    buf_release(&path);
    return tempfile_open(t, st, err);
}

int tempfile_write(struct tempfile *t, const void *bytes, size_t n, struct error *err)
{
    return fs_write_all(t->fd, bytes, n) < 0 ? tempfile_cannot_write(t, err) : 0;
}

int tempfile_link(struct store *st, int fd, int dir, const char *to)
{
    char own[40];

    if (!st->by_proc && io_linkat(fd, "", dir, to, AT_EMPTY_PATH) == 0)
        return 0;
    if (!st->by_proc && errno != ENOENT && errno != EPERM)
        return -1;
    snprintf(own, sizeof own, "/proc/self/fd/%d", fd);
    if (io_linkat(AT_FDCWD, own, dir, to, AT_SYMLINK_FOLLOW) < 0)
        return -1;
    st->by_proc = true;
    return 0;
}

static int link_unnamed(const struct tempfile *t, const struct buf *path)
{
    return tempfile_link(t->st, t->fd, t->st->dir, layout_below(t->st, path));
}

/* Gives it a name in tmp/, from where it can be renamed over another file. */
static int name_it(struct tempfile *t)
{
    struct buf path = { 0 };

    buf_printf(&path, "%s/tmp/", t->st->path);
    layout_random(&path, 8);
    if (link_unnamed(t, &path) < 0) {
        buf_release(&path);
        return -1;
    }
    t->path = buf_take(&path);
    return 0;
}

static int give_name(struct tempfile *t, const struct buf *path, bool replace)
{
    const char *to = layout_below(t->st, path);
    int rc;

    if (!t->path) {
        if (link_unnamed(t, path) == 0)
            return 0;
        if (errno != EEXIST || !replace || name_it(t) < 0)
            return -1;
    }
    rc = replace ? io_renameat(AT_FDCWD, t->path, t->st->dir, to)
                 : fs_rename_new(t->path, t->st->dir, to);
    if (rc == 0) {
        free(t->path); /* no more in tmp/ */
        t->path = NULL;
    }
    return rc;
}

int tempfile_publish(struct tempfile *t, const struct buf *path, bool replace, bool sync,
                     struct fs_state *state, struct error *err)
{
    struct stat s;
    int rc;

    if (io_fstat(t->fd, &s) < 0 ||
        ((s.st_mode & 07777) != OBJECT_MODE &&
         (io_fchmod(t->fd, OBJECT_MODE) < 0 || io_fstat(t->fd, &s) < 0)))
        return tempfile_cannot_write(t, err);
    if (sync && (io_fdatasync(t->fd) < 0))
        return tempfile_cannot_write(t, err);
    rc = give_name(t, path, replace);
    if (rc < 0 && errno == ENOENT) { /* the first of its folder */
        rc = fs_make_parent(path->s, err);
        if (rc < 0)
            return rc;
        rc = give_name(t, path, replace);
    }
    if (rc < 0 && errno == EEXIST)
        return PUBLISH_EXISTS;
    if (rc < 0)
        return error_system(err, "cannot write in the store: %s", path->s);
    if (state)
        fs_state_of(&s, state);
    tempfile_release(t);
    return PUBLISHED;
}

void tempfile_release(struct tempfile *t)
{
    if (!t->st)
        return;
    io_close(t->fd);
    if (t->path && !t->stays)
        io_unlink(t->path); /* a failure leaves a file for scratch_sweep() */
    free(t->path);
    *t = (struct tempfile){ 0 };
}

void tempfile_discard(struct tempfile *t)
{
    t->stays = false;
    tempfile_release(t);
}
