#include "larder/gc.h"
#include "larder/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "gcscan.h"
#include "larder/lease.h"
#include "larder/scratch.h"
#include "lockfile.h"
#include "uses.h"

#include "larder/banned.h"

/* A list of what was used last counts for so long, and so does what is remembered of a
 * remote; a process that does not let go of the store in so long is told of. */
enum { FORGET_S = 90 * 24 * 3600, PATIENCE_S = 60, BATCH = 256 };

/* Why a file stays: the last one counts. */
enum { STAYS_FOR_ROOM, STAYS_RECENT, STAYS_USED, STAYS_PINNED };

struct gc {
    struct gcscan scan;
    const struct gc_order *order;
    struct gc_totals *totals;
    long long young, settled; /* ns: results, objects that are as young stay */
    struct gc_result **going; /* in order */
    size_t n_going, cap_going;
    int locks; /* of the lock file */
    struct error *err;
};

double gc_fetch_seconds(long long bytes)
{
    return 0.1 + (double)bytes / 20e6;
}

/* ---- deciding ---------------------------------------------------------------------- */

static bool is_safe(const struct gc *gc, const struct gc_result *r)
{
    return r->pinned || r->live || r->used >= gc->young ||
           (!r->step && (r->root[0]->used || r->root[0]->size < 0));
}

/* Whether nothing but results keeps a file here. */
static bool may_go(const struct gc *gc, const struct gc_file *f)
{
    return f->size >= 0 && !f->used && f->held < gc->settled;
}

struct gain {
    const struct gc *gc;
    long long bytes;
    double share; /* bytes, of which each result that names a file has its part */
    size_t n;
};

static void weigh_file(void *self, struct gc_file *f)
{
    struct gain *g = self;

    if (!may_go(g->gc, f))
        return;
    g->share += (double)f->size / f->n_left;
    if (f->n_left == 1) {
        g->bytes += f->size;
        g->n++;
    }
}

static struct gain weigh(struct gc *gc, const struct gc_result *r)
{
    struct gain g = { .gc = gc };

    gcscan_each(&gc->scan, r, weigh_file, &g);
    return g;
}

static void leave_file(void *self, struct gc_file *f)
{
    (void)self;
    f->n_left--;
}

/* What it frees is known only now: others may have named the same. */
static void retire(struct gc *gc, struct gc_result *r, enum gc_why why)
{
    struct gain g = weigh(gc, r);

    r->goes = why;
    r->gain = g.bytes;
    r->n_gain = g.n;
    gcscan_each(&gc->scan, r, leave_file, gc);
    GROW(gc->going, gc->n_going + 1, gc->cap_going);
    gc->going[gc->n_going++] = r;
}

static int compare_scores(const void *a, const void *b)
{
    const struct gc_result *x = *(struct gc_result *const *)a,
                           *y = *(struct gc_result *const *)b;

    if (x->score != y->score)
        return x->score < y->score ? -1 : 1;
    if (x->used != y->used)
        return x->used < y->used ? -1 : 1;
    return digest_compare(&x->id, &y->id);
}

/* Bytes that stay as things are decided so far. */
static long long what_stays(const struct gc *gc)
{
    long long bytes = 0;

    for (size_t i = 0; i < gc->scan.files.n; i++) {
        const struct gc_file *f = gc->scan.files.entry[i].value;

        if (f->size >= 0 && (f->n_left > 0 || !may_go(gc, f)))
            bytes += f->size;
    }
    return bytes;
}

/* The cheapest to have again, for their size, go first. */
static void make_room(struct gc *gc)
{
    long long left = what_stays(gc);
    struct gc_result **may = xcalloc(gc->scan.n + 1, sizeof *may);
    size_t n = 0;

    for (size_t i = 0; i < gc->scan.n && left > gc->order->quota; i++) {
        struct gc_result *r = &gc->scan.result[i];
        double share;

        if (r->goes >= 0 || is_safe(gc, r))
            continue;
        share = weigh(gc, r).share;
        r->score = r->seconds / (share > 0 ? share : 1);
        if (share > 0)
            may[n++] = r;
    }
    qsort(may, n, sizeof(struct gc_result *), compare_scores);
    for (size_t i = 0; i < n && left > gc->order->quota; i++) {
        retire(gc, may[i], GC_DEAR);
        left -= may[i]->gain;
    }
    free(may);
}

static void stay_file(void *self, struct gc_file *f)
{
    int why = *(int *)self;

    if (f->stays < why)
        f->stays = why;
}

/* For what reason each file stays, and how much that is. */
static void sum_up(struct gc *gc)
{
    struct gc_totals *t = gc->totals;

    for (size_t i = 0; i < gc->scan.n; i++) {
        const struct gc_result *r = &gc->scan.result[i];
        int why = r->pinned              ? STAYS_PINNED
                  : r->live              ? STAYS_USED
                  : r->used >= gc->young ? STAYS_RECENT
                                         : STAYS_FOR_ROOM;

        if (r->goes < 0)
            gcscan_each(&gc->scan, r, stay_file, &why);
    }
    for (size_t i = 0; i < gc->scan.files.n; i++) {
        struct gc_file *f = gc->scan.files.entry[i].value;
        long long *of[] = { &t->rest, &t->recent, &t->used, &t->pinned };

        if (f->size < 0)
            continue;
        t->before += f->size;
        if (f->used && f->stays < STAYS_USED)
            f->stays = STAYS_USED;
        else if (f->held >= gc->settled && f->stays < STAYS_RECENT)
            f->stays = STAYS_RECENT;
        if (f->n_left > 0 || !may_go(gc, f))
            *of[f->stays] += f->size;
    }
}

static void decide(struct gc *gc)
{
    const struct gc_order *order = gc->order;
    long long old = gc->scan.now - (long long)(order->older * 1e9);

    for (size_t i = 0; i < gc->scan.files.n; i++) {
        struct gc_file *f = gc->scan.files.entry[i].value;

        f->n_left = f->n_named;
    }
    for (size_t i = 0; i < gc->scan.n; i++) {
        struct gc_result *r = &gc->scan.result[i];

        if (is_safe(gc, r))
            continue;
        if (r->lost)
            retire(gc, r, GC_LOST);
        else if (order->older >= 0 && r->used < old)
            retire(gc, r, GC_OLD);
    }
    if (order->quota >= 0)
        make_room(gc);
    sum_up(gc);
}

/* ---- telling ----------------------------------------------------------------------- */

static void tell(struct gc *gc, const struct gc_item *item)
{
    gc->totals->n_results += item->why != GC_UNNAMED;
    gc->totals->seconds += item->seconds;
    if (gc->order->tell)
        gc->order->tell(gc->order->self, item);
}

static void tell_result(struct gc *gc, const struct gc_result *r)
{
    tell(gc, &(struct gc_item){ .why = (enum gc_why)r->goes,
                                .step = r->step,
                                .id = r->id,
                                .n_objects = r->n_gain,
                                .bytes = r->gain,
                                .seconds =
                                    r->step ? r->seconds : gc_fetch_seconds(r->gain) });
}

static void tell_unnamed(struct gc *gc)
{
    struct gc_item item = { .why = GC_UNNAMED };

    for (size_t i = 0; i < gc->scan.files.n; i++) {
        const struct gc_file *f = gc->scan.files.entry[i].value;

        if (f->n_named > 0 || !may_go(gc, f))
            continue;
        item.n_objects++;
        item.bytes += f->size;
    }
    if (item.n_objects)
        tell(gc, &item);
}

/* ---- going ------------------------------------------------------------------------- */

static void pause_for(long ns)
{
    nanosleep(&(struct timespec){ .tv_nsec = ns }, NULL);
}

/* Nobody begins to rely on anything from here on until go_on(); what they rely on already
 * is known. */
static int stop_others(struct gc *gc)
{
    time_t since = time(NULL);
    int rc;

    while ((rc = lockfile_take(gc->locks, LOCK_ALONE, lockfile_going, gc->err)) ==
           LOCK_BUSY) {
        if (time(NULL) - since > PATIENCE_S)
            return error_set(gc->err, E_SYSTEM,
                             "a process uses the store and could not write down what: "
                             "try again when it has ended");
        pause_for(50000);
    }
    return rc == 0 ? gcscan_again(&gc->scan, gc->err) : rc;
}

static void go_on(struct gc *gc)
{
    lockfile_leave(gc->locks, lockfile_going);
}

static void unname_file(void *self, struct gc_file *f)
{
    (void)self;
    f->n_named--;
}

/* Whether somebody has begun to rely on it since it was decided. */
static bool is_wanted_now(struct gc *gc, const struct gc_result *r)
{
    char hex[DIGEST_HEX + 1];
    const struct gc_key *k = map_get(&gc->scan.keys, digest_hex(&r->key, hex));

    return r->step ? k && k->live : r->root[0]->used;
}

static int remove_result(struct gc *gc, struct gc_result *r)
{
    int rc = 0;

    if (is_wanted_now(gc, r)) {
        r->goes = -1;
        return 0;
    }
    if (r->step)
        rc = store_drop_record(gc->scan.st, &r->key, &r->id, gc->err);
    if (rc < 0)
        return rc;
    gcscan_each(&gc->scan, r, unname_file, gc);
    tell_result(gc, r);
    return 0;
}

/* Who has proved something by a record looks at the store again. */
static int remove_results(struct gc *gc)
{
    int rc = 0;

    if (gc->n_going)
        store_doubt(gc->scan.st);
    for (size_t i = 0; i < gc->n_going && rc == 0;) {
        rc = stop_others(gc);
        for (size_t n = 0; n < BATCH && i < gc->n_going && rc == 0; n++)
            rc = remove_result(gc, gc->going[i++]);
        go_on(gc);
    }
    return rc;
}

static int remove_object(struct gc *gc, const struct gc_file *f)
{
    struct store *st = gc->scan.st;
    struct buf path = { 0 };
    struct stat s;
    int rc = 0;

    layout_object(st, &f->id, &path);
    if (io_fstatat(st->dir, layout_below(st, &path), &s, AT_SYMLINK_NOFOLLOW) == 0 &&
        (long long)s.st_ctim.tv_sec * 1000000000LL + s.st_ctim.tv_nsec == f->held) {
        rc = fs_remove(path.s, gc->err);
        gc->totals->n_objects += rc == 0;
        gc->totals->bytes += rc == 0 ? f->size : 0;
    }
    buf_release(&path);
    return rc;
}

static int remove_objects(struct gc *gc)
{
    int rc = 0;

    for (size_t i = 0; i < gc->scan.files.n && rc == 0;) {
        size_t n = 0;

        while (i < gc->scan.files.n) {
            const struct gc_file *f = gc->scan.files.entry[i].value;

            if (f->n_named == 0 && may_go(gc, f))
                break;
            i++;
        }
        if (i == gc->scan.files.n)
            break;
        rc = stop_others(gc);
        for (; i < gc->scan.files.n && n < BATCH && rc == 0; i++) {
            const struct gc_file *f = gc->scan.files.entry[i].value;

            if (f->n_named > 0 || !may_go(gc, f))
                continue;
            rc = remove_object(gc, f);
            n++;
        }
        go_on(gc);
    }
    return rc;
}

/* ---- what else is left over -------------------------------------------------------- */

typedef void sweeper(struct gc *gc, const char *path, const char *name);

static void each_in(struct gc *gc, const char *folder, sweeper *sweep)
{
    struct buf dir = { 0 }, path = { 0 };
    char **name = NULL;
    size_t n = 0;

    fs_join(&dir, gc->scan.st->path, folder);
    if (fs_list(dir.s, &name, &n, NULL) < 0)
        n = 0;
    for (size_t i = 0; i < n; i++) {
        buf_reset(&path);
        fs_join(&path, dir.s, name[i]);
        sweep(gc, path.s, name[i]);
    }
    free(name);
    buf_release(&path);
    buf_release(&dir);
}

/* Of a process that is gone: one that was kept counts for long, any other for the grace.
 */
static void sweep_list(struct gc *gc, const char *path, const char *name)
{
    struct use_list l;
    bool kept = !strstr(name, ".live");

    if (use_list_open(&l, path) == 0 && l.used < (kept ? gc->scan.forget : gc->young) &&
        lockfile_take(gc->locks, LOCK_ALONE, lockfile_scratch(l.id), NULL) ==
            LOCK_TAKEN) {
        fs_remove(path, NULL);
        lockfile_leave(gc->locks, lockfile_scratch(l.id));
    }
    use_list_close(&l);
}

/* What is remembered of a remote that was not asked for long. */
static void sweep_memory(struct gc *gc, const char *path, const char *name)
{
    struct fs_state s;

    (void)name;
    if (fs_stat(path, &s, NULL) == FS_FOUND && s.mtime_ns < gc->scan.forget)
        fs_remove(path, NULL);
}

/* How often a step was started whose checkpoint is gone. */
static void sweep_segments(struct gc *gc, const char *path, const char *name)
{
    struct lease *lease = NULL;
    char hex[DIGEST_HEX + 1] = { 0 };
    struct digest key;
    struct buf folder = { 0 };
    struct fs_state s;

    strncat(hex, name, DIGEST_HEX);
    if (!layout_is_digest(hex, &key) || strcmp(name + DIGEST_HEX, ".segments") != 0 ||
        fs_stat(path, &s, NULL) != FS_FOUND || s.mtime_ns >= gc->young ||
        lease_try(&lease, gc->scan.st, &key, NULL) != LEASE_TAKEN)
        return;
    layout_checkpoint(gc->scan.st, &key, &folder);
    if (!fs_exists(folder.s))
        fs_remove(path, NULL);
    buf_release(&folder);
    lease_release(lease);
}

static int sweep(struct gc *gc)
{
    each_in(gc, "uses", sweep_list);
    each_in(gc, "remotes", sweep_memory);
    each_in(gc, "checkpoints", sweep_segments);
    return scratch_sweep(gc->scan.st, gc->err);
}

/* ---- the call ---------------------------------------------------------------------- */

/* One gc at a time; and while it goes on nobody repairs, or drops what is temporary. */
static int take_store(struct gc *gc)
{
    time_t since = time(NULL);
    int rc = lockfile_open(gc->scan.st, &gc->locks, gc->err);

    if (rc == 0)
        rc = lockfile_take(gc->locks, LOCK_ALONE, lockfile_gc, gc->err);
    if (rc == LOCK_BUSY)
        return error_set(gc->err, E_SYSTEM,
                         "another gc goes on in %s: wait until it has ended",
                         gc->scan.st->path);
    while (rc == 0 && (rc = lockfile_take(gc->locks, LOCK_SHARED, lockfile_runs,
                                          gc->err)) == LOCK_BUSY) {
        if (time(NULL) - since > PATIENCE_S)
            return error_set(gc->err, E_SYSTEM,
                             "%s is being repaired: wait until that has ended",
                             gc->scan.st->path);
        pause_for(2000000);
        rc = 0;
    }
    return rc;
}

static void tell_plan(struct gc *gc)
{
    tell_unnamed(gc);
    for (size_t i = 0; i < gc->n_going; i++)
        tell_result(gc, gc->going[i]);
    for (size_t i = 0; i < gc->scan.files.n; i++) {
        const struct gc_file *f = gc->scan.files.entry[i].value;

        if (f->n_left > 0 || !may_go(gc, f))
            continue;
        gc->totals->n_objects++;
        gc->totals->bytes += f->size;
    }
}

static int go(struct gc *gc)
{
    int rc;

    tell_unnamed(gc);
    rc = remove_results(gc);
    if (rc == 0)
        rc = remove_objects(gc);
    return rc == 0 ? sweep(gc) : rc;
}

int store_gc(struct store *st, const struct gc_order *order, struct gc_totals *t,
             struct error *err)
{
    struct gc gc = { .order = order, .totals = t, .locks = -1, .err = err };
    int rc;

    *t = (struct gc_totals){ 0 };
    gc.scan.st = st;
    rc = order->dry_run ? 0 : take_store(&gc);
    if (rc == 0)
        rc = gcscan_read(&gc.scan, st, order->grace > FORGET_S ? order->grace : FORGET_S,
                         err);
    if (rc == 0) {
        gc.young = gc.scan.now - (long long)(order->grace * 1e9);
        gc.settled = gc.scan.oldest < gc.young ? gc.scan.oldest : gc.young;
        decide(&gc);
    }
    if (rc == 0 && order->dry_run)
        tell_plan(&gc);
    else if (rc == 0)
        rc = go(&gc);
    free(gc.going);
    gcscan_release(&gc.scan);
    if (gc.locks >= 0)
        io_close(gc.locks);
    return rc < 0 ? error_context(err, "cleaning the store") : 0;
}
