#include "larder/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "larder/mem.h"
#include "layout.h"

#include "larder/banned.h"

struct lease {
    int fd;
};

enum { STALE = 3 }; /* the file was swept away between open and lock */

/* LEASE_TAKEN, LEASE_BUSY, STALE or an error, for an open lease file. */
static int lock_file(int fd, const char *path, struct error *err)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    struct stat mine, named;

    while (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
        if (errno == EAGAIN || errno == EACCES)
            return LEASE_BUSY;
        if (errno != EINTR)
            return error_system(err, "cannot lock %s", path);
    }
    if (fstat(fd, &mine) < 0)
        return error_system(err, "cannot look at %s", path);
    if (stat(path, &named) < 0 || named.st_dev != mine.st_dev ||
        named.st_ino != mine.st_ino)
        return STALE;
    return LEASE_TAKEN;
}

int lease_try(struct lease **l, struct store *st, const struct digest *key,
              struct error *err)
{
    struct buf path = { 0 };
    int fd = -1, rc = STALE;

    *l = NULL;
    layout_lease(st, key, &path);
    while (rc == STALE) {
        if (fd >= 0)
            close(fd);
        errno = fs_fault();
        fd = errno ? -1 : open(path.s, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        rc = fd < 0 ? error_system(err, "cannot open %s", path.s)
                    : lock_file(fd, path.s, err);
    }
    if (rc == LEASE_TAKEN) {
        *l = xcalloc(1, sizeof **l);
        (*l)->fd = fd;
    } else if (fd >= 0) {
        close(fd);
    }
    buf_release(&path);
    return rc;
}

int lease_wait(struct lease **l, struct store *st, const struct digest *key,
               const volatile sig_atomic_t *stop, struct error *err)
{
    long pause_ms = 2;
    int rc;

    for (;;) {
        struct timespec t;

        rc = lease_try(l, st, key, err);
        if (rc != LEASE_BUSY)
            return rc;
        if (stop && *stop)
            return LEASE_INTERRUPTED;
        t = (struct timespec){ .tv_nsec = pause_ms * 1000000 };
        nanosleep(&t, NULL); /* a signal cuts it short: then look at *stop */
        pause_ms = pause_ms < 50 ? pause_ms * 2 : 100;
    }
}

int lease_fd(const struct lease *l)
{
    return l->fd;
}

void lease_pass_on(const struct lease *l)
{
    fcntl(l->fd, F_SETFD, 0);
}

/* Only closed, never unlocked: an unlock would take the lease from the step too. */
void lease_release(struct lease *l)
{
    if (!l)
        return;
    close(l->fd);
    free(l);
}

int lease_sweep(struct store *st, struct error *err)
{
    struct buf dir = { 0 }, path = { 0 };
    char **name = NULL;
    size_t n = 0;
    int rc;

    fs_join(&dir, st->path, "leases");
    rc = fs_list(dir.s, &name, &n, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct digest key;
        int fd;

        if (!layout_is_digest(name[i], &key))
            continue;
        buf_reset(&path);
        fs_join(&path, dir.s, name[i]);
        fd = open(path.s, O_RDWR | O_CLOEXEC);
        if (fd < 0)
            continue;
        /* Removed while we hold it, so whoever has opened it meanwhile finds it stale. */
        if (lock_file(fd, path.s, NULL) == LEASE_TAKEN)
            fs_remove(path.s, NULL);
        close(fd);
    }
    free(name);
    buf_release(&path);
    buf_release(&dir);
    return rc;
}
