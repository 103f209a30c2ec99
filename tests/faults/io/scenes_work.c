/*
 * What a run does with a store: leases, scratch folders, checkpoints; what steps and
 * users are given; what goes when nobody needs it.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "larder/checkpoint.h"
#include "larder/drop.h"
#include "larder/fs.h"
#include "larder/gc.h"
#include "larder/lease.h"
#include "larder/md5.h"
#include "larder/pins.h"
#include "larder/scratch.h"
#include "larder/segments.h"
#include "larder/use.h"
#include "scene.h"

#include "larder/banned.h"

static struct digest key_of(const char *text)
{
    struct digest key;

    digest_bytes(&key, text, strlen(text));
    return key;
}

/* ---- what is given ----------------------------------------------------------------- */

static void has_objects(struct scene *s)
{
    s->tree = added_tree(s, "store");
    s->file = added(s, "store", "a result\n");
}

static int lend(struct scene *s, struct store *st, struct error *err)
{
    int rc = fs_remove_tree(at(s, "lent"), err);

    if (rc == 0)
        rc = fs_mkdirs(at(s, "lent"), err);
    if (rc == 0)
        rc = store_lend(st, &s->file, at(s, "lent/file"), err);
    return rc == 0 ? store_lend(st, &s->tree, at(s, "lent/tree"), err) : rc;
}

struct placing {
    struct scene *s;
    struct store *st;
    enum give_how how;
    enum give_over over;
};

static int place_file(void *self, const struct store_file *file, struct error *err)
{
    const struct placing *p = self;
    struct buf path = { 0 };
    struct given given;
    int rc;

    fs_join(&path, at(p->s, "home/results"), file->path);
    rc = file->folder ? fs_mkdirs(path.s, err)
                      : store_give(p->st, file, path.s, p->how, p->over, &given, err);
    buf_release(&path);
    return rc;
}

static int give_tree(struct scene *s, struct store *st, struct error *err)
{
    struct placing p = { s, st, GIVE_AUTO, GIVE_OVER };

    return store_each_file(st, &s->tree, place_file, &p, err);
}

static int give_unseen(struct scene *s, struct store *st, struct error *err)
{
    struct placing p = { s, st, GIVE_COPY, GIVE_UNSEEN };
    int rc = fs_remove_tree(at(s, "home/results"), err);

    return rc == 0 ? store_each_file(st, &s->tree, place_file, &p, err) : rc;
}

static int give(struct scene *s, struct store *st, enum give_how how, enum give_over over,
                struct error *err)
{
    struct store_file file = { .path = "", .id = s->file.id, .size = s->file.size };
    struct given given;

    return store_give(st, &file, at(s, "home/some/where/result"), how, over, &given, err);
}

static int give_copy(struct scene *s, struct store *st, struct error *err)
{
    return give(s, st, GIVE_COPY, GIVE_OVER, err);
}

static int give_link(struct scene *s, struct store *st, struct error *err)
{
    return give(s, st, GIVE_LINK, GIVE_OVER, err);
}

/* What is there of the last time goes first. */
static int give_new(struct scene *s, struct store *st, struct error *err)
{
    int rc = fs_remove(at(s, "home/some/where/result"), err);

    return rc == 0 ? give(s, st, GIVE_COPY, GIVE_NEW, err) : rc;
}

static void has_old_result(struct scene *s)
{
    has_objects(s);
    put_folder(s, "home/some");
    put_folder(s, "home/some/where");
    put(s, "home/some/where/result", "an older one\n");
}

/* More than a small file: it is copied in pieces. */
static void has_large_object(struct scene *s)
{
    struct error err = { 0 };
    struct store *st;

    put_bytes(s, "work/large", 700000, 9);
    insist(scene_store(s, "store", &st, &err), &err, "store");
    insist(store_add(st, at(s, "work/large"), OBJECT_FILE, false, &s->file, &err), &err,
           "a large file");
    store_close(st);
}

/* ---- where steps run --------------------------------------------------------------- */

static void has_store(struct scene *s)
{
    added(s, "store", "something\n");
}

static int lease(struct scene *s, struct store *st, struct error *err)
{
    struct digest key = key_of(KEY_TEXT);
    struct lease *mine = NULL, *other = NULL;
    int rc = lease_try(&mine, st, &key, err);

    (void)s;
    if (rc == LEASE_TAKEN)
        rc = lease_try(&other, st, &key, err);
    lease_release(other);
    lease_release(mine);
    return rc;
}

static int scratch(struct scene *s, struct store *st, struct error *err)
{
    struct digest key = key_of(KEY_TEXT);
    struct lease *mine = NULL;
    struct scratch *place = NULL;
    struct buf path = { 0 };
    int rc = lease_try(&mine, st, &key, err);

    (void)s;
    if (rc == LEASE_TAKEN)
        rc = scratch_open(&place, st, err);
    if (rc == 0)
        rc = scratch_share(place, mine, err);
    if (rc == 0) {
        fs_join(&path, scratch_path(place), "made");
        rc = fs_write(path.s, "made\n", 5, false, err);
    }
    buf_release(&path);
    scratch_close(place, false);
    lease_release(mine);
    return rc;
}

static int scratch_elsewhere(struct scene *s, struct store *st, struct error *err)
{
    struct scratch *place = NULL;
    int rc = scratch_set_root(st, at(s, "work"), err);

    if (rc == 0)
        rc = scratch_open(&place, st, err);
    scratch_close(place, false);
    return rc;
}

static void has_litter(struct scene *s)
{
    struct digest key = key_of(KEY_TEXT), other = key_of("another");
    struct object o = added(s, "store", "a result\n");
    char hex[DIGEST_HEX + 1], name[120];

    recorded(s, "store", KEY_TEXT, &o, 1);
    put_folder(s, "store/scratch/0123456789abcdef");
    put_folder(s, "store/scratch/0123456789abcdef/out");
    put(s, "store/scratch/0123456789abcdef/out/file", "half\n");
    put_mode(s, "store/scratch/0123456789abcdef/out", 0555);
    put(s, "store/tmp/0123456789abcdef", "half\n");
    put_age(s, "store/tmp/0123456789abcdef", 7200);
    put(s, "store/larder-store.abcdef", "larder-");
    put_age(s, "store/larder-store.abcdef", 7200);
    snprintf(name, sizeof name, "store/checkpoints/%s", digest_hex(&key, hex));
    put_folder(s, name);
    snprintf(name, sizeof name, "store/checkpoints/%s/epoch", digest_hex(&key, hex));
    put(s, name, "1\n");
    snprintf(name, sizeof name, "store/checkpoints/%s", digest_hex(&other, hex));
    put_folder(s, name);
}

static int sweep(struct scene *s, struct store *st, struct error *err)
{
    (void)s;
    return scratch_sweep(st, err);
}

/* A step that keeps checkpoints, from its start to its end. */
static int checkpoint(struct scene *s, struct store *st, struct error *err)
{
    struct digest key = key_of(KEY_TEXT);
    struct segments starts = { 0 };
    struct buf path = { 0 };
    bool found = false;
    int rc = checkpoint_open(st, &key, &path, &found, err);

    (void)s;
    if (rc == 0)
        rc = segments_begin(&starts, st, &key, found, err);
    buf_adds(&path, "/epoch");
    if (rc == 0)
        rc = fs_write(path.s, "1\n", 2, false, err);
    if (rc == 0)
        rc = segments_end(&starts, st, &key, 1.5, SEGMENT_DONE, err);
    if (rc == 0)
        rc = checkpoint_clear(st, &key, err);
    segments_release(&starts);
    buf_release(&path);
    return rc;
}

static void noted_before(struct scene *s)
{
    struct digest key = key_of(KEY_TEXT);
    char hex[DIGEST_HEX + 1], name[120];
    struct buf text = { 0 };

    snprintf(name, sizeof name, "store/checkpoints/%s", digest_hex(&key, hex));
    put_folder(s, name);
    snprintf(name, sizeof name, "store/checkpoints/%s/epoch", digest_hex(&key, hex));
    put(s, name, "1\n");
    snprintf(name, sizeof name, "store/checkpoints/%s.segments", digest_hex(&key, hex));
    segment_write(&(struct segment){ 1700000000, 2.5, SEGMENT_STOPPED }, &text);
    segment_write(&(struct segment){ 1700001000, 2.5, SEGMENT_PREEMPTED }, &text);
    put(s, name, text.s);
    buf_release(&text);
}

static void has_checkpoint(struct scene *s)
{
    has_store(s);
    noted_before(s);
}

/* The number of starts: the two that were noted, and this one. */
static int resume(struct scene *s, struct store *st, struct error *err)
{
    struct digest key = key_of(KEY_TEXT);
    struct segments starts = { 0 };
    struct buf path = { 0 };
    bool found = false;
    int rc;

    noted_before(s);
    rc = checkpoint_open(st, &key, &path, &found, err);
    if (rc == 0)
        rc = segments_begin(&starts, st, &key, found, err);
    if (rc == 0)
        rc = (int)starts.n;
    segments_release(&starts);
    buf_release(&path);
    return rc;
}

static bool is_of_segments(const char *path)
{
    return strstr(path, ".segments") != NULL;
}

/* ---- what goes --------------------------------------------------------------------- */

static bool is_temporary(void *self, const struct record *rec, const char *output)
{
    (void)self;
    (void)output;
    return rec->output[0].temp;
}

static void record_temporary(struct scene *s, const struct object *o)
{
    struct record *r = record_of(KEY_TEXT, o, 1);
    struct error err = { 0 };
    struct store *st;

    r->output[0].temp = true;
    insist(scene_store(s, "store", &st, &err), &err, "store");
    insist(store_record(st, r, false, &err), &err, "a record");
    store_close(st);
    record_free(r);
}

/* A folder that is temporary, and one of whose files another record needs. */
static void has_temporary(struct scene *s)
{
    struct object shared = added(s, "store", "/sub/c");

    s->tree = added_tree(s, "store");
    record_temporary(s, &s->tree);
    recorded(s, "store", KEY_TEXT "env A b\n", &shared, 2);
}

/* One that another record needs. */
static void has_needed(struct scene *s)
{
    s->tree = added_tree(s, "store");
    record_temporary(s, &s->tree);
    recorded(s, "store", KEY_TEXT, &s->tree, 2);
    recorded(s, "store", KEY_TEXT "env A b\n", &s->tree, 3);
}

static int drop(struct scene *s, struct store *st, struct error *err)
{
    struct drop *d = NULL;
    long long size = 0;
    int rc = store_check(st, &s->tree, false, NULL, err);

    if (rc != OBJECT_FINE)
        return rc < 0 ? rc : 0; /* it is gone */
    rc = drop_open(&d, st, is_temporary, NULL, err);
    if (rc == 0)
        rc = drop_hold(d, &s->tree, err);
    if (rc == 0)
        rc = drop_release(d, &s->tree, &size, err);
    drop_close(d);
    return rc;
}

/* Two hold it, and one lets go. */
static int drop_held(struct scene *s, struct store *st, struct error *err)
{
    struct drop *d = NULL;
    long long size = 0;
    int rc = drop_open(&d, st, is_temporary, NULL, err);

    for (int i = 0; i < 2 && rc == 0; i++)
        rc = drop_hold(d, &s->tree, err);
    if (rc == 0)
        rc = drop_release(d, &s->tree, &size, err);
    drop_close(d);
    return rc;
}

/* ---- cleaning ---------------------------------------------------------------------- */

/* Two results that share a file, and what nobody names; older than a tick of the clock.
 */
static void has_garbage(struct scene *s)
{
    s->tree = added_tree(s, "store");
    s->file = added(s, "store", "a result\n");
    added(s, "store", "litter\n");
    recorded(s, "store", "one\n", &s->tree, 1);
    recorded(s, "store", "two\n", &s->file, 2);
    usleep(20000);
}

/* What looked damaged for a moment is young afterwards, and goes the next time. */
static int clean(struct scene *s, struct store *st, struct error *err)
{
    struct gc_totals t;

    (void)s;
    usleep(20000);
    return store_gc(st, &(struct gc_order){ .older = -1 }, &t, err);
}

static int clean_look(struct scene *s, struct store *st, struct error *err)
{
    struct gc_totals t;

    (void)s;
    return store_gc(st, &(struct gc_order){ .older = -1, .dry_run = true }, &t, err);
}

/* Its content is chance. */
static bool is_doubt(const char *path)
{
    return strstr(path, "/doubt") || !strncmp(path, "doubt", 5);
}

/* What is found is noted, and what was used is kept. */
static int uses(struct scene *s, struct store *st, struct error *err)
{
    struct record **rec = NULL;
    struct digest key;
    struct use *u = NULL;
    size_t n = 0;
    int rc = use_open(&u, st, err);

    (void)s;
    digest_bytes(&key, "one\n", 4);
    if (rc == 0)
        rc = store_find(st, &key, &rec, &n, err);
    if (rc == STORE_HIT)
        use_keep(u, "0123456789abcdef", false);
    records_free(rec, n);
    use_close(u);
    return rc;
}

static bool is_list(const char *path)
{
    return strstr(path, "uses/");
}

static int pins(struct scene *s, struct store *st, struct error *err)
{
    struct pins_step step = { .name = "one" };
    struct pins_entry pin = { .name = "paper", .project = "/a", .step = &step, .n = 1 };

    (void)s;
    digest_bytes(&step.key, "one\n", 4);
    return pins_add(st, &pin, err);
}

/* ---- files ------------------------------------------------------------------------- */

static void has_file(struct scene *s)
{
    put(s, "home/one", "some text that is copied, linked, renamed and read\n");
}

static int files(struct scene *s, struct error *err)
{
    const char *one = at(s, "home/one"), *copy = at(s, "home/a/b/copy");
    char md5[MD5_HEX + 1];
    struct digest d;
    long long size;
    int rc = fs_remove_tree(at(s, "home/a"), err);

    if (rc == 0)
        rc = fs_make_parent(copy, err);
    if (rc == 0)
        rc = fs_copy(one, copy, 0640, err);
    if (rc == 0)
        rc = fs_sync(copy, err);
    if (rc == 0)
        rc = fs_link(copy, at(s, "home/a/b/link"), err);
    if (rc == 0)
        rc = fs_symlink("b/link", at(s, "home/a/way"), err);
    if (rc == 0)
        rc = fs_rename(at(s, "home/a/b/link"), at(s, "home/a/renamed"), err);
    if (rc == 0)
        rc = fs_chmod(at(s, "home/a/renamed"), 0600, err);
    if (rc == 0)
        rc = fs_write(at(s, "home/a/written"), "written\n", 8, true, err);
    if (rc == 0)
        rc = digest_file(&d, &size, copy, err);
    if (rc == 0)
        rc = md5_file(md5, copy, err);
    return rc < 0 ? rc : d.byte[0] + 256 * md5[0];
}

const struct scenario work_scenario[] = {
    { .name = "gc",
      .prepare = has_garbage,
      .with = clean,
      .varies = is_doubt,
      .rules = LENIENT_STATE },
    { .name = "gc-look", .prepare = has_garbage, .with = clean_look, .rules = UNCHANGED },
    { .name = "use",
      .prepare = has_garbage,
      .with = uses,
      .varies = is_list,
      .rules = LENIENT_STATE },
    { .name = "pin", .prepare = has_garbage, .with = pins },
    { .name = "lend", .prepare = has_objects, .with = lend },
    { .name = "lend-unlinked", .prepare = has_objects, .with = lend, .fs = FS_NO_LINKS },
    { .name = "give-tree", .prepare = has_objects, .with = give_tree },
    { .name = "give-tree-named",
      .prepare = has_objects,
      .with = give_tree,
      .fs = FS_NO_UNNAMED },
    { .name = "give-unseen", .prepare = has_objects, .with = give_unseen },
    { .name = "give-copy", .prepare = has_objects, .with = give_copy },
    { .name = "give-copy-over", .prepare = has_old_result, .with = give_copy },
    { .name = "give-clone-over",
      .prepare = has_old_result,
      .with = give_copy,
      .fs = FS_CLONES },
    { .name = "give-large", .prepare = has_large_object, .with = give_copy },
    { .name = "give-new", .prepare = has_objects, .with = give_new },
    { .name = "give-link", .prepare = has_objects, .with = give_link },
    { .name = "give-link-over", .prepare = has_old_result, .with = give_link },
    { .name = "give-unlinked",
      .prepare = has_old_result,
      .with = give_link,
      .fs = FS_NO_LINKS | FS_NO_UNNAMED },
    { .name = "lease", .prepare = has_store, .with = lease },
    { .name = "scratch", .prepare = has_store, .with = scratch },
    { .name = "scratch-elsewhere", .prepare = has_store, .with = scratch_elsewhere },
    { .name = "sweep", .prepare = has_litter, .with = sweep, .rules = LENIENT_STATE },
    { .name = "checkpoint",
      .prepare = has_store,
      .with = checkpoint,
      .varies = is_of_segments },
    { .name = "resume",
      .prepare = has_checkpoint,
      .with = resume,
      .varies = is_of_segments },
    { .name = "drop", .prepare = has_temporary, .with = drop },
    { .name = "drop-needed", .prepare = has_needed, .with = drop, .rules = UNCHANGED },
    { .name = "drop-held",
      .prepare = has_temporary,
      .with = drop_held,
      .rules = UNCHANGED },
    { .name = "files", .prepare = has_file, .act = files },
};
const size_t n_work_scenarios = sizeof work_scenario / sizeof *work_scenario;
