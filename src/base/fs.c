#include "larder/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "larder/io.h"
#include "larder/mem.h"

#include "larder/banned.h"

enum fault_action { FAULT_NONE, FAULT_EIO, FAULT_ENOSPC, FAULT_KILL };

static enum fault_action fault_read(long *at)
{
    const char *text = getenv("LARDER_FS_FAULT");
    char *rest;

    if (!text)
        return FAULT_NONE;
    *at = strtol(text, &rest, 10);
    if (strcmp(rest, ":eio") == 0)
        return FAULT_EIO;
    if (strcmp(rest, ":enospc") == 0)
        return FAULT_ENOSPC;
    return strcmp(rest, ":kill") == 0 ? FAULT_KILL : FAULT_NONE;
}

int fs_fault(void)
{
    static atomic_long calls;
    static long at;
    static enum fault_action action;
    static atomic_int asked;

    if (!asked) {
        action = fault_read(&at);
        asked = 1;
    }
    if (action == FAULT_NONE || atomic_fetch_add(&calls, 1) + 1 != at)
        return 0;
    if (action == FAULT_KILL)
        raise(SIGKILL);
    return action == FAULT_EIO ? EIO : ENOSPC;
}

void fs_state_of(const struct stat *s, struct fs_state *st)
{
    *st = (struct fs_state){
        .dev = s->st_dev,
        .ino = s->st_ino,
        .size = (uint64_t)s->st_size,
        .mtime_ns = (int64_t)s->st_mtim.tv_sec * 1000000000 + s->st_mtim.tv_nsec,
        .ctime_ns = (int64_t)s->st_ctim.tv_sec * 1000000000 + s->st_ctim.tv_nsec,
        .mode = s->st_mode,
    };
}

int fs_stat(const char *path, struct fs_state *st, struct error *err)
{
    struct stat s;

    if (io_stat(path, &s) < 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return FS_ABSENT;
        return error_system(err, "cannot look at %s", path);
    }
    fs_state_of(&s, st);
    return FS_FOUND;
}

bool fs_exists(const char *path)
{
    struct stat s;

    return io_stat(path, &s) == 0;
}

bool fs_is_dir(const char *path)
{
    struct stat s;

    return io_stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

int fs_read_fd(int fd, struct buf *to)
{
    for (;;) {
        ssize_t n;

        buf_reserve(to, 65536);
        n = io_read(fd, to->s + to->len, to->cap - to->len - 1);
        if (n > 0)
            to->len += (size_t)n;
        to->s[to->len] = '\0';
        if (n <= 0)
            return n < 0 ? -1 : 0;
    }
}

int fs_read(const char *path, struct buf *to, struct error *err)
{
    int rc, fd = io_open(path, O_RDONLY | O_CLOEXEC, 0);

    if (fd < 0)
        return error_system(err, "cannot read %s", path);
    rc = fs_read_fd(fd, to);
    if (rc < 0)
        rc = error_system(err, "cannot read %s", path);
    io_close(fd);
    return rc;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int fs_list(const char *path, char ***names, size_t *n, struct error *err)
{
    struct buf text = { 0 };
    size_t count = 0;
    DIR *d = io_opendir(path);
    struct dirent *e;

    *names = NULL;
    *n = 0;
    if (!d)
        return error_system(err, "cannot list %s", path);
    while (errno = 0, (e = io_readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        buf_add(&text, e->d_name, strlen(e->d_name) + 1);
        count++;
    }
    if (errno) {
        error_system(err, "cannot list %s", path);
        io_closedir(d);
        buf_release(&text);
        return E_SYSTEM;
    }
    io_closedir(d);
    /* One block: the pointers, then the bytes they point to. */
    *names = xmalloc(count * sizeof **names + text.len);
    if (text.len) {
        char *at = memcpy((char *)(*names + count), text.s, text.len);

        for (size_t i = 0; i < count; i++, at += strlen(at) + 1)
            (*names)[i] = at;
    }
    qsort(*names, count, sizeof **names, compare_names);
    *n = count;
    buf_release(&text);
    return 0;
}

int fs_write_all(int fd, const void *bytes, size_t n)
{
    const char *at = bytes;

    while (n) {
        ssize_t k = io_write(fd, at, n);

        if (k < 0)
            return -1;
        at += k;
        n -= (size_t)k;
    }
    return 0;
}

int fs_write(const char *path, const void *bytes, size_t n, bool sync, struct error *err)
{
    return fs_write_parts(path, &(struct iovec){ (void *)bytes, n }, 1, sync, err);
}

static int write_parts(int fd, const struct iovec *part, size_t n)
{
    int rc = 0;

    for (size_t i = 0; i < n && rc == 0; i++)
        rc = fs_write_all(fd, part[i].iov_base, part[i].iov_len);
    return rc;
}

int fs_write_parts(const char *path, const struct iovec *part, size_t n, bool sync,
                   struct error *err)
{
    struct buf temp = { 0 };
    int fd, rc = 0;

    buf_printf(&temp, "%s.XXXXXX", path);
    fd = io_mkostemp(temp.s, O_CLOEXEC);
    if (fd < 0) {
        rc = error_system(err, "cannot write %s", path);
        goto out;
    }
    mode_t mask = umask(0);

    umask(mask);
    if (write_parts(fd, part, n) < 0 || io_fchmod(fd, 0666 & ~mask) < 0 ||
        (sync && io_fdatasync(fd) < 0)) {
        rc = error_system(err, "cannot write %s", path);
        io_close(fd);
        io_unlink(temp.s);
        goto out;
    }
    if (io_close(fd) < 0 || io_rename(temp.s, path) < 0) {
        rc = error_system(err, "cannot write %s", path);
        io_unlink(temp.s);
    }
out:
    buf_release(&temp);
    return rc;
}

static int make_folder(const char *path)
{
    if ((io_mkdir(path, 0777) == 0 || (errno == EEXIST && fs_is_dir(path))))
        return 0;
    if (errno == EEXIST)
        errno = ENOTDIR;
    return -1;
}

/* The last folder first: what is above it is there most of the time. */
int fs_mkdirs(const char *path, struct error *err)
{
    char *copy, *p;
    int rc = 0;

    if (fs_is_dir(path) || make_folder(path) == 0)
        return 0;
    if (errno != ENOENT && errno != ENOTDIR)
        return error_system(err, "cannot make the folder %s", path);
    copy = xstrdup(path);
    for (p = copy + 1; rc == 0; p++) {
        char c = *p;

        if (c != '/' && c != '\0')
            continue;
        *p = '\0';
        if (!fs_is_dir(copy) && make_folder(copy) < 0)
            rc = error_system(err, "cannot make the folder %s", copy);
        *p = c;
        if (c == '\0')
            break;
    }
    free(copy);
    return rc;
}

int fs_make_parent(const char *path, struct error *err)
{
    struct buf dir = { 0 };
    int rc;

    fs_dirname(&dir, path);
    rc = fs_mkdirs(buf_str(&dir), err);
    buf_release(&dir);
    return rc;
}

int fs_remove(const char *path, struct error *err)
{
    if (io_unlink(path) < 0 && errno != ENOENT)
        return error_system(err, "cannot remove %s", path);
    return 0;
}

static int remove_entry(const char *path, struct error *err)
{
    struct stat s;

    if (io_lstat(path, &s) < 0)
        return errno == ENOENT ? 0 : error_system(err, "cannot look at %s", path);
    if (S_ISDIR(s.st_mode))
        return fs_remove_tree(path, err);
    return fs_remove(path, err);
}

int fs_remove_tree(const char *path, struct error *err)
{
    char **name = NULL;
    struct buf child = { 0 };
    struct stat s;
    size_t n = 0;
    int rc;

    if (io_lstat(path, &s) < 0)
        return errno == ENOENT ? 0 : error_system(err, "cannot look at %s", path);
    if (!S_ISDIR(s.st_mode))
        return fs_remove(path, err);
    if ((s.st_mode & 0700) != 0700)
        io_chmod(path, 0700); /* a failure shows when we try to list it */
    rc = fs_list(path, &name, &n, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        buf_reset(&child);
        fs_join(&child, path, name[i]);
        rc = remove_entry(child.s, err);
    }
    if (rc == 0 && io_rmdir(path) < 0 && errno != ENOENT)
        rc = error_system(err, "cannot remove %s", path);
    free(name);
    buf_release(&child);
    return rc;
}

int fs_rename(const char *from, const char *to, struct error *err)
{
    if (io_rename(from, to) < 0)
        return error_system(err, "cannot rename %s to %s", from, to);
    return 0;
}

int fs_rename_new(const char *from, int dir, const char *to)
{
    struct stat s;

    if (io_renameat2(AT_FDCWD, from, dir, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    if (io_fstatat(dir, to, &s, AT_SYMLINK_NOFOLLOW) == 0) {
        errno = EEXIST; /* a file system that cannot tell by itself */
        return -1;
    }
    if (errno != ENOENT)
        return -1;
    return io_renameat(AT_FDCWD, from, dir, to);
}

int fs_link(const char *from, const char *to, struct error *err)
{
    if (io_link(from, to) < 0)
        return error_system(err, "cannot link %s to %s", from, to);
    return 0;
}

int fs_symlink(const char *target, const char *path, struct error *err)
{
    if (io_symlink(target, path) < 0)
        return error_system(err, "cannot make the link %s", path);
    return 0;
}

int fs_chmod(const char *path, unsigned mode, struct error *err)
{
    if (io_chmod(path, mode) < 0)
        return error_system(err, "cannot change the mode of %s", path);
    return 0;
}

int fs_sync(const char *path, struct error *err)
{
    int rc, fd = io_open(path, O_RDONLY | O_CLOEXEC, 0);

    if (fd < 0)
        return error_system(err, "cannot open %s", path);
    rc =
        io_fdatasync(fd) < 0 ? error_system(err, "cannot write %s to the disk", path) : 0;
    io_close(fd);
    return rc;
}

static int copy_bytes(int in, int out)
{
    enum { CHUNK = 1 << 18 };
    char *chunk;
    int rc = 0;

    if (io_clone(out, in) == 0)
        return 0;
    chunk = xmalloc(CHUNK);
    for (;;) {
        ssize_t n = io_read(in, chunk, CHUNK);

        if (n < 0 || (n > 0 && fs_write_all(out, chunk, (size_t)n) < 0))
            rc = -1;
        if (n <= 0 || rc < 0)
            break;
    }
    free(chunk);
    return rc;
}

int fs_copy(const char *from, const char *to, unsigned mode, struct error *err)
{
    int in, out, rc = 0;

    in = io_open(from, O_RDONLY | O_CLOEXEC, 0);
    if (in < 0)
        return error_system(err, "cannot read %s", from);
    out = io_open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (out < 0) {
        rc = error_system(err, "cannot write %s", to);
        io_close(in);
        return rc;
    }
    if (copy_bytes(in, out) < 0 || io_fchmod(out, mode) < 0)
        rc = error_system(err, "cannot copy %s to %s", from, to);
    if (io_close(out) < 0 && rc == 0)
        rc = error_system(err, "cannot write %s", to);
    io_close(in);
    if (rc < 0)
        io_unlink(to);
    return rc;
}

void fs_join(struct buf *b, const char *dir, const char *name)
{
    if (*name != '/' && *dir) {
        buf_adds(b, dir);
        if (b->s[b->len - 1] != '/')
            buf_addc(b, '/');
    }
    buf_adds(b, name);
}

const char *fs_basename(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

void fs_dirname(struct buf *b, const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        buf_addc(b, '.');
    else
        buf_add(b, path, slash == path ? 1 : (size_t)(slash - path));
}

void fs_tidy(struct buf *b, const char *path)
{
    size_t n, first = b->len;

    if (*path == '/')
        buf_addc(b, '/');
    for (const char *s = path; *s; s += n + (s[n] == '/')) {
        n = strcspn(s, "/");
        if (n == 0 || (n == 1 && *s == '.'))
            continue;
        if (b->len > first && b->s[b->len - 1] != '/')
            buf_addc(b, '/');
        buf_add(b, s, n);
    }
}

bool fs_is_below(const char *path, const char *folder)
{
    size_t n = strlen(folder);

    return !strncmp(path, folder, n) && (path[n] == '/' || path[n] == '\0');
}
