#include "tempfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layout.h"

#include "larder/banned.h"

/* True when a test wants the next change of the disk to fail; errno is then set. */
static bool faulted(void)
{
    int why = fs_fault();

    if (why)
        errno = why;
    return why != 0;
}

/* A file without a name. False where the file system has no such thing. */
static bool open_unnamed(struct tempfile *t, struct store *st)
{
    struct buf dir = { 0 };

    if (st->named_temps)
        return false;
    fs_join(&dir, st->path, "tmp");
    t->fd = open(dir.s, O_RDWR | O_TMPFILE | O_CLOEXEC, OBJECT_MODE);
    if (t->fd < 0) { /* whatever it is, the other way will tell */
        st->named_temps = true;
        buf_release(&dir);
        return false;
    }
    t->path = buf_take(&dir);
    t->named = false;
    return true;
}

int tempfile_open(struct tempfile *t, struct store *st, struct error *err)
{
    struct buf path = { 0 };

    if (faulted())
        return error_system(err, "cannot write in the store %s", st->path);
    if (open_unnamed(t, st))
        return 0;
    for (int attempt = 0; attempt < 100; attempt++) {
        buf_reset(&path);
        buf_printf(&path, "%s/tmp/", st->path);
        layout_random(&path, 8);
        t->fd = open(path.s, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, OBJECT_MODE);
        if (t->fd >= 0) {
            t->path = buf_take(&path);
            t->named = true;
            return 0;
        }
        if (errno != EEXIST)
            break;
    }
    error_system(err, "cannot write in the store: %s", path.s);
    buf_release(&path);
    return E_SYSTEM;
}

int tempfile_write(struct tempfile *t, const void *bytes, size_t n, struct error *err)
{
    const char *at = bytes;

    while (n) {
        ssize_t k = faulted() ? -1 : write(t->fd, at, n);

        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return error_system(err, "cannot write in the store: %s", t->path);
        at += k;
        n -= (size_t)k;
    }
    return 0;
}

/* Links a file without a name to one that must be free. */
static int link_unnamed(const struct tempfile *t, const char *path)
{
    char own[40];

    snprintf(own, sizeof own, "/proc/self/fd/%d", t->fd);
    return linkat(AT_FDCWD, own, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

/* Gives it a name in tmp/, from where it can be renamed over another file. */
static int name_it(struct tempfile *t)
{
    struct buf path = { 0 };

    buf_printf(&path, "%s/", t->path);
    layout_random(&path, 8);
    if (link_unnamed(t, path.s) < 0) {
        buf_release(&path);
        return -1;
    }
    free(t->path);
    t->path = buf_take(&path);
    t->named = true;
    return 0;
}

static int give_name(struct tempfile *t, const char *path, bool replace)
{
    int rc;

    if (!t->named) {
        if (link_unnamed(t, path) == 0)
            return 0;
        if (errno != EEXIST || !replace || name_it(t) < 0)
            return -1;
    }
    rc = replace ? rename(t->path, path) : fs_rename_new(t->path, path);
    if (rc == 0)
        t->named = false; /* no more in tmp/ */
    return rc;
}

int tempfile_publish(struct tempfile *t, const char *path, bool replace, bool sync,
                     struct fs_state *state, struct error *err)
{
    struct stat s;
    int rc;

    if (fstat(t->fd, &s) < 0 ||
        ((s.st_mode & 07777) != OBJECT_MODE &&
         (fchmod(t->fd, OBJECT_MODE) < 0 || fstat(t->fd, &s) < 0)))
        return error_system(err, "cannot write in the store: %s", t->path);
    if (sync && (faulted() || fdatasync(t->fd) < 0))
        return error_system(err, "cannot write in the store: %s", t->path);
    rc = faulted() ? -1 : give_name(t, path, replace);
    if (rc < 0 && errno == ENOENT) { /* the first of its folder */
        rc = fs_make_parent(path, err);
        if (rc < 0)
            return rc;
        rc = faulted() ? -1 : give_name(t, path, replace);
    }
    if (rc < 0 && errno == EEXIST)
        return PUBLISH_EXISTS;
    if (rc < 0)
        return error_system(err, "cannot write in the store: %s", path);
    if (state)
        fs_state_of(&s, state);
    tempfile_release(t);
    return PUBLISHED;
}

void tempfile_release(struct tempfile *t)
{
    if (!t->path)
        return;
    close(t->fd);
    if (t->named)
        unlink(t->path); /* a failure leaves a file for scratch_sweep() */
    free(t->path);
    *t = (struct tempfile){ 0 };
}
