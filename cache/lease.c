#include "larder/lease.h"

#include <fcntl.h>
#include <stdlib.h>
#include <time.h>

#include "larder/io.h"
#include "larder/mem.h"
#include "lockfile.h"

#include "larder/banned.h"

struct lease {
    int fd;
};

int lease_try(struct lease **l, struct store *st, const struct digest *key,
              struct error *err)
{
    int fd, rc = lockfile_open(st, &fd, err);

    *l = NULL;
    if (rc < 0)
        return rc;
    rc = lockfile_take(fd, LOCK_ALONE, lockfile_key(key), err);
    if (rc != LOCK_TAKEN) {
        io_close(fd);
        return rc < 0 ? rc : LEASE_BUSY;
    }
    *l = xcalloc(1, sizeof **l);
    (*l)->fd = fd;
    return LEASE_TAKEN;
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
    if (io_fcntl(l->fd, F_DUPFD, LEASE_PASSED_ON) < 0)
        io_fcntl(l->fd, F_SETFD, 0); /* so few files may be open here */
}

/* Only closed, never unlocked: an unlock would take the lease from the step too. */
void lease_release(struct lease *l)
{
    if (!l)
        return;
    io_close(l->fd);
    free(l);
}
