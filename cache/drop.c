#include "larder/drop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "larder/io.h"
#include "larder/mem.h"
#include "layout.h"
#include "lockfile.h"
#include "records.h"

#include "larder/banned.h"

/* A file of the store: who holds it, and whether a record needs it. */
struct file {
    struct digest id;
    unsigned held;
    bool needed, used; /* used: this place of the table is */
};

struct drop {
    struct store *st;
    int fd; /* of the lock file */
    drop_is_temporary *is_temporary;
    void *self;
    struct file *file; /* open addressing; n_places is a power of two */
    size_t n, n_places;
    bool scanned;          /* what records need is known, */
    struct timespec asked; /* as of this time of the lock file: see touch() */
};

/* ---- the files that are known ------------------------------------------------------ */

static struct file *place_of(struct file *file, size_t n_places, const struct digest *id)
{
    size_t i;

    memcpy(&i, id->byte, sizeof i);
    for (i &= n_places - 1; file[i].used && !digest_equal(&file[i].id, id);)
        i = (i + 1) & (n_places - 1);
    return &file[i];
}

static void grow(struct drop *d)
{
    size_t n_places = d->n_places ? 2 * d->n_places : 1024;
    struct file *file = xcalloc(n_places, sizeof *file);

    for (size_t i = 0; i < d->n_places; i++)
        if (d->file[i].used)
            *place_of(file, n_places, &d->file[i].id) = d->file[i];
    free(d->file);
    d->file = file;
    d->n_places = n_places;
}

static struct file *file_of(struct drop *d, const struct digest *id)
{
    struct file *f;

    if (2 * (d->n + 1) > d->n_places)
        grow(d);
    f = place_of(d->file, d->n_places, id);
    d->n += !f->used;
    f->used = true;
    f->id = *id;
    return f;
}

static int note_need(void *self, const struct store_file *file, struct error *err)
{
    (void)err;
    file_of(self, &file->id)->needed = true;
    return 0;
}

/* ---- what records need ------------------------------------------------------------- */

/* A tree that is not whole needs what can be found of it; one that cannot be read just
 * now may need anything. */
static int need_output(struct drop *d, const struct object *o, struct error *err)
{
    int rc;

    file_of(d, &o->id)->needed = true;
    rc = store_each_file(d->st, o, note_need, d, err);
    return rc == E_CORRUPT ? 0 : rc;
}

static int need_record(struct drop *d, const struct record *r, struct error *err)
{
    int rc = 0;

    file_of(d, &r->log.id)->needed = true;
    for (size_t i = 0; i < r->n_outputs && rc == 0; i++)
        if (!d->is_temporary(d->self, r, r->output[i].name))
            rc = need_output(d, &r->output[i].object, err);
    return rc;
}

static int scan_key(struct drop *d, const struct digest *key, struct error *err)
{
    struct record **rec = NULL;
    size_t n = 0;
    int rc = records_find(d->st, key, &rec, &n, err);

    for (size_t i = 0; i < n && rc == STORE_HIT; i++)
        rc = need_record(d, rec[i], err);
    records_free(rec, n);
    return rc < 0 ? rc : 0;
}

/* The keys in ac/<2 hex>; a key with several records has a folder beside its first. */
static int scan_folder(struct drop *d, const char *path, struct error *err)
{
    char **name = NULL;
    struct digest key;
    size_t n = 0;
    int rc = fs_list(path, &name, &n, err);

    for (size_t i = 0; i < n && rc == 0; i++)
        if (layout_is_digest(name[i], &key))
            rc = scan_key(d, &key, err);
    free(name);
    return rc;
}

static int scan(struct drop *d, struct error *err)
{
    struct buf all = { 0 }, path = { 0 };
    char **name = NULL;
    size_t n = 0;
    int rc;

    fs_join(&all, d->st->path, "ac");
    rc = fs_list(buf_str(&all), &name, &n, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        if (!layout_is_prefix(name[i], NULL))
            continue;
        buf_reset(&path);
        fs_join(&path, all.s, name[i]);
        rc = scan_folder(d, buf_str(&path), err);
    }
    free(name);
    buf_release(&path);
    buf_release(&all);
    return rc;
}

/* ---- one among several runs -------------------------------------------------------- */

static int cannot_use(const struct drop *d, struct error *err)
{
    return error_system(err, "cannot use %s/locks", d->st->path);
}

/* When the lock file was touched last, which every run does when it begins. */
static int touched(const struct drop *d, struct timespec *when, struct error *err)
{
    struct stat s;

    if (io_fstat(d->fd, &s) < 0)
        return cannot_use(d, err);
    *when = s.st_mtim;
    return 0;
}

int drop_open(struct drop **to, struct store *st, drop_is_temporary *is_temporary,
              void *self, struct error *err)
{
    struct drop *d = xcalloc(1, sizeof *d);
    int rc;

    *to = NULL;
    *d = (struct drop){ .st = st, .is_temporary = is_temporary, .self = self };
    rc = lockfile_open(st, &d->fd, err);
    while (rc == 0) {
        rc = lockfile_take(d->fd, LOCK_SHARED, lockfile_runs, err);
        if (rc != LOCK_BUSY)
            break;
        nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
        rc = 0;
    }
    if (rc == LOCK_TAKEN && io_futimens(d->fd, NULL) < 0)
        rc = cannot_use(d, err);
    if (rc < 0) {
        drop_close(d);
        return rc;
    }
    *to = d;
    return 0;
}

void drop_close(struct drop *d)
{
    if (!d)
        return;
    if (d->fd > 0)
        io_close(d->fd);
    free(d->file);
    free(d);
}

/* One among several again. rc: of what was done alone, with the story in *err. */
static int stay(struct drop *d, int rc, struct error *err)
{
    struct error story = { 0 };
    int stayed = lockfile_take(d->fd, LOCK_SHARED, lockfile_runs, &story);

    if (stayed < 0 && rc >= 0)
        rc = error_set(err, stayed, "%s", story.text);
    return rc;
}

/* Alone from here on until stay(), with what records need known: DROP_DONE, or DROP_LATER
 * when another run is known. */
static int be_alone(struct drop *d, struct error *err)
{
    struct timespec now;
    int rc = lockfile_take(d->fd, LOCK_ALONE, lockfile_runs, err);

    if (rc != LOCK_TAKEN)
        return rc < 0 ? rc : DROP_LATER;
    rc = touched(d, &now, err);
    if (rc < 0)
        return stay(d, rc, err);
    if (d->scanned && now.tv_sec == d->asked.tv_sec && now.tv_nsec == d->asked.tv_nsec)
        return DROP_DONE;
    d->asked = now;
    rc = scan(d, err);
    d->scanned = rc == 0;
    return rc < 0 ? stay(d, rc, err) : rc;
}

/* ---- dropping ---------------------------------------------------------------------- */

/* All files of an object; nothing is held or let go of before all of them are known. */
struct files {
    struct digest *id;
    size_t n, cap;
};

static int list_file(void *self, const struct store_file *file, struct error *err)
{
    struct files *all = self;

    (void)err;
    GROW(all->id, all->n + 1, all->cap);
    all->id[all->n++] = file->id;
    return 0;
}

int drop_hold(struct drop *d, const struct object *o, struct error *err)
{
    struct files all = { 0 };
    int rc = store_each_file(d->st, o, list_file, &all, err);

    for (size_t i = 0; i < all.n && rc == 0; i++)
        file_of(d, &all.id[i])->held++;
    free(all.id);
    return rc;
}

/* Its state is forgotten with it. */
static int remove_file(struct drop *d, const struct digest *id, long long *size,
                       struct error *err)
{
    static const struct fs_state gone;
    struct buf path = { 0 };
    struct stat s;
    int rc;

    layout_object(d->st, id, &path);
    if (io_lstat(buf_str(&path), &s) < 0)
        s.st_size = 0; /* it is gone, or goes all the same */
    rc = fs_remove(path.s, err);
    *size += rc == 0 ? s.st_size : 0;
    if (rc == 0 && d->st->memory.put)
        d->st->memory.put(d->st->memory.self, id, &gone);
    buf_release(&path);
    return rc;
}

/* The folders go last, so that what a kill leaves can be found from them. */
static int remove_free(struct drop *d, const struct object *o, long long *size,
                       struct error *err)
{
    struct files all = { 0 };
    int rc = store_each_file(d->st, o, list_file, &all, err);

    for (size_t i = 0; i < all.n && rc == 0; i++) {
        struct file *f = file_of(d, &all.id[i]);

        f->held -= f->held > 0;
    }
    while (all.n > 0 && rc == 0) {
        const struct file *f = file_of(d, &all.id[--all.n]);

        if (!f->held && !f->needed)
            rc = remove_file(d, &all.id[all.n], size, err);
    }
    free(all.id);
    return rc;
}

int drop_release(struct drop *d, const struct object *o, long long *size,
                 struct error *err)
{
    int rc = be_alone(d, err);

    if (rc != DROP_DONE)
        return rc;
    return stay(d, remove_free(d, o, size, err), err);
}
