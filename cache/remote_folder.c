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
#include <unistd.h>

#include "landing.h"
#include "larder/fs.h"
#include "larder/io.h"
#include "larder/mem.h"

#include "larder/banned.h"

enum { CHUNK = 1 << 17 };

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

/* NULL with errno; then fd, which it takes, is closed. */
static DIR *open_dir(int fd)
{
    DIR *dir = fd < 0 ? NULL : io_fdopendir(fd);
    int why = errno;

    if (!dir && fd >= 0)
        io_close(fd);
    errno = why;
    return dir;
}

/* The first name in the folder that a remote does not have is appended: 0, or -1 with
 * errno. The marker may have come since it was looked for. */
static int find_strange_name(int root, struct buf *to)
{
    const char *const known[] = { marker, "cas", "ac", "tmp", "lost+found" };
    DIR *dir = open_dir(io_openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0));
    struct dirent *e;
    int why;

    if (!dir)
        return -1;
    while (errno = 0, !to->len && (e = io_readdir(dir)) != NULL) {
        bool fine = e->d_name[0] == '.';

        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            fine |= !strcmp(e->d_name, known[i]);
        if (!fine)
            buf_add_escaped(to, e->d_name);
    }
    why = errno;
    io_closedir(dir);
    errno = why;
    return why ? -1 : 0;
}

/* A folder that holds other things is not made into a remote by a slip of the pen. */
static int refuse_strange_folder(const struct folder *f, struct error *err)
{
    struct buf strange = { 0 };
    int rc = 0;

    if (io_faccessat(f->root, marker, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return 0;
    if (errno != ENOENT || find_strange_name(f->root, &strange) < 0)
        rc = failed(f, marker, err);
    else if (strange.len)
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
    long long size;
    int rc, fd = landing_read(f->root, name, &size);

    if (fd < 0)
        return errno == ENOENT ? REMOTE_ABSENT : failed(f, name, err);
    if (part && part->from + part->size > size)
        rc =
            error_set(err, E_REMOTE, "%s/%s is shorter than it should be", f->path, name);
    else
        rc = pour(f, name, fd, part ? part : &whole, to, err);
    io_close(fd);
    return rc;
}

static int has(struct remote *r, const char *name, long long *size, struct error *err)
{
    struct folder *f = (struct folder *)r;
    const char *last;
    struct stat s;
    int rc, dir = landing_parent(f->root, name, false, &last);

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
    return rc;
}

static int put(struct remote *r, const char *name, const struct remote_body *body,
               enum remote_put how, struct error *err)
{
    struct folder *f = (struct folder *)r;
    struct landing l;
    int rc;

    if (!f->swept)
        landing_sweep(f->root);
    f->swept = true;
    if (landing_open(&l, f->root) < 0)
        return failed(f, name, err);
    rc = fill(f, name, l.fd, body, err);
    if (rc == 0 && (rc = landing_name(&l, name, how)) < 0)
        rc = failed(f, name, err);
    landing_close(&l);
    return rc;
}

static int list(struct remote *r, const char *folder,
                void (*tell)(void *self, const char *name), void *self, struct error *err)
{
    struct folder *f = (struct folder *)r;
    struct buf inside = { 0 };
    const char *ignored;
    struct dirent *e;
    int rc = REMOTE_DONE;
    DIR *dir;

    buf_printf(&inside, "%s/", folder);
    dir = open_dir(landing_parent(f->root, inside.s, false, &ignored));
    if (!dir)
        rc = is_absent(errno) ? REMOTE_ABSENT : failed(f, folder, err);
    while (dir && (errno = 0, (e = io_readdir(dir)) != NULL))
        if (e->d_name[0] != '.')
            tell(self, e->d_name);
    if (dir && errno)
        rc = failed(f, folder, err);
    if (dir)
        io_closedir(dir);
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
