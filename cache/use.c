#include "larder/use.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "larder/formats.h"
#include "larder/io.h"
#include "larder/mem.h"
#include "layout.h"
#include "lockfile.h"
#include "uses.h"

#include "larder/banned.h"

struct use {
    struct store *st;
    struct buf path;
    int fd;               /* of the list */
    int locks;            /* of the lock file: holds the list */
    struct digest *noted; /* open addressing; all-zero: free; n_places: a power of two */
    size_t n, n_places;
    bool kept;
};

/* ---- what was noted ---------------------------------------------------------------- */

static bool is_nothing(const struct digest *id)
{
    static const struct digest none;

    return digest_equal(id, &none);
}

static struct digest *place_of(struct digest *noted, size_t n_places,
                               const struct digest *id)
{
    size_t i;

    memcpy(&i, id->byte, sizeof i);
    for (i &= n_places - 1; !is_nothing(&noted[i]) && !digest_equal(&noted[i], id);)
        i = (i + 1) & (n_places - 1);
    return &noted[i];
}

static void grow(struct use *u)
{
    size_t n_places = u->n_places ? 2 * u->n_places : 256;
    struct digest *noted = xcalloc(n_places, sizeof *noted);

    for (size_t i = 0; i < u->n_places; i++)
        if (!is_nothing(&u->noted[i]))
            *place_of(noted, n_places, &u->noted[i]) = u->noted[i];
    free(u->noted);
    u->noted = noted;
    u->n_places = n_places;
}

/* False when it was noted already. */
static bool is_new(struct use *u, const struct digest *id)
{
    struct digest *place;

    if (2 * (u->n + 1) > u->n_places)
        grow(u);
    place = place_of(u->noted, u->n_places, id);
    if (!is_nothing(place))
        return false;
    *place = *id;
    u->n++;
    return true;
}

static void add_line(struct buf *to, enum use_kind kind, const struct digest *id)
{
    char hex[DIGEST_HEX + 1];

    buf_printf(to, "%s %s\n", use_word[kind], digest_hex(id, hex));
}

/* ---- the list ---------------------------------------------------------------------- */

/* Without it, or a line of it, gc could not know: it waits until we are gone. */
static void keep_guard(struct store *st)
{
    store_guard(st);
    st->guarded = st->guard != 0;
}

static void write_lines(struct use *u, const struct buf *lines)
{
    bool written;

    store_guard(u->st);
    written = fs_write_all(u->fd, buf_str(lines), lines->len) == 0;
    if (!written)
        keep_guard(u->st);
    store_unguard(u->st);
}

/* The header tells when we began, by the clock of the store's file system. */
static int begin_list(struct use *u, const char *name)
{
    struct buf text = { 0 };
    struct stat s;
    int rc = io_fstat(u->fd, &s);

    buf_printf(&text, FORMAT_USE "\nlist %s since %lld\n", name,
               (long long)s.st_mtim.tv_sec * 1000000000LL + s.st_mtim.tv_nsec);
    if (rc == 0)
        rc = fs_write_all(u->fd, text.s, text.len);
    buf_release(&text);
    return rc;
}

/* Held before it is there, so that nobody takes it for one that was left. */
static int make_list(struct use *u)
{
    struct buf name = { 0 };
    int rc = -1;

    layout_random(&name, USE_NAME_SIZE / 2);
    buf_printf(&u->path, "%s/uses/%s.live", u->st->path, name.s);
    if (lockfile_take(u->locks, LOCK_SHARED, lockfile_scratch(name.s), NULL) == 0) {
        u->fd =
            io_open(u->path.s, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
        if (u->fd >= 0)
            rc = begin_list(u, name.s);
    }
    buf_release(&name);
    return rc;
}

int use_open(struct use **to, struct store *st, struct error *err)
{
    struct use *u = xcalloc(1, sizeof *u);
    int rc;

    *to = NULL;
    *u = (struct use){ .st = st, .fd = -1, .locks = -1 };
    rc = lockfile_open(st, &u->locks, err);
    if (rc < 0) {
        if (errno == EACCES || errno == EROFS || errno == EPERM)
            rc = 0;
        use_close(u);
        return rc;
    }
    store_guard(st); /* gc sees a list with its beginning, or none */
    rc = make_list(u);
    if (rc < 0)
        keep_guard(st);
    store_unguard(st);
    if (rc < 0) {
        use_close(u);
        return 0;
    }
    st->use = *to = u;
    return 0;
}

/* A gc that goes on may not have read it yet; it will remove it. */
static bool is_read_by_gc(struct use *u)
{
    return lockfile_take(u->locks, LOCK_SHARED, lockfile_gc, NULL) != LOCK_TAKEN;
}

void use_close(struct use *u)
{
    if (!u)
        return;
    if (u->st->use == u)
        u->st->use = NULL;
    if (u->fd >= 0 && !u->kept && !is_read_by_gc(u))
        io_unlink(u->path.s);
    if (u->fd >= 0)
        io_close(u->fd);
    if (u->locks >= 0)
        io_close(u->locks);
    free(u->noted);
    buf_release(&u->path);
    free(u);
}

void use_note(struct store *st, enum use_kind kind, const struct digest *id)
{
    struct use *u = st->use;
    struct buf line = { 0 };

    if (!u || is_nothing(id) || !is_new(u, id))
        return;
    add_line(&line, kind, id);
    write_lines(u, &line);
    buf_release(&line);
}

void use_note_object(struct store *st, const struct object *o)
{
    use_note(st, o->kind == OBJECT_TREE ? USE_TREE : USE_FILE, &o->id);
}

void use_note_keys(struct store *st, const struct digest *key, size_t n)
{
    struct use *u = st->use;
    struct buf lines = { 0 };

    for (size_t i = 0; u && i < n; i++)
        if (is_new(u, &key[i]))
            add_line(&lines, USE_KEY, &key[i]);
    if (lines.len)
        write_lines(u, &lines);
    buf_release(&lines);
}

/* ---- what is kept of it ------------------------------------------------------------ */

static void kept_path(const struct store *st, const char *name, struct buf *path)
{
    buf_printf(path, "%s/uses/%s", st->path, name);
}

static void note_former(void *self, enum use_kind kind, const struct digest *id)
{
    struct use *u = self;

    if (kind != USE_KEY)
        use_note(u->st, kind, id);
}

void use_keep(struct use *u, const char *name, bool with_former_objects)
{
    struct use_list former = { .fd = -1 };
    struct buf path = { 0 };

    if (!u || u->st->guarded)
        return;
    kept_path(u->st, name, &path);
    if (with_former_objects && use_list_open(&former, path.s) == 0)
        use_list_read(&former, note_former, u);
    use_list_close(&former);
    store_guard(u->st);
    if (fs_rename(u->path.s, path.s, NULL) == 0) {
        io_futimens(u->fd, NULL);
        u->kept = true;
        buf_reset(&u->path);
        buf_adds(&u->path, path.s);
    }
    store_unguard(u->st);
    buf_release(&path);
}

bool use_again(struct store *st, const char *name)
{
    struct buf path = { 0 };
    bool there;

    kept_path(st, name, &path);
    there = io_utimensat(AT_FDCWD, path.s, NULL, 0) == 0 || errno == EROFS ||
            errno == EACCES || errno == EPERM;
    if (!there) /* and none can be written */
        there = io_faccessat(st->dir, "uses", W_OK, 0) < 0;
    buf_release(&path);
    return there;
}
