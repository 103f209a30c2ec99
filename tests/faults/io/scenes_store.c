/*
 * What goes into a store and is looked for in it.
 */
#include <stdio.h>
#include <string.h>

#include "larder/fs.h"
#include "scene.h"

#include "larder/banned.h"

static int opens(struct scene *s, struct error *err)
{
    struct store *st;
    int rc = scene_store(s, "store", &st, err);

    store_close(st);
    return rc;
}

static void has_store(struct scene *s)
{
    added(s, "store", "something\n");
}

/* ---- adding ------------------------------------------------------------------------ */

static int adds_file(struct scene *s, struct store *st, bool sync, struct error *err)
{
    struct object o;

    put(s, "work/file", "an output\n");
    return store_add(st, at(s, "work/file"), OBJECT_FILE, sync, &o, err);
}

static int add_file(struct scene *s, struct store *st, struct error *err)
{
    return adds_file(s, st, false, err);
}

static int add_file_sync(struct scene *s, struct store *st, struct error *err)
{
    return adds_file(s, st, true, err);
}

static int add_exec(struct scene *s, struct store *st, struct error *err)
{
    struct object o;
    int rc;

    put(s, "work/run", "#!/bin/sh\n");
    put_mode(s, "work/run", 0755);
    rc = store_add(st, at(s, "work/run"), OBJECT_FILE, false, &o, err);
    return rc == 0 && o.kind != OBJECT_EXEC
               ? error_set(err, E_STAGE, "it may not be executed")
               : rc;
}

static int add_two_names(struct scene *s, struct store *st, struct error *err)
{
    struct object o;

    put(s, "work/file", "two names\n");
    fs_remove(at(s, "work/again"), NULL);
    if (fs_link(at(s, "work/file"), at(s, "work/again"), err) < 0)
        return E_SYSTEM;
    return store_add(st, at(s, "work/file"), OBJECT_FILE, true, &o, err);
}

static int add_large(struct scene *s, struct store *st, struct error *err)
{
    struct object o;

    put_bytes(s, "work/large", 700000, 7);
    return store_add(st, at(s, "work/large"), OBJECT_FILE, false, &o, err);
}

static int add_tree(struct scene *s, struct store *st, struct error *err)
{
    struct object o;

    put_tree(s, "work/tree");
    return store_add(st, at(s, "work/tree"), OBJECT_TREE, true, &o, err);
}

static int add_bytes(struct scene *s, struct store *st, struct error *err)
{
    struct object o;

    (void)s;
    return store_add_bytes(st, "the log\n", 8, true, &o, err);
}

static void has_output(struct scene *s)
{
    added(s, "store", "an output\n");
}

static const char *object_path(struct scene *s, const struct object *o)
{
    char hex[DIGEST_HEX + 1], name[100];

    digest_hex(&o->id, hex);
    snprintf(name, sizeof name, "store/cas/%.2s/%s", hex, hex);
    return at(s, name);
}

static void has_damaged_output(struct scene *s)
{
    struct object o = added(s, "store", "an output\n");

    flip(object_path(s, &o));
}

static void has_source(struct scene *s)
{
    put_tree(s, "home/source");
    put_bytes(s, "home/picture", 300000, 3);
}

static int import_file(struct scene *s, struct store *st, struct error *err)
{
    struct object o;

    return store_import(st, at(s, "home/picture"), OBJECT_FILE, false, &o, err);
}

static int import_tree(struct scene *s, struct store *st, struct error *err)
{
    struct object o;

    return store_import(st, at(s, "home/source"), OBJECT_TREE, true, &o, err);
}

/* Its name is what it would be in the store, or is not told. */
static int name_source(struct scene *s, struct store *st, struct error *err)
{
    struct object named, o;
    int rc = store_name(at(s, "home/source"), OBJECT_TREE, &named, err);

    if (rc == 0)
        rc = store_import(st, at(s, "home/source"), OBJECT_TREE, false, &o, err);
    return rc == 0 && !digest_equal(&named.id, &o.id)
               ? error_set(err, E_STAGE, "two names of one folder")
               : rc;
}

static int compose(struct scene *s, struct store *st, struct error *err)
{
    struct store_entry entry[2] = { { .name = "a" }, { .name = "b" } }, *read;
    struct object o;
    size_t n;
    int rc = store_add_bytes(st, "a\n", 2, false, &entry[0].object, err);

    if (rc == 0)
        rc = store_add_bytes(st, "b\n", 2, false, &entry[1].object, err);
    if (rc == 0)
        rc = store_add_folder(st, entry, 2, &o, err);
    if (rc == 0)
        rc = store_list(st, &o, &s->arena, &read, &n, err);
    return rc == OBJECT_FINE && n != 2 ? error_set(err, E_STAGE, "%zu entries", n) : rc;
}

/* ---- records ----------------------------------------------------------------------- */

static int records(struct scene *s, struct store *st, bool sync, double wall,
                   struct error *err)
{
    struct record *r = NULL;
    struct object o, log;
    int rc;

    put_tree(s, "work/tree");
    rc = store_add(st, at(s, "work/tree"), OBJECT_TREE, sync, &o, err);
    if (rc == 0)
        rc = store_add_bytes(st, "the log\n", 8, sync, &log, err);
    if (rc == 0) {
        r = record_of(KEY_TEXT, &o, wall);
        r->log = log;
        rc = store_record(st, r, sync, err);
    }
    record_free(r);
    return rc;
}

static int record_cheap(struct scene *s, struct store *st, struct error *err)
{
    return records(s, st, false, 1, err);
}

static int record_sync(struct scene *s, struct store *st, struct error *err)
{
    return records(s, st, true, 1, err);
}

static void has_record(struct scene *s)
{
    struct object o = added_tree(s, "store");

    recorded(s, "store", KEY_TEXT, &o, 2);
}

static void has_records(struct scene *s)
{
    s->tree = added_tree(s, "store");
    s->file = added(s, "store", "other\n");
    s->record = recorded(s, "store", KEY_TEXT, &s->tree, 2);
    recorded(s, "store", KEY_TEXT, &s->tree, 3);
    recorded(s, "store", KEY_TEXT, &s->file, 4);
    recorded(s, "store", KEY_TEXT "env A b\n", &s->file, 5);
}

static const char *record_path(struct scene *s)
{
    char hex[DIGEST_HEX + 1], name[100];
    struct digest key;

    digest_bytes(&key, KEY_TEXT, strlen(KEY_TEXT));
    digest_hex(&key, hex);
    snprintf(name, sizeof name, "store/ac/%.2s/%s", hex, hex);
    return at(s, name);
}

static void has_torn_record(struct scene *s)
{
    has_records(s);
    flip(record_path(s));
}

static void has_only_torn_record(struct scene *s)
{
    has_record(s);
    flip(record_path(s));
}

/* The number of records, whose objects are fine. */
static int find(struct scene *s, struct store *st, struct error *err)
{
    struct record **rec;
    struct digest key, bad;
    size_t n;
    int rc;

    (void)s;
    digest_bytes(&key, KEY_TEXT, strlen(KEY_TEXT));
    rc = store_find(st, &key, &rec, &n, err);
    for (size_t i = 0; rc == STORE_HIT && i < n; i++) {
        rc = store_check(st, &rec[i]->output[0].object, false, &bad, err);
        if (rc > OBJECT_FINE)
            rc = 100 + rc;
    }
    if (rc == STORE_MISS)
        return 0;
    records_free(rec, n);
    return rc == 0 ? (int)n : rc;
}

static int find_one(struct scene *s, struct store *st, struct error *err)
{
    struct object o = { .kind = OBJECT_FILE, .size = 6 };
    struct record *r = NULL, *want = NULL;
    struct fs_state state;
    struct digest id;
    int rc;

    (void)s;
    digest_bytes(&o.id, "other\n", 6);
    want = record_of(KEY_TEXT, &o, 4);
    rc = store_record(st, want, false, err); /* which is there */
    id = want->id;
    if (rc == 0)
        rc = store_find_record(st, &want->key, &id, &r, err);
    if (rc == STORE_HIT)
        rc = store_record_state(st, r, &state, err);
    if (rc == 0)
        rc = store_object_state(st, &o.id, &state, err);
    record_free(r);
    record_free(want);
    return rc;
}

/* The first of three goes, and another takes its place. */
static int drop_record(struct scene *s, struct store *st, struct error *err)
{
    struct digest key;

    digest_bytes(&key, KEY_TEXT, strlen(KEY_TEXT));
    return store_drop_record(st, &key, &s->record, err);
}

/* ---- judging ----------------------------------------------------------------------- */

static void hear(void *self, const struct store_finding *f)
{
    buf_printf(self, "%s %s\n", f->what, f->path);
}

static int fsck(struct scene *s, struct store *st, struct error *err)
{
    struct buf said = { 0 };
    int rc = store_fsck(st, hear, &said, err);

    if (strstr(buf_str(&said), "stray") || strstr(buf_str(&said), "absent"))
        rc = error_set(err, E_STAGE, "fsck says: %s", said.s);
    (void)s;
    buf_release(&said);
    return rc;
}

static void has_damage(struct scene *s)
{
    struct object lost = added(s, "store", "lost\n");

    has_torn_record(s);
    recorded(s, "store", KEY_TEXT "env C d\n", &lost, 6);
    has_damaged_output(s);
    insist(fs_remove(object_path(s, &lost), NULL), NULL, "an object");
}

/* What is damaged goes, with what names it; the rest stays. */
static int repair(struct scene *s, struct store *st, struct error *err)
{
    struct buf said = { 0 };
    int rc = store_repair(st, hear, &said, err);

    (void)s;
    if (strstr(buf_str(&said), "stray"))
        rc = error_set(err, E_STAGE, "fsck says: %s", said.s);
    buf_release(&said);
    return rc < 0 ? rc : 0;
}

static int discard(struct scene *s, struct store *st, struct error *err)
{
    struct digest id;

    (void)s;
    digest_bytes(&id, "an output\n", 10);
    return store_discard(st, &id, err);
}

static int usage(struct scene *s, struct store *st, struct error *err)
{
    long long bytes;
    size_t n;
    int rc = store_usage(st, &n, &bytes, err);

    (void)s;
    return rc < 0 ? rc : (int)(n * 100000 + (size_t)bytes);
}

static int count_file(void *self, const struct store_file *file, struct error *err)
{
    (void)file;
    (void)err;
    ++*(int *)self;
    return 0;
}

static int each_file(struct scene *s, struct store *st, struct error *err)
{
    int n = 0, rc = store_each_file(st, &s->tree, count_file, &n, err);

    return rc < 0 ? rc : n;
}

const struct scenario store_scenario[] = {
    { .name = "open-new", .act = opens },
    { .name = "open-old", .prepare = has_store, .act = opens },
    { .name = "add-file", .with = add_file },
    { .name = "add-file-sync", .prepare = has_store, .with = add_file_sync },
    { .name = "add-exec", .with = add_exec },
    { .name = "add-two-names", .with = add_two_names },
    { .name = "add-large", .with = add_large },
    { .name = "add-large-named", .with = add_large, .fs = FS_NO_UNNAMED },
    { .name = "add-tree", .with = add_tree },
    { .name = "add-tree-named", .with = add_tree, .fs = FS_NO_UNNAMED },
    { .name = "add-bytes", .with = add_bytes },
    { .name = "add-what-is-there", .prepare = has_output, .with = add_file_sync },
    { .name = "add-over-damage", .prepare = has_damaged_output, .with = add_file_sync },
    { .name = "import-file", .prepare = has_source, .with = import_file },
    { .name = "import-clone",
      .prepare = has_source,
      .with = import_file,
      .fs = FS_CLONES },
    { .name = "import-tree", .prepare = has_source, .with = import_tree },
    { .name = "name-source", .prepare = has_source, .with = name_source },
    { .name = "compose", .with = compose },
    { .name = "record", .with = record_cheap },
    { .name = "record-sync", .with = record_sync },
    { .name = "record-second", .prepare = has_record, .with = record_sync },
    { .name = "record-named",
      .prepare = has_record,
      .with = record_cheap,
      .fs = FS_NO_UNNAMED },
    { .name = "record-over-torn", .prepare = has_torn_record, .with = record_sync },
    { .name = "find", .prepare = has_records, .with = find, .rules = UNCHANGED },
    { .name = "find-torn", .prepare = has_torn_record, .with = find },
    { .name = "find-only-torn", .prepare = has_only_torn_record, .with = find },
    { .name = "find-one", .prepare = has_records, .with = find_one, .rules = UNCHANGED },
    { .name = "drop-record", .prepare = has_records, .with = drop_record },
    { .name = "fsck", .prepare = has_records, .with = fsck, .rules = UNCHANGED },
    { .name = "repair", .prepare = has_damage, .with = repair },
    { .name = "discard", .prepare = has_damaged_output, .with = discard },
    { .name = "usage", .prepare = has_records, .with = usage, .rules = UNCHANGED },
    { .name = "each-file",
      .prepare = has_records,
      .with = each_file,
      .rules = UNCHANGED },
};
const size_t n_store_scenarios = sizeof store_scenario / sizeof *store_scenario;
