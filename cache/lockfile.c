#include "lockfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "larder/io.h"

#include "larder/banned.h"

/* Keys have the lower half of the places that an off_t can name, scratch folders the
 * upper half but for the last one. */
static const uint64_t half = (uint64_t)1 << 62;
const off_t lockfile_runs = INT64_MAX;
/* The last ones of the keys: that a key has one of them happens as good as never, and
 * then it waits. */
const off_t lockfile_going = ((off_t)1 << 62) - 1, lockfile_gc = ((off_t)1 << 62) - 2;

int lockfile_open(const struct store *st, int *fd, struct error *err)
{
    *fd = io_openat(st->dir, "locks", O_RDWR | O_CLOEXEC, 0);
    if (*fd < 0 && errno == ENOENT)
        *fd = io_openat(st->dir, "locks", O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    return *fd < 0 ? error_system(err, "cannot open %s/locks", st->path) : 0;
}

int lockfile_take(int fd, enum lock how, off_t place, struct error *err)
{
    struct flock lock = { .l_type = how == LOCK_ALONE ? F_WRLCK : F_RDLCK,
                          .l_whence = SEEK_SET,
                          .l_start = place,
                          .l_len = 1 };

    if (io_lock(fd, &lock) == 0)
        return LOCK_TAKEN;
    return errno == EAGAIN || errno == EACCES
               ? LOCK_BUSY
               : error_system(err, "cannot lock in the store");
}

/* Whoever has it alone keeps it for milliseconds. */
int lockfile_wait(int fd, enum lock how, off_t place, struct error *err)
{
    int rc;

    while ((rc = lockfile_take(fd, how, place, err)) == LOCK_BUSY)
        nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
    return rc;
}

void lockfile_leave(int fd, off_t place)
{
    struct flock lock = {
        .l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = place, .l_len = 1
    };

    io_lock(fd, &lock);
}

off_t lockfile_key(const struct digest *key)
{
    uint64_t n = 0;

    for (int i = 0; i < 8; i++)
        n = n << 8 | key->byte[i];
    return (off_t)(n % half);
}

off_t lockfile_scratch(const char *name)
{
    return (off_t)(half + strtoull(name, NULL, 16) % (half - 1));
}
