/*
 * io - every call of the system that touches files, through one table.
 *
 * cache/ and src/base/ call io_open(), io_write() and so on and never the system itself
 * (larder/banned.h sees to it). A test puts a table of its own in io_now, one that counts
 * the calls and makes one of them fail. Arguments, results and errno are those of the
 * call of the same name; what has a flag for "below this folder" and for the other
 * variants has one place in the table. Files of libraries (curl, libcrypto, dlopen) and
 * what has no way to fail (posix_fadvise, umask) do not go through it.
 *
 * A signal interrupts none of them: EINTR is not seen, the call is made again.
 */
#ifndef LARDER_IO_H
#define LARDER_IO_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>

struct io_calls {
    int (*openat)(int dir, const char *path, int flags, mode_t mode);
    int (*mkostemp)(char *name, int flags);
    int (*close)(int fd);
    ssize_t (*read)(int fd, void *to, size_t n);
    ssize_t (*pread)(int fd, void *to, size_t n, off_t at);
    ssize_t (*write)(int fd, const void *from, size_t n);
    ssize_t (*pwrite)(int fd, const void *from, size_t n, off_t at);
    off_t (*lseek)(int fd, off_t at, int whence);
    int (*ftruncate)(int fd, off_t size);
    int (*fsync)(int fd);
    int (*fdatasync)(int fd);
    int (*clone)(int to, int from); /* ioctl FICLONE: a reflink */
    int (*fcntl)(int fd, int command, int value);
    int (*lock)(int fd, struct flock *lock); /* fcntl F_OFD_SETLK */
    int (*fstat)(int fd, struct stat *s);
    int (*fstatat)(int dir, const char *path, struct stat *s, int flags);
    int (*fstatvfs)(int fd, struct statvfs *s);
    int (*faccessat)(int dir, const char *path, int mode, int flags);
    int (*fchmod)(int fd, mode_t mode);
    int (*fchmodat)(int dir, const char *path, mode_t mode, int flags);
    int (*futimens)(int fd, const struct timespec times[2]);
    int (*utimensat)(int dir, const char *path, const struct timespec times[2],
                     int flags);
    ssize_t (*readlinkat)(int dir, const char *path, char *to, size_t n);
    char *(*realpath)(const char *path, char *to);
    int (*mkdirat)(int dir, const char *path, mode_t mode);
    int (*linkat)(int from_dir, const char *from, int dir, const char *to, int flags);
    int (*symlinkat)(const char *target, int dir, const char *path);
    int (*renameat2)(int from_dir, const char *from, int dir, const char *to,
                     unsigned flags);
    int (*unlinkat)(int dir, const char *path, int flags);
    DIR *(*opendir)(const char *path);
    DIR *(*fdopendir)(int fd);
    struct dirent *(*readdir)(DIR *dir);
    int (*closedir)(DIR *dir);
};

/* What is called; from the start it is the system. Whoever changes it is alone in the
 * process, and the table outlives its use. */
extern const struct io_calls *io_now;

static inline int io_openat(int dir, const char *path, int flags, mode_t mode)
{
    int rc;

    do
        rc = io_now->openat(dir, path, flags, mode);
    while (rc < 0 && errno == EINTR);
    return rc;
}

static inline int io_open(const char *path, int flags, mode_t mode)
{
    int rc;

    do
        rc = io_now->openat(AT_FDCWD, path, flags, mode);
    while (rc < 0 && errno == EINTR);
    return rc;
}

static inline int io_mkostemp(char *name, int flags)
{
    return io_now->mkostemp(name, flags);
}

static inline int io_close(int fd)
{
    int rc = io_now->close(fd);

    return rc < 0 && errno == EINTR ? 0 : rc; /* it is closed all the same */
}

static inline ssize_t io_read(int fd, void *to, size_t n)
{
    ssize_t rc;

    do
        rc = io_now->read(fd, to, n);
    while (rc < 0 && errno == EINTR);
    return rc;
}

static inline ssize_t io_pread(int fd, void *to, size_t n, off_t at)
{
    ssize_t rc;

    do
        rc = io_now->pread(fd, to, n, at);
    while (rc < 0 && errno == EINTR);
    return rc;
}

static inline ssize_t io_write(int fd, const void *from, size_t n)
{
    ssize_t rc;

    do
        rc = io_now->write(fd, from, n);
    while (rc < 0 && errno == EINTR);
    return rc;
}

static inline ssize_t io_pwrite(int fd, const void *from, size_t n, off_t at)
{
    ssize_t rc;

    do
        rc = io_now->pwrite(fd, from, n, at);
    while (rc < 0 && errno == EINTR);
    return rc;
}

static inline off_t io_lseek(int fd, off_t at, int whence)
{
    return io_now->lseek(fd, at, whence);
}

static inline int io_ftruncate(int fd, off_t size)
{
    int rc;

    do
        rc = io_now->ftruncate(fd, size);
    while (rc < 0 && errno == EINTR);
    return rc;
}

static inline int io_fsync(int fd)
{
    int rc;

    do
        rc = io_now->fsync(fd);
    while (rc < 0 && errno == EINTR);
    return rc;
}

static inline int io_fdatasync(int fd)
{
    int rc;

    do
        rc = io_now->fdatasync(fd);
    while (rc < 0 && errno == EINTR);
    return rc;
}

static inline int io_clone(int to, int from)
{
    return io_now->clone(to, from);
}

static inline int io_fcntl(int fd, int command, int value)
{
    return io_now->fcntl(fd, command, value);
}

static inline int io_lock(int fd, struct flock *lock)
{
    int rc;

    do
        rc = io_now->lock(fd, lock);
    while (rc < 0 && errno == EINTR);
    return rc;
}

static inline int io_fstat(int fd, struct stat *s)
{
    return io_now->fstat(fd, s);
}

static inline int io_fstatat(int dir, const char *path, struct stat *s, int flags)
{
    return io_now->fstatat(dir, path, s, flags);
}

static inline int io_stat(const char *path, struct stat *s)
{
    return io_now->fstatat(AT_FDCWD, path, s, 0);
}

static inline int io_lstat(const char *path, struct stat *s)
{
    return io_now->fstatat(AT_FDCWD, path, s, AT_SYMLINK_NOFOLLOW);
}

static inline int io_fstatvfs(int fd, struct statvfs *s)
{
    int rc;

    do
        rc = io_now->fstatvfs(fd, s);
    while (rc < 0 && errno == EINTR);
    return rc;
}

static inline int io_faccessat(int dir, const char *path, int mode, int flags)
{
    return io_now->faccessat(dir, path, mode, flags);
}

static inline int io_fchmod(int fd, mode_t mode)
{
    int rc;

    do
        rc = io_now->fchmod(fd, mode);
    while (rc < 0 && errno == EINTR);
    return rc;
}

static inline int io_chmod(const char *path, mode_t mode)
{
    int rc;

    do
        rc = io_now->fchmodat(AT_FDCWD, path, mode, 0);
    while (rc < 0 && errno == EINTR);
    return rc;
}

static inline int io_utimensat(int dir, const char *path, const struct timespec times[2],
                               int flags)
{
    return io_now->utimensat(dir, path, times, flags);
}

static inline int io_futimens(int fd, const struct timespec times[2])
{
    return io_now->futimens(fd, times);
}

static inline ssize_t io_readlink(const char *path, char *to, size_t n)
{
    return io_now->readlinkat(AT_FDCWD, path, to, n);
}

static inline char *io_realpath(const char *path, char *to)
{
    return io_now->realpath(path, to);
}

static inline int io_mkdirat(int dir, const char *path, mode_t mode)
{
    return io_now->mkdirat(dir, path, mode);
}

static inline int io_mkdir(const char *path, mode_t mode)
{
    return io_now->mkdirat(AT_FDCWD, path, mode);
}

static inline int io_linkat(int from_dir, const char *from, int dir, const char *to,
                            int flags)
{
    return io_now->linkat(from_dir, from, dir, to, flags);
}

static inline int io_link(const char *from, const char *to)
{
    return io_now->linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

static inline int io_symlink(const char *target, const char *path)
{
    return io_now->symlinkat(target, AT_FDCWD, path);
}

static inline int io_renameat2(int from_dir, const char *from, int dir, const char *to,
                               unsigned flags)
{
    return io_now->renameat2(from_dir, from, dir, to, flags);
}

static inline int io_renameat(int from_dir, const char *from, int dir, const char *to)
{
    return io_now->renameat2(from_dir, from, dir, to, 0);
}

static inline int io_rename(const char *from, const char *to)
{
    return io_now->renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

static inline int io_unlinkat(int dir, const char *path, int flags)
{
    return io_now->unlinkat(dir, path, flags);
}

static inline int io_unlink(const char *path)
{
    return io_now->unlinkat(AT_FDCWD, path, 0);
}

static inline int io_rmdir(const char *path)
{
    return io_now->unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

static inline DIR *io_opendir(const char *path)
{
    return io_now->opendir(path);
}

static inline DIR *io_fdopendir(int fd)
{
    return io_now->fdopendir(fd);
}

static inline struct dirent *io_readdir(DIR *dir)
{
    return io_now->readdir(dir);
}

static inline int io_closedir(DIR *dir)
{
    return io_now->closedir(dir);
}

#endif
