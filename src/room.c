#include "room.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "larder/banned.h"
#include "larder/buf.h"
#include "larder/fs.h"
#include "larder/mem.h"
#include "larder/scratch.h"

#include "state.h"

enum { KEPT_MAX = 16 << 10, PASSES = 3 };

/* From the outermost. The inputs lie beside step/, in which the step may write, and
 * step/in leads to them. */
enum folder { ROOT, STEP, IN, OUT, HOME, TMP, N_FOLDERS };
static const char *const folder_name[N_FOLDERS] = {
    [ROOT] = ".",       [STEP] = "step", [IN] = "in",
    [OUT] = "step/out", [HOME] = "home", [TMP] = "tmp",
};
static const char way_in[] = "../in";

/* A copy in in/ that may be written over. */
struct copy {
    char *name;
    ino_t inode;
    size_t size;
};

/* A folder as it was when it was empty but for what is kept. */
struct folder_state {
    struct fs_state state;
    bool settled; /* it was so long before the next step began */
};

struct room {
    struct scratch *scratch;
    int dir;                /* its folder, to start from */
    mode_t mode[N_FOLDERS]; /* and owner and attributes, as they were made */
    uid_t owner;
    ssize_t attributes;
    struct folder_state was[N_FOLDERS];
    struct copy *copy;
    size_t n_copies, cap;
};

/* True when a test wants the next change of the disk to fail; errno is then set. */
static bool faulted(void)
{
    int why = fs_fault();

    if (why)
        errno = why;
    return why != 0;
}

static void room_free(struct room *room, bool keep)
{
    if (!room)
        return;
    if (room->dir >= 0)
        close(room->dir);
    scratch_close(room->scratch, keep);
    for (size_t i = 0; i < room->n_copies; i++)
        free(room->copy[i].name);
    free(room->copy);
    free(room);
}

static int make_folder(struct room *room, enum folder i, struct error *err)
{
    struct stat s;

    if (i != ROOT && (faulted() || mkdirat(room->dir, folder_name[i], 0777) < 0))
        return error_system(err, "cannot make the folder %s/%s",
                            scratch_path(room->scratch), folder_name[i]);
    if (fstatat(room->dir, folder_name[i], &s, AT_SYMLINK_NOFOLLOW) < 0)
        return error_system(err, "cannot look at %s", scratch_path(room->scratch));
    room->mode[i] = s.st_mode;
    room->owner = s.st_uid;
    return 0;
}

static int make_way_in(struct room *room, struct error *err)
{
    if (faulted() || symlinkat(way_in, room->dir, "step/in") < 0)
        return error_system(err, "cannot make the link %s/step/in",
                            scratch_path(room->scratch));
    return 0;
}

static int room_new(struct room **to, struct store *st, struct error *err)
{
    struct room *room = xcalloc(1, sizeof *room);
    int rc = scratch_open(&room->scratch, st, err);

    room->dir = -1;
    if (rc == 0) {
        const char *path = scratch_path(room->scratch);

        room->dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        room->attributes = listxattr(path, NULL, 0);
        if (room->dir < 0)
            rc = error_system(err, "cannot look at %s", path);
    }
    for (enum folder i = 0; i < N_FOLDERS && rc == 0; i++)
        rc = make_folder(room, i, err);
    if (rc == 0)
        rc = make_way_in(room, err);
    if (rc < 0)
        room_free(room, false);
    else
        *to = room;
    return rc;
}

/* From now on a change shows in a folder's times, unless they are too young for that. */
static void begin(struct room *room)
{
    for (enum folder i = 0; i < N_FOLDERS; i++)
        room->was[i].settled = state_is_settled(&room->was[i].state);
}

int rooms_take(struct rooms *r, struct room **room, struct store *st,
               const struct lease *l, struct error *err)
{
    int rc = 0;

    *room = NULL;
    if (r->n_idle)
        *room = r->idle[--r->n_idle];
    else
        rc = room_new(room, st, err);
    if (rc == 0) {
        begin(*room);
        rc = scratch_share((*room)->scratch, l, err);
    }
    if (rc < 0) {
        room_free(*room, false);
        *room = NULL;
    }
    return rc;
}

const char *room_path(const struct room *room)
{
    return scratch_path(room->scratch);
}

static struct copy *find_copy(const struct room *room, const char *name)
{
    for (size_t i = 0; i < room->n_copies; i++)
        if (!strcmp(room->copy[i].name, name))
            return &room->copy[i];
    return NULL;
}

static void forget_copy(struct room *room, struct copy *c)
{
    free(c->name);
    *c = room->copy[--room->n_copies];
}

static void path_of(const struct room *room, const char *name, struct buf *path)
{
    buf_adds(path, scratch_path(room->scratch));
    buf_adds(path, "/in/");
    buf_adds(path, name);
}

/* Whether the copy is still the file that was made, with one name. */
static bool is_ours(const struct room *room, const struct copy *c)
{
    struct buf path = { 0 };
    struct stat s;
    bool ours;

    buf_printf(&path, "in/%s", c->name);
    ours = fstatat(room->dir, path.s, &s, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISREG(s.st_mode) && s.st_ino == c->inode && s.st_nlink == 1 &&
           (s.st_mode & 07777) == 0444 && (size_t)s.st_size == c->size;
    buf_release(&path);
    return ours;
}

static bool is_kept(const struct room *room, enum folder i, const char *name)
{
    switch (i) {
    case ROOT:
        return !strcmp(name, "step") || !strcmp(name, "in") || !strcmp(name, "home") ||
               !strcmp(name, "tmp") || !strcmp(name, "log");
    case STEP:
        return !strcmp(name, "in") || !strcmp(name, "out");
    case IN:
        return find_copy(room, name) != NULL;
    default:
        return false;
    }
}

static bool remove_entry(const struct room *room, enum folder i, int fd, const char *name)
{
    struct buf path = { 0 };
    int rc;

    if (!faulted() && unlinkat(fd, name, 0) == 0)
        return true;
    buf_printf(&path, "%s/%s/%s", scratch_path(room->scratch), folder_name[i], name);
    rc = fs_remove_tree(path.s, NULL);
    buf_release(&path);
    return rc == 0;
}

/* Removes what one listing of the folder names and is not kept; the number of those, or
 * -1. */
static int remove_listed(const struct room *room, enum folder i, int fd)
{
    _Alignas(struct dirent64) char bytes[4096];
    int n_removed = 0;
    ssize_t n;

    while ((n = getdents64(fd, bytes, sizeof bytes)) > 0)
        for (ssize_t at = 0; at < n;) {
            const struct dirent64 *e = (const struct dirent64 *)(bytes + at);

            at += e->d_reclen;
            if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") ||
                is_kept(room, i, e->d_name))
                continue;
            if (!remove_entry(room, i, fd, e->d_name))
                return -1;
            n_removed++;
        }
    return n < 0 ? -1 : n_removed;
}

/* Whether nothing was made, removed or set there since the step began. */
static bool is_untouched(const struct room *room, enum folder i)
{
    const struct folder_state *was = &room->was[i];
    struct fs_state now;
    struct stat s;

    if (!was->settled || fstatat(room->dir, folder_name[i], &s, AT_SYMLINK_NOFOLLOW) < 0)
        return false;
    fs_state_of(&s, &now);
    return state_same(&was->state, &now);
}

/* A folder that changes while it is listed is listed again. */
static bool empty_folder(struct room *room, enum folder i)
{
    int n = -1, fd = openat(room->dir, folder_name[i],
                            O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat s;

    if (fd < 0)
        return false;
    if (fstat(fd, &s) == 0 && s.st_mode == room->mode[i] && s.st_uid == room->owner &&
        flistxattr(fd, NULL, 0) == room->attributes)
        n = remove_listed(room, i, fd);
    for (int pass = 1; pass < PASSES && n > 0; pass++)
        n = lseek(fd, 0, SEEK_SET) < 0 || fstat(fd, &s) < 0 ? -1
                                                            : remove_listed(room, i, fd);
    fs_state_of(&s, &room->was[i].state);
    close(fd);
    return n == 0;
}

/* An empty log is as good as none. */
static bool empty_log(const struct room *room)
{
    struct buf path = { 0 };
    struct stat s;
    bool good = true;

    if (fstatat(room->dir, "log", &s, AT_SYMLINK_NOFOLLOW) == 0 &&
        !(S_ISREG(s.st_mode) && s.st_size == 0 && s.st_nlink == 1 &&
          (s.st_mode & 07777) == 0600)) {
        buf_printf(&path, "%s/log", scratch_path(room->scratch));
        good = fs_remove_tree(path.s, NULL) == 0;
        buf_release(&path);
    }
    return good;
}

static bool has_way_in(const struct room *room)
{
    char to[sizeof way_in];
    ssize_t n = readlinkat(room->dir, "step/in", to, sizeof to);

    return n == sizeof way_in - 1 && !memcmp(to, way_in, sizeof way_in - 1);
}

static bool room_empty(struct room *room)
{
    bool good = empty_log(room);

    for (size_t i = room->n_copies; i-- > 0;)
        if (!is_ours(room, &room->copy[i])) {
            forget_copy(room, &room->copy[i]);
            room->was[IN].settled = false; /* what it was is to be removed */
        }
    for (enum folder i = 0; i < N_FOLDERS && good; i++)
        good = is_untouched(room, i) ||
               (empty_folder(room, i) && (i != STEP || has_way_in(room)));
    return good;
}

void rooms_give(struct rooms *r, struct room *room, enum room_fate fate)
{
    if (!room)
        return;
    if (fate != ROOM_AGAIN || !room_empty(room)) {
        room_free(room, fate == ROOM_KEEP);
        return;
    }
    GROW(r->idle, r->n_idle + 1, r->cap);
    r->idle[r->n_idle++] = room;
}

void rooms_release(struct rooms *r)
{
    for (size_t i = 0; i < r->n_idle; i++)
        room_free(r->idle[i], false);
    free(r->idle);
    *r = (struct rooms){ 0 };
}

int room_free_name(struct room *room, const char *name, struct error *err)
{
    struct copy *c = find_copy(room, name);
    struct buf path = { 0 };
    int rc;

    if (!c)
        return 0;
    path_of(room, name, &path);
    rc = fs_remove(path.s, err);
    if (rc == 0)
        forget_copy(room, c);
    buf_release(&path);
    return rc;
}

int room_free_others(struct room *room, bool (*keep)(const void *self, const char *name),
                     const void *self, struct error *err)
{
    int rc = 0;

    for (size_t i = room->n_copies; i-- > 0 && rc == 0;)
        if (!keep(self, room->copy[i].name))
            rc = room_free_name(room, room->copy[i].name, err);
    return rc;
}

/* Reads a file of at most `room` bytes; -1 when it has more or cannot be read. */
static ssize_t read_small(const char *path, char *bytes, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t size = 0;
    ssize_t n = -1;

    if (fd < 0)
        return -1;
    while (size < room && (n = read(fd, bytes + size, room - size)) > 0)
        size += (size_t)n;
    close(fd);
    return n == 0 ? (ssize_t)size : -1;
}

/* Never cut to nothing first: some file systems then write to the disk at once. */
static bool write_over(const struct copy *c, const char *path, const char *bytes,
                       size_t n)
{
    int fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    bool closed, good, opened_up = false;

    if (fd < 0 && errno == EACCES && chmod(path, 0644) == 0) {
        opened_up = true;
        fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    }
    if (fd < 0)
        return false;
    good = fs_write_all(fd, bytes, n) == 0 &&
           (n >= c->size || ftruncate(fd, (off_t)n) == 0) &&
           (!opened_up || fchmod(fd, 0444) == 0);
    closed = close(fd) == 0;
    return good && closed;
}

static int copy_small(struct room *room, const char *name, const char *path,
                      const char *bytes, size_t n, struct error *err)
{
    struct copy *c = find_copy(room, name);
    struct stat s;
    int fd, rc = 0;

    if (c) {
        if (!write_over(c, path, bytes, n))
            return error_system(err, "cannot write %s", path);
        c->size = n;
        return 0;
    }
    fd = faulted() ? -1 : open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    if (fd < 0 || fs_write_all(fd, bytes, n) < 0 || fchmod(fd, 0444) < 0 ||
        fstat(fd, &s) < 0)
        rc = error_system(err, "cannot write %s", path);
    if (fd >= 0 && close(fd) < 0 && rc == 0)
        rc = error_system(err, "cannot write %s", path);
    if (rc < 0)
        return rc;
    GROW(room->copy, room->n_copies + 1, room->cap);
    room->copy[room->n_copies++] =
        (struct copy){ .name = xstrdup(name), .inode = s.st_ino, .size = n };
    return 0;
}

int room_copy(struct room *room, const char *name, const char *from, size_t size,
              struct error *err)
{
    struct buf path = { 0 };
    char bytes[KEPT_MAX + 1];
    ssize_t n = size <= KEPT_MAX ? read_small(from, bytes, sizeof bytes) : -1;
    int rc;

    path_of(room, name, &path);
    if (n >= 0) {
        rc = copy_small(room, name, path.s, bytes, (size_t)n, err);
    } else {
        rc = room_free_name(room, name, err);
        if (rc == 0)
            rc = fs_copy(from, path.s, 0444, err);
    }
    buf_release(&path);
    return rc;
}
