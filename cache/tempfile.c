#include "tempfile.h"

#include <errno.h>
#include <fcntl.h>
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

int tempfile_open(struct tempfile *t, const struct store *st, struct error *err)
{
    struct buf path = { 0 };

    for (int attempt = 0; attempt < 100; attempt++) {
        buf_reset(&path);
        buf_printf(&path, "%s/tmp/", st->path);
        layout_random(&path, 8);
        t->fd =
            faulted() ? -1 : open(path.s, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (t->fd >= 0) {
            t->path = buf_take(&path);
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

int tempfile_publish(struct tempfile *t, const char *path, bool sync,
                     struct fs_state *state, struct error *err)
{
    struct stat s;
    int rc;

    if (faulted() || fchmod(t->fd, OBJECT_MODE) < 0 || fstat(t->fd, &s) < 0 ||
        (sync && (faulted() || fdatasync(t->fd) < 0)))
        return error_system(err, "cannot write in the store: %s", t->path);
    rc = fs_make_parent(path, err);
    if (rc == 0)
        rc = fs_rename(t->path, path, err);
    if (rc < 0)
        return rc;
    if (state)
        fs_state_of(&s, state);
    close(t->fd);
    free(t->path);
    *t = (struct tempfile){ 0 };
    return 0;
}

void tempfile_release(struct tempfile *t)
{
    if (!t->path)
        return;
    close(t->fd);
    unlink(t->path); /* a failure leaves a file for scratch_sweep() */
    free(t->path);
    *t = (struct tempfile){ 0 };
}
