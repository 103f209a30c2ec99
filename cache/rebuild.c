#include "larder/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "larder/formats.h"
#include "larder/io.h"
#include "larder/map.h"
#include "larder/mem.h"
#include "layout.h"
#include "lockfile.h"
#include "signed.h"
#include "uses.h"

#include "larder/banned.h"

struct found {
    const char *what, *path;
    struct digest id;
};

struct rebuild {
    struct store *st;
    void (*tell)(void *self, const struct store_finding *f);
    void *self;
    struct arena arena;
    struct found *found; /* of the last fsck */
    size_t n, cap;
    struct map absent; /* hex digits of what is needed and not there, or not whole */
    size_t n_mended, n_moved;
};

static void told(struct rebuild *r, const char *what, const char *path,
                 const struct digest *id)
{
    struct store_finding f = { .what = what, .path = path, .repaired = true };

    if (id)
        f.id = *id;
    r->n_mended++;
    if (r->tell)
        r->tell(r->self, &f);
}

static const char *below(const struct rebuild *r, const char *path)
{
    return path + strlen(r->st->path) + 1;
}

/* ---- the marker -------------------------------------------------------------------- */

/* Whether there is nothing here but what a store has, and of that the two that matter. */
static bool looks_like_a_store(const char *path)
{
    static const char *const known[] = { "cas",     "ac",     "locks",       "doubt",
                                         "uses",    "pins",   "checkpoints", "tmp",
                                         "scratch", "remotes" };
    enum { N_KNOWN = sizeof known / sizeof *known };
    char **name = NULL;
    size_t n = 0, found = 0;
    bool strange = fs_list(path, &name, &n, NULL) < 0;

    for (size_t i = 0; i < n && !strange; i++) {
        size_t k = 0;

        while (k < N_KNOWN && strcmp(known[k], name[i]) != 0)
            k++;
        strange = k == N_KNOWN && strncmp(name[i], "larder-store", 12) != 0 &&
                  strncmp(name[i], "doubt.", 6) != 0;
        found += k < 2;
    }
    free(name);
    return !strange && found == 2;
}

int store_rebuild_marker(const char *path, bool *written, struct error *err)
{
    static const char text[] = FORMAT_STORE "\n";
    struct buf file = { 0 }, now = { 0 };
    int rc = 0;

    *written = false;
    fs_join(&file, path, "larder-store");
    if (fs_exists(file.s))
        rc = fs_read(file.s, &now, err);
    /* another number is another format, and not ours to write over */
    if (rc == 0 && now.len < strlen(text) && !strncmp(buf_str(&now), text, now.len) &&
        looks_like_a_store(path)) {
        rc = fs_write(file.s, text, strlen(text), true, err);
        *written = rc == 0;
    }
    buf_release(&now);
    buf_release(&file);
    return rc;
}

/* ---- modes ------------------------------------------------------------------------- */

/* What its owner could not read, or open, if it is a folder. */
static int mend_mode(struct rebuild *r, const char *path, struct stat *s,
                     struct error *err)
{
    unsigned want = S_ISDIR(s->st_mode) ? 0700 : 0400, mode = s->st_mode & 07777;
    int rc;

    if ((mode & want) == want || !(S_ISDIR(s->st_mode) || S_ISREG(s->st_mode)))
        return 0;
    rc = fs_chmod(path, S_ISDIR(s->st_mode) ? mode | 0755 : OBJECT_MODE, err);
    if (rc == 0)
        told(r, "closed to us", below(r, path), NULL);
    return rc;
}

static int mend_modes(struct rebuild *r, const char *folder, int depth, struct error *err)
{
    struct buf path = { 0 };
    char **name = NULL;
    struct stat s;
    size_t n = 0;
    int rc = 0;

    if (io_lstat(folder, &s) < 0)
        return 0;
    rc = mend_mode(r, folder, &s, err);
    if (rc == 0 && S_ISDIR(s.st_mode) && depth < 4)
        rc = fs_list(folder, &name, &n, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        buf_reset(&path);
        fs_join(&path, folder, name[i]);
        rc = mend_modes(r, path.s, depth + 1, err);
    }
    free(name);
    buf_release(&path);
    return rc;
}

/* ---- what lies in the wrong place -------------------------------------------------- */

static void hear(void *self, const struct store_finding *f)
{
    struct rebuild *r = self;
    char hex[DIGEST_HEX + 1];

    GROW(r->found, r->n + 1, r->cap);
    r->found[r->n++] = (struct found){ f->what, arena_strdup(&r->arena, f->path), f->id };
    if (!strcmp(f->what, "absent") || !strcmp(f->what, "damaged"))
        map_set(&r->absent, digest_hex(&f->id, hex), r);
}

static int forget(struct rebuild *r, const char *full, struct error *err)
{
    r->n_moved++;
    return fs_remove(full, err);
}

/* It has the place of another object, which may have its own: out of both, first. */
static int move_aside(struct rebuild *r, const char *full, const char *hex,
                      struct error *err)
{
    struct buf aside = { 0 };
    int rc;

    buf_printf(&aside, "%s/cas/misplaced-%s", r->st->path, hex);
    r->n_moved++;
    rc = fs_rename(full, aside.s, err);
    buf_release(&aside);
    return rc;
}

/* A file in cas/ that is not what its name says goes where it belongs when something
 * needs it, or its own name says so. */
static int refile_object(struct rebuild *r, const char *full, bool stray,
                         struct error *err)
{
    struct object o, now;
    char hex[DIGEST_HEX + 1];
    int rc = store_name(full, OBJECT_FILE, &o, err);

    if (rc < 0)
        return rc;
    digest_hex(&o.id, hex);
    if (!map_get(&r->absent, hex) && strcmp(fs_basename(full), hex) != 0)
        return 0;
    if (!stray)
        return move_aside(r, full, hex, err);
    rc = store_import(r->st, full, OBJECT_FILE, true, &now, err);
    if (rc == 0)
        rc = forget(r, full, err);
    if (rc == 0)
        told(r, "misplaced object", below(r, full), &o.id);
    return rc;
}

static int refile_record(struct rebuild *r, const char *full, struct error *err)
{
    struct buf text = { 0 };
    struct record *rec = NULL;
    int rc = fs_read(full, &text, err);

    if (rc == 0 && signed_read(&rec, buf_str(&text), text.len, NULL) == 0) {
        rc = signed_keep(r->st, rec, text.s, text.len, err);
        if (rc == 0)
            rc = forget(r, full, err);
        if (rc == 0)
            told(r, "misplaced record", below(r, full), &rec->id);
    }
    record_free(rec);
    buf_release(&text);
    return rc;
}

/* A file, or all files of a folder that is none of ours. */
static int refile(struct rebuild *r, const char *full, bool object, bool stray,
                  struct error *err)
{
    struct buf path = { 0 };
    char **name = NULL;
    struct stat s;
    size_t n = 0;
    int rc = 0;

    if (io_lstat(full, &s) < 0)
        return 0;
    if (S_ISREG(s.st_mode))
        return object ? refile_object(r, full, stray, err) : refile_record(r, full, err);
    if (S_ISDIR(s.st_mode))
        rc = fs_list(full, &name, &n, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        buf_reset(&path);
        fs_join(&path, full, name[i]);
        rc = refile(r, path.s, object, stray, err);
    }
    if (S_ISDIR(s.st_mode))
        io_rmdir(full); /* where nothing is left in it */
    free(name);
    buf_release(&path);
    return rc;
}

static int refile_found(struct rebuild *r, const struct found *f, struct error *err)
{
    bool object = !strncmp(f->path, "cas/", 4), record = !strncmp(f->path, "ac/", 3),
         stray = !strcmp(f->what, "stray file");
    struct buf full = { 0 };
    int rc = 0;

    fs_join(&full, r->st->path, f->path);
    if ((stray && (object || record)) || (object && !strcmp(f->what, "damaged")))
        rc = refile(r, full.s, object, stray, err);
    buf_release(&full);
    return rc;
}

/* A folder that is found again may miss others in turn, and so may a record. */
static int refile_all(struct rebuild *r, struct error *err)
{
    int rc;

    do {
        r->n = r->n_moved = 0;
        map_release(&r->absent);
        rc = store_fsck(r->st, hear, r, err);
        for (size_t i = 0; i < r->n && rc >= 0; i++)
            rc = refile_found(r, &r->found[i], err);
    } while (rc >= 0 && r->n_moved > 0);
    return rc < 0 ? rc : 0;
}

/* ---- what can be known anew -------------------------------------------------------- */

/* Lists that are none: what they had is not known, and the next run writes another. */
static int drop_lists(struct rebuild *r, struct error *err)
{
    struct buf folder = { 0 }, path = { 0 };
    char **name = NULL;
    size_t n = 0;
    int rc;

    fs_join(&folder, r->st->path, "uses");
    rc = fs_list(folder.s, &name, &n, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct use_list l;

        buf_reset(&path);
        fs_join(&path, folder.s, name[i]);
        if (use_list_open(&l, path.s) != 0) {
            rc = fs_remove_tree(path.s, err);
            told(r, "unreadable list", below(r, path.s), NULL);
        }
        use_list_close(&l);
    }
    free(name);
    buf_release(&path);
    buf_release(&folder);
    return rc;
}

/* ---- the call ---------------------------------------------------------------------- */

static int be_alone(struct store *st, int *fd, struct error *err)
{
    int rc = lockfile_open(st, fd, err);

    if (rc == 0)
        rc = lockfile_take(*fd, LOCK_ALONE, lockfile_runs, err);
    return rc == LOCK_BUSY ? error_set(err, E_SYSTEM,
                                       "a run uses the store; rebuild it when that has "
                                       "ended")
                           : rc;
}

int store_rebuild(struct store *st,
                  void (*tell)(void *self, const struct store_finding *f), void *self,
                  struct error *err)
{
    struct rebuild r = { .st = st, .tell = tell, .self = self };
    struct buf path = { 0 };
    int fd = -1, rc = be_alone(st, &fd, err), rest;

    for (const char *const *top = (const char *const[]){ "cas", "ac", "pins", NULL };
         *top && rc == 0; top++) {
        buf_reset(&path);
        fs_join(&path, st->path, *top);
        rc = mend_modes(&r, path.s, 0, err);
    }
    if (rc == 0)
        rc = refile_all(&r, err);
    if (rc == 0)
        rc = drop_lists(&r, err);
    buf_release(&path);
    map_release(&r.absent);
    free(r.found);
    arena_release(&r.arena);
    if (fd >= 0)
        io_close(fd);
    if (rc < 0)
        return error_context(err, "rebuilding the store");
    rest = store_repair(st, tell, self, err);
    return rest < 0 ? rest : rest + (int)r.n_mended;
}
