#include "table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "larder/io.h"
#include "larder/mem.h"

#include "larder/banned.h"

const char *const fault_name[] = { "eio", "enospc", "eintr", "emfile", "short" };

enum {
    EIO_ = 1 << FAULT_EIO,
    NOSPC = 1 << FAULT_ENOSPC,
    INTR = 1 << FAULT_EINTR,
    MFILE = 1 << FAULT_EMFILE,
    SHORT = 1 << FAULT_SHORT,
};

static const struct io_calls *sys;

static struct {
    unsigned fs;
    struct calls *log;
    struct failure failure;
    size_t n;
    bool fired, meets; /* a call has met it; this one does */
    const char *call;
    char path[4096];
} now;

void calls_release(struct calls *c)
{
    for (size_t i = 0; i < c->n; i++)
        free(c->call[i].path);
    free(c->call);
    *c = (struct calls){ 0 };
}

bool table_fired(void)
{
    return now.fired;
}

const char *table_call(void)
{
    return now.call;
}

const char *table_path(void)
{
    return now.path;
}

static void note_path(int fd, const char *path)
{
    char own[40];
    ssize_t n = 0;

    *now.path = '\0';
    if (fd >= 0 && (!path || *path != '/')) {
        snprintf(own, sizeof own, "/proc/self/fd/%d", fd);
        n = readlink(own, now.path, sizeof now.path / 2);
        n = n < 0 ? 0 : n;
    }
    snprintf(now.path + n, sizeof now.path - (size_t)n, "%s%s", path && n ? "/" : "",
             path ? path : "");
}

/* Whether this call is the one, which may meet these faults. */
static bool meets(const char *name, int fd, const char *path, unsigned faults)
{
    if (now.log) {
        GROW(now.log->call, now.log->n + 1, now.log->cap);
        note_path(fd, path);
        now.log->call[now.log->n++] = (struct call){ name, xstrdup(now.path), faults };
    }
    now.n++;
    now.meets = (faults & 1u << now.failure.fault) &&
                (now.n == now.failure.at || (now.failure.stays && now.fired));
    if (!now.meets || now.fired)
        return now.meets;
    now.fired = true;
    now.call = name;
    note_path(fd, path);
    return true;
}

/* The same; errno is then set. */
static bool fails(const char *name, int fd, const char *path, unsigned faults)
{
    static const int why[] = { EIO, ENOSPC, EINTR, EMFILE, 0 };

    if (!meets(name, fd, path, faults))
        return false;
    errno = why[now.failure.fault];
    return true;
}

static bool lacks(unsigned what, int why)
{
    if (now.fs & what)
        errno = why;
    return (now.fs & what) != 0;
}

/* ---- descriptors ------------------------------------------------------------------- */

static int t_openat(int dir, const char *path, int flags, mode_t mode)
{
    bool makes = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;

    if (fails("openat", dir, path, EIO_ | INTR | MFILE | (makes ? NOSPC : 0)) ||
        ((flags & O_TMPFILE) == O_TMPFILE && lacks(FS_NO_UNNAMED, EOPNOTSUPP)))
        return -1;
    return sys->openat(dir, path, flags, mode);
}

static int t_mkostemp(char *name, int flags)
{
    return fails("mkostemp", -1, name, EIO_ | NOSPC | MFILE) ? -1
                                                             : sys->mkostemp(name, flags);
}

/* Closed it is in any case. */
static int t_close(int fd)
{
    bool failed = fails("close", fd, NULL, EIO_ | INTR | NOSPC);
    int why = errno, rc = sys->close(fd);

    errno = failed ? why : errno;
    return failed ? -1 : rc;
}

static int t_fcntl(int fd, int command, int value)
{
    return command == F_DUPFD && fails("dup", fd, NULL, MFILE)
               ? -1
               : sys->fcntl(fd, command, value);
}

static int t_lock(int fd, struct flock *lock)
{
    if (fails("lock", fd, NULL, EIO_ | INTR)) {
        errno = errno == EIO ? ENOLCK : errno;
        return -1;
    }
    return sys->lock(fd, lock);
}

/* ---- bytes ------------------------------------------------------------------------- */

static ssize_t t_read(int fd, void *to, size_t n)
{
    ssize_t k;

    if (!meets("read", fd, NULL, EIO_ | INTR | SHORT))
        return sys->read(fd, to, n);
    if (now.failure.fault != FAULT_SHORT) {
        errno = now.failure.fault == FAULT_EIO ? EIO : EINTR;
        return -1;
    }
    k = sys->read(fd, to, n);
    if (k < 2 || sys->lseek(fd, k / 2 - k, SEEK_CUR) < 0)
        return k;
    return k / 2;
}

static ssize_t t_pread(int fd, void *to, size_t n, off_t at)
{
    ssize_t k;

    if (!meets("pread", fd, NULL, EIO_ | INTR | SHORT))
        return sys->pread(fd, to, n, at);
    if (now.failure.fault != FAULT_SHORT) {
        errno = now.failure.fault == FAULT_EIO ? EIO : EINTR;
        return -1;
    }
    k = sys->pread(fd, to, n, at);
    return k < 2 ? k : k / 2;
}

static ssize_t t_write(int fd, const void *from, size_t n)
{
    if (fails("write", fd, NULL, EIO_ | NOSPC | INTR | (n > 1 ? SHORT : 0)) &&
        now.failure.fault != FAULT_SHORT)
        return -1;
    return sys->write(fd, from, now.meets ? (n + 1) / 2 : n);
}

static ssize_t t_pwrite(int fd, const void *from, size_t n, off_t at)
{
    if (fails("pwrite", fd, NULL, EIO_ | NOSPC | INTR | (n > 1 ? SHORT : 0)) &&
        now.failure.fault != FAULT_SHORT)
        return -1;
    return sys->pwrite(fd, from, now.meets ? (n + 1) / 2 : n, at);
}

static off_t t_lseek(int fd, off_t at, int whence)
{
    return fails("lseek", fd, NULL, 0) ? -1 : sys->lseek(fd, at, whence);
}

static int t_ftruncate(int fd, off_t size)
{
    return fails("ftruncate", fd, NULL, EIO_ | NOSPC | INTR) ? -1
                                                             : sys->ftruncate(fd, size);
}

static int t_fsync(int fd)
{
    return fails("fsync", fd, NULL, EIO_ | NOSPC | INTR) ? -1 : sys->fsync(fd);
}

static int t_fdatasync(int fd)
{
    return fails("fdatasync", fd, NULL, EIO_ | NOSPC | INTR) ? -1 : sys->fdatasync(fd);
}

static int t_clone(int to, int from)
{
    off_t at = 0;
    ssize_t k;

    if (fails("clone", to, NULL, EIO_ | NOSPC))
        return -1;
    if (!(now.fs & FS_CLONES))
        return sys->clone(to, from);
    while ((k = sendfile(to, from, &at, 1 << 20)) > 0)
        ;
    sys->lseek(to, 0, SEEK_SET);
    return k < 0 ? -1 : 0;
}

/* ---- what is told of files --------------------------------------------------------- */

static int t_fstat(int fd, struct stat *s)
{
    return fails("fstat", fd, NULL, EIO_) ? -1 : sys->fstat(fd, s);
}

static int t_fstatat(int dir, const char *path, struct stat *s, int flags)
{
    return fails("fstatat", dir, path, EIO_) ? -1 : sys->fstatat(dir, path, s, flags);
}

static int t_fstatvfs(int fd, struct statvfs *s)
{
    return fails("fstatvfs", fd, NULL, EIO_ | INTR) ? -1 : sys->fstatvfs(fd, s);
}

static int t_faccessat(int dir, const char *path, int mode, int flags)
{
    return fails("faccessat", dir, path, EIO_) ? -1
                                               : sys->faccessat(dir, path, mode, flags);
}

static int t_fchmod(int fd, mode_t mode)
{
    return fails("fchmod", fd, NULL, EIO_ | INTR) ? -1 : sys->fchmod(fd, mode);
}

static int t_fchmodat(int dir, const char *path, mode_t mode, int flags)
{
    return fails("fchmodat", dir, path, EIO_ | INTR)
               ? -1
               : sys->fchmodat(dir, path, mode, flags);
}

static int t_utimensat(int dir, const char *path, const struct timespec times[2],
                       int flags)
{
    return fails("utimensat", -1, path, EIO_) ? -1
                                              : sys->utimensat(dir, path, times, flags);
}

static int t_futimens(int fd, const struct timespec times[2])
{
    return fails("futimens", fd, NULL, EIO_) ? -1 : sys->futimens(fd, times);
}

static ssize_t t_readlinkat(int dir, const char *path, char *to, size_t n)
{
    return fails("readlinkat", dir, path, EIO_) ? -1 : sys->readlinkat(dir, path, to, n);
}

static char *t_realpath(const char *path, char *to)
{
    return fails("realpath", -1, path, EIO_) ? NULL : sys->realpath(path, to);
}

/* ---- names ------------------------------------------------------------------------- */

static int t_mkdirat(int dir, const char *path, mode_t mode)
{
    return fails("mkdirat", dir, path, EIO_ | NOSPC) ? -1 : sys->mkdirat(dir, path, mode);
}

static int t_linkat(int from_dir, const char *from, int dir, const char *to, int flags)
{
    if (fails("linkat", dir, to, EIO_ | NOSPC) || lacks(FS_NO_LINKS, EPERM))
        return -1;
    return sys->linkat(from_dir, from, dir, to, flags);
}

static int t_symlinkat(const char *target, int dir, const char *path)
{
    return fails("symlinkat", dir, path, EIO_ | NOSPC)
               ? -1
               : sys->symlinkat(target, dir, path);
}

static int t_renameat2(int from_dir, const char *from, int dir, const char *to,
                       unsigned flags)
{
    return fails("renameat2", dir, to, EIO_ | NOSPC)
               ? -1
               : sys->renameat2(from_dir, from, dir, to, flags);
}

static int t_unlinkat(int dir, const char *path, int flags)
{
    return fails("unlinkat", dir, path, EIO_) ? -1 : sys->unlinkat(dir, path, flags);
}

static DIR *t_opendir(const char *path)
{
    return fails("opendir", -1, path, EIO_ | MFILE) ? NULL : sys->opendir(path);
}

static DIR *t_fdopendir(int fd)
{
    if (fails("fdopendir", fd, NULL, EIO_)) {
        errno = ENOMEM;
        return NULL;
    }
    return sys->fdopendir(fd);
}

static struct dirent *t_readdir(DIR *dir)
{
    return fails("readdir", dirfd(dir), NULL, EIO_) ? NULL : sys->readdir(dir);
}

static int t_closedir(DIR *dir)
{
    return sys->closedir(dir);
}

static const struct io_calls table = {
    .openat = t_openat,
    .mkostemp = t_mkostemp,
    .close = t_close,
    .read = t_read,
    .pread = t_pread,
    .write = t_write,
    .pwrite = t_pwrite,
    .lseek = t_lseek,
    .ftruncate = t_ftruncate,
    .fsync = t_fsync,
    .fdatasync = t_fdatasync,
    .clone = t_clone,
    .fcntl = t_fcntl,
    .lock = t_lock,
    .fstat = t_fstat,
    .fstatat = t_fstatat,
    .fstatvfs = t_fstatvfs,
    .faccessat = t_faccessat,
    .fchmod = t_fchmod,
    .fchmodat = t_fchmodat,
    .futimens = t_futimens,
    .utimensat = t_utimensat,
    .readlinkat = t_readlinkat,
    .realpath = t_realpath,
    .mkdirat = t_mkdirat,
    .linkat = t_linkat,
    .symlinkat = t_symlinkat,
    .renameat2 = t_renameat2,
    .unlinkat = t_unlinkat,
    .opendir = t_opendir,
    .fdopendir = t_fdopendir,
    .readdir = t_readdir,
    .closedir = t_closedir,
};

void table_begin(unsigned fs, struct calls *log, struct failure failure)
{
    sys = io_now;
    now.fs = fs;
    now.log = log;
    now.failure = failure;
    now.n = 0;
    now.fired = false;
    io_now = &table;
}

void table_end(void)
{
    io_now = sys;
}
