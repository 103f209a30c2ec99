#include "larder/store.h"

#include "store_fixture.h"

struct heard {
    struct buf text; /* "what path used_by\n" a finding, digests cut to 6 digits */
};

static void hear(void *self, const struct store_finding *f)
{
    struct heard *h = self;

    buf_printf(&h->text, "%s %s %s\n", f->what, f->path, f->used_by ? f->used_by : "-");
}

static int fsck(struct fixture *f, struct heard *h)
{
    struct error err = { 0 };
    int n;

    buf_reset(&h->text);
    n = store_fsck(f->st, hear, h, &err);
    cr_assert(n >= 0, "%s", err.text);
    return n;
}

/* The path of an object or record relative to the store, in memory of the fixture. */
static const char *relative(struct fixture *f, const char *folder, const struct digest *d)
{
    char hex[DIGEST_HEX + 1];

    digest_hex(d, hex);
    snprintf(f->path, sizeof f->path, "%s/%.2s/%s", folder, hex, hex);
    return f->path;
}

Test(fsck, whole_store_has_no_findings)
{
    struct fixture *f = fixture_new(true);
    struct object o[2] = { add_folder(f, "out"), add_text(f, "x") };
    struct record *r = make_record("key\n", o, 2);
    struct heard h = { 0 };

    cr_assert_eq(store_record(f->st, r, false, NULL), 0);
    cr_assert_eq(fsck(f, &h), 0, "%s", buf_str(&h.text));
    record_free(r);
    buf_release(&h.text);
    fixture_free(f);
}

Test(fsck, damage_below_a_tree_names_the_step_that_uses_it)
{
    struct fixture *f = fixture_new(true);
    struct object o = add_folder(f, "out"), cherry = add_text(f, "cherry\n");
    struct record *r = make_record("key\n", &o, 1);
    struct heard h = { 0 };
    char want[300], *path = object_file(f, &cherry.id);

    cr_assert_eq(store_record(f->st, r, false, NULL), 0);
    flip_byte(path, 1); /* its state is as remembered */
    cr_assert_eq(fsck(f, &h), 1);
    snprintf(want, sizeof want, "damaged %s bake@kind=pie\n",
             relative(f, "cas", &cherry.id));
    cr_assert_str_eq(buf_str(&h.text), want);
    cr_assert_eq(store_check(f->st, &o, false, NULL, NULL), OBJECT_DAMAGED,
                 "and it is no longer trusted");
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(fsck(f, &h), 1);
    snprintf(want, sizeof want, "absent %s bake@kind=pie\n",
             relative(f, "cas", &cherry.id));
    cr_assert_str_eq(buf_str(&h.text), want);
    record_free(r);
    free(path);
    buf_release(&h.text);
    fixture_free(f);
}

/* A record of a key that gave an object; what was printed may be NULL. */
static void record(struct fixture *f, const char *key, const struct object *o,
                   const struct object *log, const char *platform)
{
    struct record *r = make_record(key, o, 1);

    r->platform = platform;
    if (log)
        r->log = *log;
    cr_assert_eq(store_record(f->st, r, false, NULL), 0);
    record_free(r);
}

static void lose(struct fixture *f, const struct object *o)
{
    char *path = object_file(f, &o->id);

    cr_assert_eq(unlink(path), 0);
    free(path);
}

static int repair(struct fixture *f, struct heard *h)
{
    struct error err = { 0 };
    int n;

    buf_reset(&h->text);
    n = store_repair(f->st, hear, h, &err);
    cr_assert(n >= 0, "%s", err.text);
    return n;
}

/* How many records a key has. */
static size_t n_records(struct fixture *f, const char *document, struct record ***rec)
{
    struct digest key;
    size_t n = 0;

    digest_bytes(&key, document, strlen(document));
    cr_assert_geq(store_find(f->st, &key, rec, &n, NULL), 0);
    return n;
}

Test(fsck, what_another_record_of_the_key_gives_instead_is_not_needed)
{
    struct fixture *f = fixture_new(true);
    struct object a = add_text(f, "a"), b = add_text(f, "b");
    struct heard h = { 0 };

    record(f, "key\n", &a, NULL, "here");
    lose(f, &a);
    cr_assert_eq(fsck(f, &h), 1);
    record(f, "key\n", &b, NULL, "there");
    cr_assert_eq(fsck(f, &h), 0, "%s", buf_str(&h.text));
    lose(f, &b);
    cr_assert_eq(fsck(f, &h), 2, "now neither answers");
    buf_release(&h.text);
    fixture_free(f);
}

Test(fsck, repair_removes_what_is_lost_and_keeps_what_is_whole)
{
    struct fixture *f = fixture_new(true);
    struct object a = add_text(f, "a"), b = add_text(f, "b"), c = add_text(f, "c");
    struct record **rec;
    struct heard h = { 0 };
    char *path = object_file(f, &c.id);

    record(f, "key\n", &a, NULL, "here");
    record(f, "key\n", &b, NULL, "there");
    record(f, "lost\n", &c, NULL, "here");
    lose(f, &a);
    flip_byte(path, 0);
    cr_assert_eq(repair(f, &h), 1, "%s", buf_str(&h.text));
    cr_assert_eq(fsck(f, &h), 0, "%s", buf_str(&h.text));
    cr_assert(!fs_exists(path));
    cr_assert_eq(n_records(f, "lost\n", &rec), 0);
    cr_assert_eq(n_records(f, "key\n", &rec), 1);
    cr_assert_str_eq(rec[0]->platform, "there");
    records_free(rec, 1);
    free(path);
    buf_release(&h.text);
    fixture_free(f);
}

Test(fsck, repair_keeps_a_result_whose_log_is_lost)
{
    struct fixture *f = fixture_new(true);
    struct object a = add_text(f, "a"), log = add_text(f, "printed");
    static const struct digest none;
    struct record **rec;
    struct heard h = { 0 };

    record(f, "key\n", &a, &log, "here");
    lose(f, &log);
    cr_assert_eq(repair(f, &h), 1);
    cr_assert_eq(fsck(f, &h), 0, "%s", buf_str(&h.text));
    cr_assert_eq(n_records(f, "key\n", &rec), 1);
    cr_assert(digest_equal(&rec[0]->output[0].object.id, &a.id));
    cr_assert(digest_equal(&rec[0]->log.id, &none));
    records_free(rec, 1);
    buf_release(&h.text);
    fixture_free(f);
}

Test(fsck, object_that_no_record_names_is_checked_too)
{
    struct fixture *f = fixture_new(true);
    struct object o = add_text(f, "alone");
    struct heard h = { 0 };
    char want[300], *path = object_file(f, &o.id);

    cut_file(path, 2);
    cr_assert_eq(fsck(f, &h), 1);
    snprintf(want, sizeof want, "damaged %s -\n", relative(f, "cas", &o.id));
    cr_assert_str_eq(buf_str(&h.text), want);
    free(path);
    buf_release(&h.text);
    fixture_free(f);
}

Test(fsck, torn_records_and_stray_files_are_named_and_left)
{
    struct fixture *f = fixture_new(true);
    struct object o = add_text(f, "x");
    struct record *r = make_record("key\n", &o, 1);
    char key[DIGEST_HEX + 1], path[400], want[800];
    struct heard h = { 0 };

    cr_assert_eq(store_record(f->st, r, false, NULL), 0);
    digest_hex(&r->key, key);
    snprintf(path, sizeof path, "%s/ac/%.2s/%s", store_path(f->st), key, key);
    cut_file(path, 100);
    write_text(fixture_path(f, "store/cas/readme"), "x");
    write_text(fixture_path(f, "store/notes"), "x");
    cr_assert_eq(fsck(f, &h), 3);
    snprintf(want, sizeof want,
             "torn record ac/%.2s/%s -\nstray file cas/readme -\nstray file notes -\n",
             key, key);
    cr_assert_str_eq(buf_str(&h.text), want);
    cr_assert_eq(fsck(f, &h), 3, "it changes nothing");
    cr_assert_eq(repair(f, &h), 3);
    cr_assert_eq(fsck(f, &h), 2, "what is not ours stays: %s", buf_str(&h.text));
    record_free(r);
    buf_release(&h.text);
    fixture_free(f);
}
