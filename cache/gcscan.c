#include "gcscan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "larder/gc.h"
#include "larder/io.h"
#include "larder/pins.h"
#include "lockfile.h"
#include "object.h"
#include "signed.h"
#include "tempfile.h"
#include "tree.h"
#include "uses.h"

#include "larder/banned.h"

static const long long second = 1000000000;

static struct gc_file *file_of(struct gcscan *g, const struct digest *id, bool tree)
{
    char hex[DIGEST_HEX + 1];
    struct gc_file *f = map_get(&g->files, digest_hex(id, hex));

    if (!f) {
        f = arena_alloc(&g->arena, sizeof *f);
        *f = (struct gc_file){ .id = *id, .size = -1 };
        map_set(&g->files, hex, f);
    }
    f->tree = f->tree || tree;
    return f;
}

static struct gc_key *key_of(struct gcscan *g, const struct digest *key)
{
    char hex[DIGEST_HEX + 1];
    struct gc_key *k = map_get(&g->keys, digest_hex(key, hex));

    if (!k) {
        k = arena_alloc(&g->arena, sizeof *k);
        map_set(&g->keys, hex, k);
    }
    return k;
}

/* ---- folders ----------------------------------------------------------------------- */

/* Reads the text of a folder and what is in it. Of one that is damaged that is not known,
 * and it may be the disk that failed just now. */
static int open_tree(struct gcscan *g, struct gc_file *f, struct error *err)
{
    struct buf text = { 0 };
    struct tree tree = { 0 };
    char hex[DIGEST_HEX + 1];
    int rc = object_read(g->st, &f->id, TREE_TEXT_MAX, &text, err);

    f->opened = true;
    if (rc == OBJECT_FINE && tree_read(&tree, buf_str(&text), text.len, NULL) == 0) {
        f->entry = arena_alloc(&g->arena, (tree.n + 1) * sizeof *f->entry);
        for (size_t i = 0; i < tree.n; i++)
            f->entry[f->n_entries++] =
                file_of(g, &tree.entry[i].id, tree.entry[i].kind == TREE_TREE);
    } else if (rc != OBJECT_ABSENT && rc >= 0)
        rc = error_set(err, E_CORRUPT,
                       "the folder sha256:%s is damaged, and what is in it is not known: "
                       "`larder fsck --repair` clears it away",
                       digest_hex(&f->id, hex));
    tree_release(&tree);
    buf_release(&text);
    return rc < 0 ? rc : 0;
}

/* Those that are added are looked at in turn. */
static int open_trees(struct gcscan *g, struct error *err)
{
    for (size_t i = 0; i < g->files.n; i++) {
        struct gc_file *f = g->files.entry[i].value;
        int rc = f->tree && !f->opened ? open_tree(g, f, err) : 0;

        if (rc < 0)
            return rc;
    }
    return 0;
}

static void each_below(struct gcscan *g, struct gc_file *file,
                       void (*f)(void *self, struct gc_file *file), void *self)
{
    if (file->visit == g->visits)
        return;
    file->visit = g->visits;
    f(self, file);
    for (size_t i = 0; i < file->n_entries; i++)
        each_below(g, file->entry[i], f, self);
}

void gcscan_each(struct gcscan *g, const struct gc_result *r,
                 void (*f)(void *self, struct gc_file *file), void *self)
{
    g->visits++;
    for (size_t i = 0; i < r->n_roots; i++)
        each_below(g, r->root[i], f, self);
}

/* ---- what is pinned, and what is in use -------------------------------------------- */

static int read_pins(struct gcscan *g, struct error *err)
{
    struct pins_entry *pin;
    size_t n;
    int rc = pins_list(g->st, &g->arena, &pin, &n, err);

    for (size_t i = 0; i < n && rc == 0; i++)
        for (size_t k = 0; k < pin[i].n; k++)
            key_of(g, &pin[i].step[k].key)->pinned = true;
    return rc;
}

static struct gc_result *add_result(struct gcscan *g)
{
    GROW(g->result, g->n + 1, g->cap);
    g->result[g->n] = (struct gc_result){ .goes = -1 };
    return &g->result[g->n++];
}

/* In the table until all lists are read: the last use counts. */
static void note_object(struct gcscan *g, const struct digest *id, bool tree)
{
    struct gc_file *f = file_of(g, id, tree);
    char hex[DIGEST_HEX + 1];
    long long *used = map_get(&g->objects, digest_hex(id, hex));

    if (g->reading_live) {
        GROW(g->fresh, g->n_fresh + 1, g->cap_fresh);
        g->fresh[g->n_fresh++] = f;
        return;
    }
    if (!used) {
        used = arena_alloc(&g->arena, sizeof *used);
        map_set(&g->objects, hex, used);
    }
    if (*used < g->reading_used)
        *used = g->reading_used;
}

static void note(void *self, enum use_kind kind, const struct digest *id)
{
    struct gcscan *g = self;
    struct gc_key *k;

    if (g->ignored)
        return;
    if (kind != USE_KEY) {
        note_object(g, id, kind == USE_TREE);
        return;
    }
    k = key_of(g, id);
    k->live |= g->reading_live;
    if (k->used < g->reading_used)
        k->used = g->reading_used;
}

/* 1 when the process of a list lives, 0, or an error. */
static int is_held(struct gcscan *g, const char *id, struct error *err)
{
    int fd, rc = lockfile_open(g->st, &fd, err);

    if (rc < 0)
        return errno == EROFS || errno == EACCES ? 0 : rc; /* nobody can hold it */
    rc = lockfile_take(fd, LOCK_ALONE, lockfile_scratch(id), err);
    io_close(fd);
    return rc < 0 ? rc : rc == LOCK_BUSY;
}

/* first: who is gone is told from who lives, and what was used too long ago does not
 * count; else all that is new is live. */
static int read_list(struct gcscan *g, const char *path, bool first, struct error *err)
{
    struct use_list l;
    size_t *at;
    int rc = use_list_open(&l, path), held;

    if (rc == USE_LIST_NONE)
        rc = error_set(err, E_CORRUPT,
                       "%s is no list of what is in use: `larder fsck --rebuild` removes "
                       "it",
                       path);
    else if (rc < 0)
        rc = errno == ENOENT ? USE_LIST_EMPTY : error_system(err, "cannot read %s", path);
    held = rc == 0 && first ? is_held(g, l.id, err) : 1;
    if (rc == 0 && held < 0)
        rc = held;
    if (rc != 0)
        goto out;
    g->reading_live = held;
    g->reading_used = l.used;
    if (first && g->reading_live && l.since < g->oldest)
        g->oldest = l.since;
    g->ignored = first && !g->reading_live && l.used < g->forget;
    at = map_get(&g->lists, l.id);
    if (at && *at > l.at)
        l.at = *at;
    if (use_list_read(&l, note, g) < 0)
        rc = error_system(err, "cannot read %s", path);
    if (!at) {
        at = arena_alloc(&g->arena, sizeof *at);
        map_set(&g->lists, l.id, at);
    }
    *at = l.at;
out:
    use_list_close(&l);
    return rc < 0 ? rc : 0;
}

/* Most are of processes that are gone, and stay as they are. */
static bool is_as_it_was(struct gcscan *g, const char *path, const char *name)
{
    struct fs_state now = { 0 }, *then = map_get(&g->looks, name);
    bool same;

    fs_stat(path, &now, NULL);
    same = then && then->ino == now.ino && then->size == now.size &&
           then->mtime_ns == now.mtime_ns && then->ctime_ns == now.ctime_ns;
    if (!then) {
        then = arena_alloc(&g->arena, sizeof *then);
        map_set(&g->looks, name, then);
    }
    *then = now;
    return same;
}

static int read_lists(struct gcscan *g, bool first, struct error *err)
{
    struct buf folder = { 0 }, path = { 0 };
    char **name = NULL;
    size_t n = 0;
    int rc;

    fs_join(&folder, g->st->path, "uses");
    rc = fs_list(folder.s, &name, &n, err);
    if (rc < 0 && errno == ENOENT)
        rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        buf_reset(&path);
        fs_join(&path, folder.s, name[i]);
        if (!is_as_it_was(g, path.s, name[i]))
            rc = read_list(g, path.s, first, err);
    }
    free(name);
    buf_release(&path);
    buf_release(&folder);
    return rc;
}

/* What is in a folder in use is in use. */
static int spread(struct gcscan *g, struct gc_file *f, struct error *err)
{
    int rc = f->tree && !f->opened ? open_tree(g, f, err) : 0;

    if (f->spread)
        return 0;
    f->used = f->spread = true;
    for (size_t i = 0; i < f->n_entries && rc == 0; i++)
        rc = spread(g, f->entry[i], err);
    return rc;
}

static int spread_use(struct gcscan *g, struct error *err)
{
    int rc = 0;

    while (g->n_fresh > 0 && rc == 0)
        rc = spread(g, g->fresh[--g->n_fresh], err);
    return rc;
}

/* The indexes of remotes, whose last root is remembered: lines "index sha256:... SIZE".
 */
static void name_indexes(struct gcscan *g, const char *text)
{
    static const char word[] = "\nindex sha256:";

    for (const char *p = text; (p = strstr(p, word)) != NULL;) {
        char hex[DIGEST_HEX + 1] = { 0 };
        struct digest id;

        p += strlen(word);
        strncat(hex, p, DIGEST_HEX);
        if (layout_is_digest(hex, &id))
            file_of(g, &id, false)->used = true;
    }
}

static int read_roots(struct gcscan *g, struct error *err)
{
    struct buf folder = { 0 }, path = { 0 }, text = { 0 };
    char **name = NULL;
    size_t n = 0;
    int rc;

    fs_join(&folder, g->st->path, "remotes");
    rc = fs_list(folder.s, &name, &n, err);
    if (rc < 0 && errno == ENOENT)
        rc = 0;
    for (size_t i = 0; i < n; i++) {
        buf_reset(&path);
        buf_reset(&text);
        fs_join(&path, folder.s, name[i]);
        if (fs_read(path.s, &text, NULL) == 0)
            name_indexes(g, text.s);
    }
    free(name);
    buf_release(&text);
    buf_release(&path);
    buf_release(&folder);
    return rc;
}

/* ---- records ----------------------------------------------------------------------- */

static void add_root(struct gcscan *g, struct gc_result *r, const struct object *o)
{
    static const struct digest none;

    if (!digest_equal(&o->id, &none))
        r->root[r->n_roots++] = file_of(g, &o->id, o->kind == OBJECT_TREE);
}

static double seconds_of(const struct record *rec)
{
    long long bytes = 0;
    double fetch;

    if (!rec->by)
        return rec->wall;
    for (size_t i = 0; i < rec->n_outputs; i++)
        bytes += rec->output[i].object.size;
    fetch = gc_fetch_seconds(bytes);
    return rec->wall < fetch ? rec->wall : fetch;
}

/* What others made, and what is temporary, need not be here. */
static void add_record(struct gcscan *g, const struct record *rec, long long made)
{
    struct gc_result *r = add_result(g);

    r->key = rec->key;
    r->id = rec->id;
    r->step = arena_strdup(&g->arena, rec->step);
    r->seconds = seconds_of(rec);
    r->made = made;
    r->root = arena_alloc(&g->arena, (rec->n_outputs + 3) * sizeof(struct gc_file *));
    for (size_t i = 0; i < rec->n_outputs; i++)
        if (!rec->output[i].temp && !rec->by)
            add_root(g, r, &rec->output[i].object);
    if (!rec->by)
        add_root(g, r, &rec->discovered);
    r->n_wanted = r->n_roots;
    for (size_t i = 0; i < rec->n_outputs; i++)
        if (rec->output[i].temp || rec->by)
            add_root(g, r, &rec->output[i].object);
    if (rec->by)
        add_root(g, r, &rec->discovered);
    add_root(g, r, &rec->log);
}

/* What is torn no look-up takes. What cannot be read, or is of another format, may need
 * anything. */
static int read_record(struct gcscan *g, const char *path, struct error *err)
{
    struct buf text = { 0 };
    struct record *rec = NULL;
    struct stat s;
    int rc = 0, fd = io_open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);

    if (fd < 0 || io_fstat(fd, &s) < 0 || fs_read_fd(fd, &text) < 0) {
        if (errno != ENOENT && errno != EISDIR && errno != ELOOP)
            rc = error_system(err, "cannot read %s", path);
        goto out;
    }
    if (signed_read(&rec, buf_str(&text), text.len, NULL) == 0)
        add_record(g, rec, (long long)s.st_ctim.tv_sec * second + s.st_ctim.tv_nsec);
    else if (signed_is_whole(buf_str(&text), text.len))
        rc =
            error_set(err, E_CORRUPT,
                      "%s is a record of another format, and what it needs is not known: "
                      "clean with the version that made it, or remove it",
                      path);
out:
    if (fd >= 0)
        io_close(fd);
    record_free(rec);
    buf_release(&text);
    return rc;
}

/* All records below a folder: depth 1 is ac/<2 hex>, 2 those of one key. */
static int read_records(struct gcscan *g, const char *folder, int depth,
                        struct error *err)
{
    struct buf path = { 0 };
    char **name = NULL;
    struct digest key;
    size_t n = 0;
    int rc = fs_list(folder, &name, &n, err);

    if (rc < 0 && (errno == ENOENT || errno == ENOTDIR))
        rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        buf_reset(&path);
        fs_join(&path, folder, name[i]);
        if (depth == 0 ? layout_is_prefix(name[i], NULL)
                       : depth == 1 && layout_is_more(name[i], &key))
            rc = read_records(g, path.s, depth + 1, err);
        else if (depth > 0 && layout_is_digest(name[i], &key))
            rc = read_record(g, path.s, err);
    }
    free(name);
    buf_release(&path);
    return rc;
}

/* What lists name beside the records, as if it were of one. */
static void add_objects(struct gcscan *g)
{
    for (size_t i = 0; i < g->objects.n; i++) {
        struct gc_result *r = add_result(g);
        struct digest id;

        digest_parse(&id, g->objects.entry[i].key);
        r->id = id;
        r->used = *(long long *)g->objects.entry[i].value;
        r->root = arena_alloc(&g->arena, sizeof *r->root);
        r->root[r->n_roots++] = file_of(g, &id, false);
    }
}

static void count_name(void *self, struct gc_file *file)
{
    (void)self;
    file->n_named++;
}

static void find_lost(void *self, struct gc_file *file)
{
    struct gc_result *r = self;

    r->lost |= file->size < 0;
}

static void know_results(struct gcscan *g)
{
    for (size_t i = 0; i < g->n; i++) {
        struct gc_result *r = &g->result[i], wanted = *r;
        const struct gc_key *k = r->step ? key_of(g, &r->key) : NULL;

        if (k) {
            r->pinned = k->pinned;
            r->live = k->live;
            r->used = k->used > r->made ? k->used : r->made;
        }
        gcscan_each(g, r, count_name, NULL);
        wanted.n_roots = r->n_wanted;
        gcscan_each(g, &wanted, find_lost, r);
    }
}

/* ---- objects ----------------------------------------------------------------------- */

static int read_folder(struct gcscan *g, DIR *dir, struct error *err)
{
    struct dirent *e;
    struct digest id;
    struct stat s;

    while ((e = io_readdir(dir)) != NULL) {
        struct gc_file *f;

        if (!layout_is_digest(e->d_name, &id))
            continue;
        if (io_fstatat(dirfd(dir), e->d_name, &s, AT_SYMLINK_NOFOLLOW) < 0) {
            if (errno == ENOENT)
                continue;
            return error_system(err, "cannot look at the object %s", e->d_name);
        }
        f = file_of(g, &id, false);
        f->size = s.st_size;
        f->held = (long long)s.st_ctim.tv_sec * second + s.st_ctim.tv_nsec;
    }
    return 0;
}

static int read_objects(struct gcscan *g, struct error *err)
{
    struct buf path = { 0 };
    int rc = 0;

    for (int i = 0; i < 256 && rc == 0; i++) {
        DIR *dir;

        buf_reset(&path);
        buf_printf(&path, "%s/cas/%02x", g->st->path, i);
        dir = io_opendir(path.s);
        if (dir)
            rc = read_folder(g, dir, err);
        else if (errno != ENOENT)
            rc = error_system(err, "cannot read %s", path.s);
        if (dir)
            io_closedir(dir);
    }
    buf_release(&path);
    return rc;
}

/* ---- the calls --------------------------------------------------------------------- */

/* The clock that gives files their times, which need not be ours. */
static long long clock_of_store(struct store *st)
{
    struct tempfile t = { 0 };
    struct stat s = { .st_ctim = { .tv_sec = time(NULL) } };

    if (tempfile_open(&t, st, NULL) == 0)
        io_fstat(t.fd, &s);
    tempfile_release(&t);
    return (long long)s.st_ctim.tv_sec * second + s.st_ctim.tv_nsec;
}

/* Lists come first: whoever begins later holds what it adds by its time. */
int gcscan_read(struct gcscan *g, struct store *st, double forget_after,
                struct error *err)
{
    struct buf path = { 0 };
    int rc;

    *g = (struct gcscan){ .st = st };
    g->now = g->oldest = clock_of_store(st);
    g->forget = g->now - (long long)(forget_after * 1e9);
    rc = read_pins(g, err);
    if (rc == 0)
        rc = read_lists(g, true, err);
    if (rc == 0)
        rc = read_roots(g, err);
    fs_join(&path, st->path, "ac");
    if (rc == 0)
        rc = read_records(g, path.s, 0, err);
    if (rc == 0)
        rc = open_trees(g, err);
    if (rc == 0)
        rc = read_objects(g, err);
    if (rc == 0)
        rc = spread_use(g, err);
    if (rc == 0) {
        add_objects(g);
        know_results(g);
    }
    buf_release(&path);
    return rc;
}

int gcscan_again(struct gcscan *g, struct error *err)
{
    int rc = read_lists(g, false, err);

    return rc == 0 ? spread_use(g, err) : rc;
}

void gcscan_release(struct gcscan *g)
{
    map_release(&g->files);
    map_release(&g->keys);
    map_release(&g->lists);
    map_release(&g->looks);
    map_release(&g->objects);
    free(g->fresh);
    free(g->result);
    arena_release(&g->arena);
    *g = (struct gcscan){ 0 };
}
