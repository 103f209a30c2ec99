/*
 * The system itself. What changes the disk asks fs_fault() first, so that the variable
 * LARDER_FS_FAULT reaches whole programs, whose table no test can replace.
 */
#undef LARDER_IO_ONLY /* the one place that calls it */
#include "larder/io.h"

#include <errno.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "larder/fs.h"

#include "larder/banned.h"

/* True when a test wants the next change of the disk to fail; errno is then set. */
static bool faulted(void)
{
    int why = fs_fault();

    if (why)
        errno = why;
    return why != 0;
}

static int sys_openat(int dir, const char *path, int flags, mode_t mode)
{
    if ((flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) && faulted())
        return -1;
    return openat(dir, path, flags, mode);
}

static int sys_mkostemp(char *name, int flags)
{
    return faulted() ? -1 : mkostemp(name, flags);
}

static ssize_t sys_write(int fd, const void *from, size_t n)
{
    return faulted() ? -1 : write(fd, from, n);
}

static ssize_t sys_pwrite(int fd, const void *from, size_t n, off_t at)
{
    return faulted() ? -1 : pwrite(fd, from, n, at);
}

static int sys_ftruncate(int fd, off_t size)
{
    return faulted() ? -1 : ftruncate(fd, size);
}

static int sys_fsync(int fd)
{
    return faulted() ? -1 : fsync(fd);
}

static int sys_fdatasync(int fd)
{
    return faulted() ? -1 : fdatasync(fd);
}

static int sys_clone(int to, int from)
{
    return faulted() ? -1 : ioctl(to, FICLONE, from);
}

static int sys_fcntl(int fd, int command, int value)
{
    return fcntl(fd, command, value);
}

static int sys_lock(int fd, struct flock *lock)
{
    return faulted() ? -1 : fcntl(fd, F_OFD_SETLK, lock);
}

static int sys_fchmod(int fd, mode_t mode)
{
    return faulted() ? -1 : fchmod(fd, mode);
}

static int sys_fchmodat(int dir, const char *path, mode_t mode, int flags)
{
    return faulted() ? -1 : fchmodat(dir, path, mode, flags);
}

static int sys_utimensat(int dir, const char *path, const struct timespec times[2],
                         int flags)
{
    return faulted() ? -1 : utimensat(dir, path, times, flags);
}

static int sys_futimens(int fd, const struct timespec times[2])
{
    return faulted() ? -1 : futimens(fd, times);
}

static int sys_mkdirat(int dir, const char *path, mode_t mode)
{
    return faulted() ? -1 : mkdirat(dir, path, mode);
}

static int sys_linkat(int from_dir, const char *from, int dir, const char *to, int flags)
{
    return faulted() ? -1 : linkat(from_dir, from, dir, to, flags);
}

static int sys_symlinkat(const char *target, int dir, const char *path)
{
    return faulted() ? -1 : symlinkat(target, dir, path);
}

static int sys_renameat2(int from_dir, const char *from, int dir, const char *to,
                         unsigned flags)
{
    return faulted() ? -1 : renameat2(from_dir, from, dir, to, flags);
}

static int sys_unlinkat(int dir, const char *path, int flags)
{
    return faulted() ? -1 : unlinkat(dir, path, flags);
}

static const struct io_calls sys = {
    .openat = sys_openat,
    .mkostemp = sys_mkostemp,
    .close = close,
    .read = read,
    .pread = pread,
    .write = sys_write,
    .pwrite = sys_pwrite,
    .lseek = lseek,
    .ftruncate = sys_ftruncate,
    .fsync = sys_fsync,
    .fdatasync = sys_fdatasync,
    .clone = sys_clone,
    .fcntl = sys_fcntl,
    .lock = sys_lock,
    .fstat = fstat,
    .fstatat = fstatat,
    .fstatvfs = fstatvfs,
    .faccessat = faccessat,
    .fchmod = sys_fchmod,
    .fchmodat = sys_fchmodat,
    .futimens = sys_futimens,
    .utimensat = sys_utimensat,
    .readlinkat = readlinkat,
    .realpath = realpath,
    .mkdirat = sys_mkdirat,
    .linkat = sys_linkat,
    .symlinkat = sys_symlinkat,
    .renameat2 = sys_renameat2,
    .unlinkat = sys_unlinkat,
    .opendir = opendir,
    .fdopendir = fdopendir,
    .readdir = readdir,
    .closedir = closedir,
};

const struct io_calls *io_now = &sys;
