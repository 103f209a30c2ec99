/*
 * A folder, on a disk that a lab shares. There are no locks, and nothing that NFS does
 * badly: a file is written under tmp/, put on the disk, and gets its name by link(2),
 * which fails if somebody was faster. Symbolic links inside are never followed, so that
 * whoever may write there cannot make us read elsewhere.
 */
#include "remote.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "larder/fs.h"
#include "larder/io.h"
#include "larder/mem.h"
#include "layout.h"

#include "larder/banned.h"

enum { CHUNK = 1 << 17, LITTER_AGE_S = 24 * 3600 };

struct folder {
    struct remote remote;
    char *path;
    int root;
    bool swept;
};

static const char marker[] = "larder-cache-info";

static int failed(const struct folder *f, const char *name, struct error *err)
{
    error_system(err, "%s/%s", f->path, name);
    if (err)
        err->code = E_REMOTE;
    return E_REMOTE;
}

static bool is_absent(int why)
{
    return why == ENOENT || why == ENOTDIR || why == ELOOP;
}

/* The first name in the folder that a remote does not have is appended. The marker may
 * have come since it was looked for. */
static void find_strange_name(int root, struct buf *to)
{
    const char *const known[] = { marker, "cas", "ac", "tmp", "lost+found" };
    int fd = io_openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    DIR *dir = fd < 0 ? NULL : io_fdopendir(fd);
    struct dirent *e;

    while (dir && !to->len && (e = io_readdir(dir)) != NULL) {
        bool fine = e->d_name[0] == '.';

        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            fine |= !strcmp(e->d_name, known[i]);
        if (!fine)
            buf_add_escaped(to, e->d_name);
    }
    if (dir)
        io_closedir(dir);
}

/* A folder that holds other things is not made into a remote by a slip of the pen. */
static int refuse_strange_folder(const struct folder *f, struct error *err)
{
    struct buf strange = { 0 };
    int rc = 0;

    if (io_faccessat(f->root, marker, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return 0;
    find_strange_name(f->root, &strange);
    if (strange.len)
        rc = error_set(err, E_REMOTE,
                       "%s is no remote (it has %s and no %s): name another folder",
                       f->path, strange.s, marker);
    buf_release(&strange);
    return rc;
}

static void close_folder(struct remote *r)
{
    struct folder *f = (struct folder *)r;

    if (!f)
        return;
    if (f->root >= 0)
        io_close(f->root);
    free(f->path);
    free(f);
}

static int open_folder(struct remote **r, const char *place, struct error *err)
{
    struct folder *f = xcalloc(1, sizeof *f);
    int rc = 0;

    *r = NULL;
    f->remote.kind = &remote_folder;
    f->path = xstrdup(place);
    f->root = io_open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (f->root < 0) {
        rc = error_set(err, E_REMOTE, "%s: %s%s", place, strerror(errno),
                       errno == ENOENT ? "; make it: an empty folder becomes a remote"
                                       : "");
        goto out;
    }
    rc = refuse_strange_folder(f, err);
out:
    if (rc < 0)
        close_folder(&f->remote);
    else
        *r = &f->remote;
    return rc;
}

/* Opens the folder that a name is in, following no link, and with make making what is not
 * there. *last is the part of the name behind it, borrowed. -1 with errno. */
static int open_parent(const struct folder *f, const char *name, bool make,
                       const char **last)
{
    int fd = io_openat(f->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
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

/* Gives what fd has to the sink, from there on, at most so many bytes. */
static int pour(const struct folder *f, const char *name, int fd,
                const struct remote_part *part, const struct remote_sink *to,
                struct error *err)
{
    char *chunk = xmalloc(CHUNK);
    long long at = part->from, end = at + part->size;
    int rc = REMOTE_DONE;

    while (at < end) {
        size_t want = end - at < CHUNK ? (size_t)(end - at) : CHUNK;
        ssize_t n = io_pread(fd, chunk, want, (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            rc = failed(f, name, err);
        if (n > 0)
            rc = to->take(to->self, chunk, (size_t)n, err);
        if (n <= 0 || rc < 0)
            break;
        at += n;
    }
    free(chunk);
    return rc;
}

static int get(struct remote *r, const char *name, const struct remote_part *part,
               const struct remote_sink *to, struct error *err)
{
    static const struct remote_part whole = { 0, LLONG_MAX };
    struct folder *f = (struct folder *)r;
    const char *last;
    struct stat s;
    int rc, fd = -1, dir = open_parent(f, name, false, &last);

    if (dir >= 0)
        fd = io_openat(dir, last, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    if (fd < 0)
        rc = is_absent(errno) ? REMOTE_ABSENT : failed(f, name, err);
    else if (io_fstat(fd, &s) < 0)
        rc = failed(f, name, err);
    else
        rc = !S_ISREG(s.st_mode) ? REMOTE_ABSENT
             : part && part->from + part->size > s.st_size
                 ? error_set(err, E_REMOTE, "%s/%s is shorter than it should be", f->path,
                             name)
                 : pour(f, name, fd, part ? part : &whole, to, err);
    if (fd >= 0)
        io_close(fd);
    if (dir >= 0)
        io_close(dir);
    return rc;
}

static int has(struct remote *r, const char *name, long long *size, struct error *err)
{
    struct folder *f = (struct folder *)r;
    const char *last;
    struct stat s;
    int rc, dir = open_parent(f, name, false, &last);

    *size = -1;
    if (dir < 0 || io_fstatat(dir, last, &s, AT_SYMLINK_NOFOLLOW) < 0) {
        rc = is_absent(errno) ? REMOTE_ABSENT : failed(f, name, err);
    } else {
        *size = s.st_size;
        rc = REMOTE_THERE;
    }
    if (dir >= 0)
        io_close(dir);
    return rc;
}

/* What others have left in tmp/ when they were killed. */
static void sweep(struct folder *f, int tmp)
{
    int fd = io_openat(tmp, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    DIR *dir = fd < 0 ? NULL : io_fdopendir(fd);
    struct dirent *e;
    struct stat s;

    while (dir && (e = io_readdir(dir)) != NULL)
        if (io_fstatat(fd, e->d_name, &s, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(s.st_mode) && time(NULL) - s.st_mtime > LITTER_AGE_S)
            io_unlinkat(fd, e->d_name, 0);
    if (dir)
        io_closedir(dir);
    f->swept = true;
}

/* Writes the body, and puts it on the disk. */
static int fill(const struct folder *f, const char *name, int fd,
                const struct remote_body *body, struct error *err)
{
    char *chunk = xmalloc(CHUNK);
    size_t n = 1;
    int rc = 0;

    while (rc == 0 && n) {
        rc = body->give(body->self, chunk, CHUNK, &n, err);
        if (rc == 0 && n && fs_write_all(fd, chunk, n) < 0)
            rc = failed(f, name, err);
    }
    free(chunk);
    if (rc == 0 && (io_fchmod(fd, OBJECT_MODE) < 0 || io_fsync(fd) < 0))
        rc = failed(f, name, err);
    return rc;
}

/* Gives the file its name, unless something has it that is to stay. */
static int give_name(const struct folder *f, int tmp, const char *part, int dir,
                     const char *last, const char *name, enum remote_put how,
                     struct error *err)
{
    struct stat s;

    if (how == PUT_OVER)
        return io_renameat(tmp, part, dir, last) == 0 ? REMOTE_DONE
                                                      : failed(f, name, err);

    if (io_linkat(tmp, part, dir, last, 0) == 0)
        return REMOTE_DONE;
    if (errno == EEXIST)
        return REMOTE_THERE;
    if (errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS || errno == EMLINK) {
        /* a file system without links: nobody can be asked to be faster at once */
        if (io_fstatat(dir, last, &s, AT_SYMLINK_NOFOLLOW) == 0)
            return REMOTE_THERE;
        if (io_renameat(tmp, part, dir, last) == 0)
            return REMOTE_DONE;
    }
    return failed(f, name, err);
}

static int put(struct remote *r, const char *name, const struct remote_body *body,
               enum remote_put how, struct error *err)
{
    struct folder *f = (struct folder *)r;
    const char *last = name, *ignored;
    struct buf part = { 0 };
    int rc = 0, fd = -1, dir = -1, tmp = open_parent(f, "tmp/", true, &ignored);

    if (tmp >= 0 && !f->swept)
        sweep(f, tmp);
    layout_random(&part, 8);
    if (tmp >= 0)
        fd = io_openat(tmp, part.s, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    rc = fd < 0 ? failed(f, name, err) : fill(f, name, fd, body, err);
    if (rc == 0) {
        dir = open_parent(f, name, true, &last);
        rc = dir < 0 ? failed(f, name, err)
                     : give_name(f, tmp, part.s, dir, last, name, how, err);
    }
    if (fd >= 0) {
        io_close(fd);
        io_unlinkat(tmp, part.s, 0);
    }
    if (dir >= 0)
        io_close(dir);
    if (tmp >= 0)
        io_close(tmp);
    buf_release(&part);
    return rc;
}

static int list(struct remote *r, const char *folder,
                void (*tell)(void *self, const char *name), void *self, struct error *err)
{
    struct folder *f = (struct folder *)r;
    struct buf inside = { 0 };
    const char *ignored;
    struct dirent *e;
    DIR *dir = NULL;
    int rc = REMOTE_DONE, fd;

    buf_printf(&inside, "%s/", folder);
    fd = open_parent(f, inside.s, false, &ignored);
    if (fd >= 0)
        dir = io_fdopendir(fd);
    if (!dir)
        rc = is_absent(errno) ? REMOTE_ABSENT : failed(f, folder, err);
    while (dir && (e = io_readdir(dir)) != NULL)
        if (e->d_name[0] != '.')
            tell(self, e->d_name);
    if (dir)
        io_closedir(dir);
    else if (fd >= 0)
        io_close(fd);
    buf_release(&inside);
    return rc;
}

const struct remote_kind remote_folder = {
    .scheme = "file:",
    .open = open_folder,
    .close = close_folder,
    .get = get,
    .put = put,
    .has = has,
    .list = list,
};
