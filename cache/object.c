#include "object.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "larder/io.h"
#include "larder/mem.h"
#include "layout.h"
#include "tempfile.h"

#include "larder/banned.h"

enum { MOVED = 0, NOT_MOVED = 1, MOVE_EXISTS = 2 };

/* Hashes what fd has from here on, and writes it to *to unless that is NULL: one pass. A
 * small file needs no memory but the stack's. */
static int hash_fd(int fd, const char *path, struct tempfile *to, struct taken *t,
                   struct error *err)
{
    unsigned char small[DIGEST_SMALL], *chunk = small;
    size_t room = sizeof small;
    struct hasher *h = hasher_new();
    int rc = 0;

    t->size = 0;
    for (;;) {
        ssize_t n = io_read(fd, chunk, room);

        if (n < 0)
            rc = error_system(err, "cannot read %s", path);
        if (n > 0 && to)
            rc = tempfile_write(to, chunk, (size_t)n, err);
        if (n <= 0 || rc < 0)
            break;
        hasher_add(h, chunk, (size_t)n);
        t->size += n;
        if (chunk == small && n == (ssize_t)room) {
            posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
            room = DIGEST_CHUNK;
            chunk = xmalloc(room);
        }
    }
    hasher_finish(h, &t->id);
    hasher_free(h);
    if (chunk != small)
        free(chunk);
    return rc;
}

void object_remember(struct store *st, const struct digest *id,
                     const struct fs_state *state)
{
    if (st->memory.put)
        st->memory.put(st->memory.self, id, state);
}

void object_doubt(struct store *st, const struct digest *id, const char *path)
{
    static const struct fs_state none;
    static const struct timespec now[2] = { { .tv_nsec = UTIME_OMIT },
                                            { .tv_nsec = UTIME_NOW } };

    if (!st->only_read)
        io_utimensat(AT_FDCWD, path, now, AT_SYMLINK_NOFOLLOW);
    object_remember(st, id, &none);
}

static bool is_remembered(struct store *st, const struct digest *id,
                          const struct fs_state *now)
{
    struct fs_state then;

    return st->memory.get && st->memory.get(st->memory.self, id, &then) &&
           then.dev == now->dev && then.ino == now->ino && then.size == now->size &&
           then.mtime_ns == now->mtime_ns && then.mode == now->mode;
}

/* Hashes an object that is there; *state is what it had before that. */
static int check_bytes(const struct store *st, const char *path, const struct digest *id,
                       struct fs_state *state, struct error *err)
{
    struct taken t = { 0 };
    struct stat s;
    int rc, fd = io_open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0);

    if (fd < 0 || io_fstat(fd, &s) < 0) {
        rc = error_system(err, "cannot read %s", path);
        goto out;
    }
    fs_state_of(&s, state);
    rc = hash_fd(fd, path, NULL, &t, err);
    if (rc == 0)
        rc = digest_equal(&t.id, id) ? OBJECT_FINE : OBJECT_DAMAGED;
    if (rc == OBJECT_FINE && (s.st_mode & 07777) != OBJECT_MODE && !st->only_read &&
        io_fchmod(fd, OBJECT_MODE) == 0)
        state->mode = S_IFREG | OBJECT_MODE;
out:
    if (rc < 0 && errno == ENOENT)
        rc = OBJECT_ABSENT;
    else if (rc < 0 && errno == EIO)
        rc = OBJECT_DAMAGED;
    if (fd >= 0)
        io_close(fd);
    return rc;
}

int object_check(struct store *st, const struct digest *id, long long size, bool deep,
                 struct error *err)
{
    struct buf path = { 0 };
    struct fs_state state;
    struct stat s;
    int rc = OBJECT_FINE;

    layout_object(st, id, &path);
    if (io_fstatat(st->dir, layout_below(st, &path), &s, AT_SYMLINK_NOFOLLOW) < 0) {
        rc = errno == ENOENT || errno == ENOTDIR
                 ? OBJECT_ABSENT
                 : error_system(err, "cannot look at %s", path.s);
    } else if (!S_ISREG(s.st_mode) || (size >= 0 && s.st_size != size)) {
        rc = OBJECT_DAMAGED;
    } else {
        fs_state_of(&s, &state);
        if (deep || !is_remembered(st, id, &state)) {
            rc = check_bytes(st, path.s, id, &state, err);
            if (rc == OBJECT_DAMAGED) /* believed when it is found again */
                rc = check_bytes(st, path.s, id, &state, err);
            if (rc == OBJECT_FINE)
                object_remember(st, id, &state);
        }
    }
    if (rc == OBJECT_DAMAGED)
        object_doubt(st, id, path.s);
    buf_release(&path);
    return rc;
}

/* Up to n bytes; fewer where the file has no more, which its digest then shows. */
static int read_bytes(int fd, size_t n, struct buf *to)
{
    size_t end = to->len + n;

    buf_reserve(to, n + 1);
    while (to->len < end) {
        ssize_t k = io_read(fd, to->s + to->len, end - to->len);

        if (k <= 0)
            return (int)k;
        to->len += (size_t)k;
        to->s[to->len] = '\0';
    }
    return 0;
}

static int read_once(struct store *st, const struct digest *id, size_t max,
                     struct buf *to, struct error *err)
{
    struct buf path = { 0 };
    struct stat s;
    struct digest d;
    size_t start = to->len;
    int rc = OBJECT_FINE, fd;

    layout_object(st, id, &path);
    fd = io_openat(st->dir, layout_below(st, &path),
                   O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        rc = OBJECT_ABSENT;
    else if (fd < 0)
        rc =
            errno == ELOOP ? OBJECT_DAMAGED : error_system(err, "cannot read %s", path.s);
    else if (io_fstat(fd, &s) < 0)
        rc = error_system(err, "cannot look at %s", path.s);
    else if (!S_ISREG(s.st_mode) || (unsigned long long)s.st_size > max)
        rc = OBJECT_DAMAGED;
    else if (read_bytes(fd, (size_t)s.st_size, to) < 0)
        rc = errno == EIO ? OBJECT_DAMAGED : error_system(err, "cannot read %s", path.s);
    if (rc == OBJECT_FINE) {
        digest_bytes(&d, to->s + start, to->len - start);
        if (!digest_equal(&d, id))
            rc = OBJECT_DAMAGED;
    }
    if (rc != OBJECT_FINE)
        buf_cut(to, start);
    if (rc == OBJECT_DAMAGED)
        object_doubt(st, id, path.s);
    if (fd >= 0)
        io_close(fd);
    buf_release(&path);
    return rc;
}

/* What looks damaged is looked at once more: a disk that fails once has lost nothing. */
int object_read(struct store *st, const struct digest *id, size_t max, struct buf *to,
                struct error *err)
{
    int rc = read_once(st, id, max, to, err);

    return rc == OBJECT_DAMAGED ? read_once(st, id, max, to, err) : rc;
}

/* Its ctime says when somebody last relied on it: gc leaves what is young (gc.h). Nothing
 * that a state compares is changed. */
bool object_hold(struct store *st, const struct digest *id)
{
    static const struct timespec times[2] = { { .tv_nsec = UTIME_NOW },
                                              { .tv_nsec = UTIME_OMIT } };
    struct buf path = { 0 };
    struct stat s;

    layout_object(st, id, &path);
    if (io_fstatat(st->dir, layout_below(st, &path), &s, AT_SYMLINK_NOFOLLOW) < 0) {
        bool absent = errno == ENOENT || errno == ENOTDIR;

        buf_release(&path); /* if it comes now, it is young */
        return !absent;
    }
    store_guard(st);
    if (io_utimensat(st->dir, layout_below(st, &path), times, AT_SYMLINK_NOFOLLOW) < 0 &&
        errno != ENOENT && errno != ENOTDIR)
        st->guarded = st->guard != 0; /* then nothing goes while we live */
    store_unguard(st);
    buf_release(&path);
    return true;
}

/* OBJECT_FINE when the store has the object already and, with sync, on the disk. It is
 * always hashed: what is about to be dropped is the only other copy. */
static int have_already(const struct intake *in, const struct digest *id, long long size,
                        struct error *err)
{
    struct buf path = { 0 };
    int rc;

    if (!object_hold(in->st, id))
        return OBJECT_ABSENT;
    rc = object_check(in->st, id, size, true, err);
    if (rc == OBJECT_FINE && in->sync) {
        layout_object(in->st, id, &path);
        rc = fs_sync(path.s, err);
        in->st->dirty[id->byte[0]] = true;
    }
    buf_release(&path);
    return rc;
}

static int changed_meanwhile(const char *path, struct error *err)
{
    return error_set(err, E_STAGE, "%s was changed while it was being stored", path);
}

static int rename_once(const struct intake *in, const char *path, const char *object,
                       bool replace)
{
    if (!replace)
        return fs_rename_new(path, in->st->dir, object);
    return io_renameat(AT_FDCWD, path, in->st->dir, object);
}

/* The folder of the object is made where it is the first one in it. */
static int rename_in(const struct intake *in, const char *path, const struct buf *object,
                     bool replace, struct error *err)
{
    const char *to = layout_below(in->st, object);
    int rc = rename_once(in, path, to, replace);

    if (rc < 0 && errno == ENOENT) {
        rc = fs_make_parent(object->s, err);
        if (rc < 0)
            return rc;
        rc = rename_once(in, path, to, replace);
    }
    if (rc == 0)
        return MOVED;
    if (errno == EEXIST)
        return MOVE_EXISTS;
    return errno == EXDEV || errno == EACCES || errno == EPERM
               ? NOT_MOVED
               : error_system(err, "cannot rename %s to %s", path, object->s);
}

/* Gives the file its object's name. MOVED, NOT_MOVED when that cannot be, MOVE_EXISTS
 * when something has the name and replace is not said, or an error. */
static int move_in(const struct intake *in, const char *path, int fd,
                   const struct stat *before, const struct digest *id, bool replace,
                   struct error *err)
{
    struct buf object = { 0 };
    struct fs_state state;
    struct stat s;
    int rc = MOVED;

    layout_object(in->st, id, &object);
    if ((before->st_mode & 07777) != OBJECT_MODE && io_fchmod(fd, OBJECT_MODE) < 0) {
        rc = errno == EPERM ? NOT_MOVED : error_system(err, "cannot take %s", path);
        goto out;
    }
    if (io_fstat(fd, &s) < 0 || (in->sync && io_fdatasync(fd) < 0)) {
        rc = error_system(err, "cannot take %s", path);
        goto out;
    }
    if (s.st_size != before->st_size || s.st_mtim.tv_sec != before->st_mtim.tv_sec ||
        s.st_mtim.tv_nsec != before->st_mtim.tv_nsec) {
        rc = changed_meanwhile(path, err);
        goto out;
    }
    rc = rename_in(in, path, &object, replace, err);
    if (rc != MOVED)
        goto out;
    fs_state_of(&s, &state);
    object_remember(in->st, id, &state);
out:
    buf_release(&object);
    return rc;
}

/* Reflinks or copies the file; *t says what was copied. */
static int copy_in(const struct intake *in, const char *path, int fd, struct taken *t,
                   struct error *err)
{
    struct tempfile temp = { 0 };
    struct buf object = { 0 };
    struct fs_state state;
    int rc = tempfile_open(&temp, in->st, err);

    if (rc < 0)
        goto out;
    if (io_lseek(fd, 0, SEEK_SET) < 0) {
        rc = error_system(err, "cannot read %s", path);
        goto out;
    }
    if (io_clone(temp.fd, fd) == 0)
        rc = hash_fd(temp.fd, path, NULL, t, err);
    else
        rc = hash_fd(fd, path, &temp, t, err);
    if (rc < 0)
        goto out;
    rc = have_already(in, &t->id, t->size, err);
    if (rc <= OBJECT_FINE)
        goto out;
    layout_object(in->st, &t->id, &object);
    rc = tempfile_publish(&temp, &object, true, in->sync, &state, err);
    if (rc == 0)
        object_remember(in->st, &t->id, &state);
out:
    buf_release(&object);
    tempfile_release(&temp);
    return rc;
}

static int take_fd(const struct intake *in, const char *path, int fd,
                   const struct stat *s, struct taken *t, struct error *err)
{
    struct taken copied = *t;
    int rc;

    if (in->how == TAKE_COPY)
        return copy_in(in, path, fd, t, err);
    rc = hash_fd(fd, path, NULL, t, err);
    if (rc < 0 || in->how == TAKE_NAME)
        return rc;
    /* A file with a second name could be changed through that later: it is copied. */
    rc = in->st->dev == s->st_dev && s->st_nlink == 1
             ? move_in(in, path, fd, s, &t->id, false, err)
             : NOT_MOVED;
    if (rc == MOVE_EXISTS) {
        rc = have_already(in, &t->id, t->size, err);
        if (rc <= OBJECT_FINE)
            return rc;
        rc = move_in(in, path, fd, s, &t->id, true, err);
    }
    if (rc != NOT_MOVED)
        return rc;
    rc = copy_in(in, path, fd, &copied, err);
    if (rc == 0 && !digest_equal(&copied.id, &t->id))
        rc = changed_meanwhile(path, err);
    return rc;
}

int object_take(const struct intake *in, const char *path, struct taken *t,
                struct error *err)
{
    struct stat s;
    int rc, fd = io_open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);

    *t = (struct taken){ 0 };
    if (fd < 0 || io_fstat(fd, &s) < 0) {
        rc = error_system(err, "cannot read %s", path);
        goto out;
    }
    if (!S_ISREG(s.st_mode)) {
        rc = error_set(err, E_STAGE, "%s is not a regular file", path);
        goto out;
    }
    t->exec = (s.st_mode & S_IXUSR) != 0;
    rc = take_fd(in, path, fd, &s, t, err);
    if (rc == 0 && in->how != TAKE_NAME && in->sync)
        in->st->dirty[t->id.byte[0]] = true;
out:
    if (fd >= 0)
        io_close(fd);
    return rc;
}

int object_take_bytes(const struct intake *in, const void *bytes, size_t n,
                      struct digest *id, struct error *err)
{
    struct tempfile temp = { 0 };
    struct buf object = { 0 };
    struct fs_state state;
    int rc;

    digest_bytes(id, bytes, n);
    if (in->how == TAKE_NAME)
        return 0;
    rc = have_already(in, id, (long long)n, err);
    if (rc <= OBJECT_FINE)
        return rc;
    rc = tempfile_open(&temp, in->st, err);
    if (rc == 0)
        rc = tempfile_write(&temp, bytes, n, err);
    if (rc < 0)
        goto out;
    layout_object(in->st, id, &object);
    rc = tempfile_publish(&temp, &object, true, in->sync, &state, err);
    if (rc < 0)
        goto out;
    object_remember(in->st, id, &state);
    if (in->sync)
        in->st->dirty[id->byte[0]] = true;
out:
    buf_release(&object);
    tempfile_release(&temp);
    return rc;
}
