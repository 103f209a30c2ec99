#include "larder/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "larder/io.h"
#include "larder/mem.h"
#include "layout.h"
#include "object.h"
#include "tempfile.h"
#include "tree.h"

#include "larder/banned.h"

enum { COPY_AT_MOST = 16 << 20 }; /* where a link is as good */
enum { GIVEN = 0, GIVE_EXISTS = 1, NOT_GIVEN = 2 };

/* One file on its way to the user. */
struct giving {
    struct store *st;
    const struct store_file *file;
    const char *path;
    enum give_over over;
    struct fs_state state; /* of a copy, once it is there */
};

static int cannot_place(const struct giving *g, struct error *err)
{
    return error_system(err, "cannot write %s", g->path);
}

/* A name beside the place, from where it can be renamed over what is there. */
static void beside(const struct giving *g, struct buf *path)
{
    fs_dirname(path, g->path);
    buf_printf(path, "/.%s.larder-", fs_basename(g->path));
    layout_random(path, 8);
}

/* Renames over what has the name. Of two links to one file the first stays: it goes too.
 */
static int replace(const char *from, const char *to)
{
    if (io_rename(from, to) < 0) {
        io_unlink(from);
        return -1;
    }
    io_unlink(from);
    return 0;
}

static int link_object(const struct giving *g, const char *to)
{
    char hex[DIGEST_HEX + 1];
    int folder = layout_folder(g->st, &g->file->id);

    return folder < 0 ? -1
                      : io_linkat(folder, digest_hex(&g->file->id, hex), AT_FDCWD, to, 0);
}

static int link_over(const struct giving *g)
{
    struct buf from = { 0 };
    int rc;

    beside(g, &from);
    rc = link_object(g, from.s);
    if (rc == 0)
        rc = replace(from.s, g->path);
    buf_release(&from);
    return rc;
}

/* GIVEN, GIVE_EXISTS, NOT_GIVEN where no link can be made, or an error. */
static int give_link(struct giving *g, struct error *err)
{
    int rc = link_object(g, g->path);

    if (rc < 0 && errno == ENOENT) {
        rc = fs_make_parent(g->path, err);
        if (rc < 0)
            return rc;
        rc = link_object(g, g->path);
    }
    if (rc < 0 && errno == EEXIST) {
        if (g->over != GIVE_OVER)
            return GIVE_EXISTS;
        rc = link_over(g);
    }
    if (rc < 0)
        return errno == EXDEV || errno == EMLINK || errno == EPERM || errno == EACCES ||
                       errno == EOPNOTSUPP
                   ? NOT_GIVEN
                   : cannot_place(g, err);
    return GIVEN;
}

/* A new file: without a name in the folder of the place, or *named beside it. One that
 * nobody looks at has its own name at once. */
static int open_new(const struct giving *g, struct buf *named)
{
    mode_t mode = g->file->exec ? 0777 : 0666;
    struct buf dir = { 0 };
    int fd = -1;

    if (g->over == GIVE_UNSEEN)
        return io_open(g->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    fs_dirname(&dir, g->path);
    if (!g->st->named_places) {
        fd = io_open(dir.s, O_RDWR | O_TMPFILE | O_CLOEXEC, mode);
        g->st->named_places =
            fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL);
    }
    if (g->st->named_places) {
        beside(g, named);
        fd = io_open(named->s, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (fd < 0)
            buf_reset(named);
    }
    buf_release(&dir);
    return fd;
}

static int copy_bytes(const struct giving *g, int from, int to)
{
    char small[DIGEST_SMALL], *chunk = small;
    size_t room = sizeof small;
    long long left = g->file->size;
    ssize_t n;
    int rc = 0;

    if (g->file->size > (long long)sizeof small) {
        room = DIGEST_CHUNK;
        chunk = xmalloc(room);
    }
    do {
        n = io_read(from, chunk, room);
        if (n < 0 || fs_write_all(to, chunk, (size_t)n) < 0)
            rc = -1;
        else
            left -= n;
    } while (rc == 0 && n > 0 && (left > 0 || n == (ssize_t)room));
    if (chunk != small)
        free(chunk);
    if (rc == 0 && left != 0) { /* it was checked, but not just now */
        errno = EIO;
        rc = -1;
    }
    return rc;
}

/* Whether the bytes are shared now; a file system that cannot is not asked again. */
static bool clone_bytes(const struct giving *g, int from, int to)
{
    if (g->st->no_clones)
        return false;
    if (io_clone(to, from) == 0)
        return true;
    g->st->no_clones = errno == EOPNOTSUPP || errno == EXDEV || errno == ENOTTY;
    return false;
}

static int name_copy(const struct giving *g, int fd, struct buf *named)
{
    int rc;

    if (g->over == GIVE_UNSEEN)
        return 0;
    if (!named->len) {
        rc = tempfile_link(g->st, fd, AT_FDCWD, g->path);
        if (rc == 0 || errno != EEXIST || g->over != GIVE_OVER)
            return rc;
        beside(g, named);
        if (tempfile_link(g->st, fd, AT_FDCWD, named->s) < 0) {
            buf_reset(named);
            return -1;
        }
    }
    rc = g->over == GIVE_OVER ? replace(named->s, g->path)
                              : fs_rename_new(named->s, AT_FDCWD, g->path);
    if (rc == 0)
        buf_reset(named);
    return rc;
}

/* must_clone: NOT_GIVEN where the bytes cannot be shared. Else as give_link(). */
static int give_copy(struct giving *g, bool must_clone, struct error *err)
{
    char hex[DIGEST_HEX + 1];
    struct buf named = { 0 };
    struct stat s;
    int to = -1, rc = 0, from = -1, folder = layout_folder(g->st, &g->file->id);

    digest_hex(&g->file->id, hex);
    if (folder >= 0)
        from = io_openat(folder, hex, O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (from < 0)
        return error_system(err, "cannot read the object sha256:%s", hex);
    to = open_new(g, &named);
    if (to < 0 && errno == ENOENT) {
        rc = fs_make_parent(g->path, err);
        if (rc < 0)
            goto out;
        to = open_new(g, &named);
    }
    if (to < 0) {
        rc = errno == EEXIST ? GIVE_EXISTS : cannot_place(g, err);
        goto out;
    }
    if (!clone_bytes(g, from, to)) {
        rc = must_clone ? NOT_GIVEN : copy_bytes(g, from, to);
        if (rc != 0) {
            rc = rc < 0 ? cannot_place(g, err) : rc;
            goto out;
        }
    }
    if (name_copy(g, to, &named) < 0)
        rc = errno == EEXIST ? GIVE_EXISTS : cannot_place(g, err);
    else if (io_fstat(to, &s) < 0)
        rc = cannot_place(g, err);
    else
        fs_state_of(&s, &g->state);
out:
    if (named.len)
        io_unlink(named.s);
    else if (to >= 0 && rc != GIVEN && g->over == GIVE_UNSEEN)
        io_unlink(g->path);
    buf_release(&named);
    if (to >= 0)
        io_close(to);
    io_close(from);
    return rc;
}

/* A hard link has the mode of the object, so what may be executed is always copied. */
static int give(struct giving *g, enum give_how how, bool *linked, struct error *err)
{
    bool may_link = how != GIVE_COPY && !g->file->exec;
    int rc = NOT_GIVEN;

    if (how == GIVE_AUTO && (!may_link || g->file->size <= COPY_AT_MOST))
        return give_copy(g, false, err);
    if (how == GIVE_AUTO && !g->st->no_clones)
        rc = give_copy(g, true, err);
    if (rc == NOT_GIVEN && may_link) {
        rc = give_link(g, err);
        *linked = rc == GIVEN;
    }
    return rc == NOT_GIVEN ? give_copy(g, false, err) : rc;
}

int store_give(struct store *st, const struct store_file *file, const char *path,
               enum give_how how, enum give_over over, struct given *given,
               struct error *err)
{
    struct giving g = { .st = st, .file = file, .path = path, .over = over };
    int rc;

    *given = (struct given){ 0 };
    rc = give(&g, how, &given->linked, err);
    if (rc == GIVE_EXISTS)
        rc = error_set(err, E_INPUT, "something is there already");
    given->state = g.state;
    return rc < 0 ? error_context(err, "placing %s", path) : 0;
}
