#include "landing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "larder/io.h"
#include "larder/mem.h"
#include "layout.h"

#include "larder/banned.h"

enum { LITTER_AGE_S = 24 * 3600 };

int landing_parent(int root, const char *name, bool make, const char **last)
{
    int fd = io_openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    const char *slash;

    for (; fd >= 0 && (slash = strchr(name, '/')) != NULL; name = slash + 1) {
        char *part = xstrndup(name, (size_t)(slash - name));
        int up = fd, why;

        fd = io_openat(up, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
        if (fd < 0 && errno == ENOENT && make &&
            (io_mkdirat(up, part, 0777) == 0 || errno == EEXIST))
            fd = io_openat(up, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
        why = errno;
        io_close(up);
        free(part);
        errno = why;
    }
    *last = name;
    return fd;
}

int landing_read(int root, const char *name, long long *size)
{
    const char *last;
    struct stat s;
    int why, fd = -1, dir = landing_parent(root, name, false, &last);

    if (dir >= 0)
        fd = io_openat(dir, last, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    why = errno == ENOTDIR || errno == ELOOP ? ENOENT : errno;
    if (fd >= 0) {
        bool seen = io_fstat(fd, &s) == 0;

        why = seen ? ENOENT : errno;
        if (!seen || !S_ISREG(s.st_mode)) {
            io_close(fd);
            fd = -1;
        }
    }
    if (fd >= 0)
        *size = s.st_size;
    if (dir >= 0)
        io_close(dir);
    errno = why;
    return fd;
}

int landing_open(struct landing *l, int root)
{
    struct buf part = { 0 };
    const char *ignored;
    int why;

    *l = (struct landing){ .root = root, .fd = -1 };
    l->tmp = landing_parent(root, "tmp/", true, &ignored);
    if (l->tmp < 0)
        return -1;
    layout_random(&part, 8);
    memcpy(l->part, part.s, sizeof l->part);
    buf_release(&part);
    l->fd = io_openat(l->tmp, l->part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    l->open = l->fd >= 0;
    if (l->open)
        return 0;
    why = errno;
    io_close(l->tmp);
    errno = why;
    return -1;
}

/* Unless something has the name that is to stay. */
static int give_name(const struct landing *l, int dir, const char *last,
                     enum remote_put how)
{
    struct stat s;

    if (how == PUT_OVER)
        return io_renameat(l->tmp, l->part, dir, last) == 0 ? REMOTE_DONE : -1;
    if (io_linkat(l->tmp, l->part, dir, last, 0) == 0)
        return REMOTE_DONE;
    if (errno == EEXIST)
        return REMOTE_THERE;
    if (errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS || errno == EMLINK) {
        /* a file system without links: nobody can be asked to be faster at once */
        if (io_fstatat(dir, last, &s, AT_SYMLINK_NOFOLLOW) == 0)
            return REMOTE_THERE;
        if (errno == ENOENT && io_renameat(l->tmp, l->part, dir, last) == 0)
            return REMOTE_DONE;
    }
    return -1;
}

int landing_name(struct landing *l, const char *name, enum remote_put how)
{
    const char *last;
    int rc, why, dir;

    if (io_fchmod(l->fd, OBJECT_MODE) < 0 || io_fsync(l->fd) < 0)
        return -1;
    dir = landing_parent(l->root, name, true, &last);
    if (dir < 0)
        return -1;
    rc = give_name(l, dir, last, how);
    why = errno;
    io_close(dir);
    errno = why;
    return rc;
}

void landing_close(struct landing *l)
{
    if (!l->open)
        return;
    io_close(l->fd);
    io_unlinkat(l->tmp, l->part, 0);
    io_close(l->tmp);
    l->open = false;
}

void landing_sweep(int root)
{
    const char *ignored;
    int fd = landing_parent(root, "tmp/", false, &ignored);
    DIR *dir = fd < 0 ? NULL : io_fdopendir(fd);
    struct dirent *e;
    struct stat s;

    while (dir && (e = io_readdir(dir)) != NULL)
        if (io_fstatat(fd, e->d_name, &s, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(s.st_mode) && time(NULL) - s.st_mtime > LITTER_AGE_S)
            io_unlinkat(fd, e->d_name, 0);
    if (dir)
        io_closedir(dir);
    else if (fd >= 0)
        io_close(fd);
}
