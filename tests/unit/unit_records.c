#include "larder/store.h"

#include "store_fixture.h"

#include "larder/boot.h"

Test(records, record_is_found_by_its_key_alone)
{
    struct fixture *f = fixture_new(true);
    struct object o[2] = { add_text(f, "one"), add_folder(f, "out") };
    struct record *r = make_record("key one\n", o, 2), **found, *same;
    struct error err = { 0 };
    struct digest other;
    size_t n;

    cr_assert_eq(store_record(f->st, r, false, &err), 0, "%s", err.text);
    cr_assert_eq(store_find(f->st, &r->key, &found, &n, &err), STORE_HIT, "%s", err.text);
    cr_assert_eq(n, 1);
    cr_assert(digest_equal(&found[0]->id, &r->id));
    cr_assert(digest_equal(&record_output(found[0], "b")->id, &o[1].id));
    cr_assert_str_eq(found[0]->boot, boot_id());
    records_free(found, n);
    cr_assert_eq(store_find_record(f->st, &r->key, &r->id, &same, NULL), STORE_HIT);
    record_free(same);
    digest_bytes(&other, "x", 1);
    cr_assert_eq(store_find(f->st, &other, &found, &n, NULL), STORE_MISS);
    cr_assert_eq(store_find_record(f->st, &r->key, &other, &same, NULL), STORE_MISS);
    cr_assert_null(same);
    record_free(r);
    fixture_free(f);
}

Test(records, synced_record_has_no_boot)
{
    struct fixture *f = fixture_new(true);
    struct record *r, **found;
    struct error err = { 0 };
    struct object o;
    size_t n;

    make_folder(f, "out");
    cr_assert_eq(store_add(f->st, fixture_path(f, "out"), OBJECT_TREE, true, &o, &err),
                 0);
    r = make_record("key one\n", &o, 1);
    cr_assert_eq(store_record(f->st, r, true, &err), 0, "%s", err.text);
    cr_assert_eq(store_find(f->st, &r->key, &found, &n, NULL), STORE_HIT);
    cr_assert_null(found[0]->boot);
    records_free(found, n);
    record_free(r);
    fixture_free(f);
}

Test(records, records_that_disagree_are_all_found_in_order)
{
    struct fixture *f = fixture_new(true);
    struct record *r, **found;
    struct digest key;
    size_t n;

    for (int i = 0; i < 5; i++) {
        char text[16];
        struct object o;

        snprintf(text, sizeof text, "v%d", i);
        o = add_text(f, text);
        r = make_record("key\n", &o, 1);
        key = r->key;
        cr_assert_eq(store_record(f->st, r, false, NULL), 0);
        record_free(r);
    }
    cr_assert_eq(store_find(f->st, &key, &found, &n, NULL), STORE_HIT);
    cr_assert_eq(n, 5);
    for (size_t i = 1; i < n; i++)
        cr_assert(digest_compare(&found[i - 1]->id, &found[i]->id) < 0);
    records_free(found, n);
    fixture_free(f);
}

Test(records, record_of_an_absent_object_is_refused)
{
    struct fixture *f = fixture_new(true);
    struct object o = { .kind = OBJECT_FILE };
    struct record *r, **found;
    struct error err = { 0 };
    size_t n;

    digest_bytes(&o.id, "never added", 11);
    r = make_record("key\n", &o, 1);
    cr_assert_eq(store_record(f->st, r, false, &err), E_CORRUPT);
    cr_assert_not_null(strstr(err.text, "recording bake@kind=pie"), "%s", err.text);
    cr_assert_eq(store_find(f->st, &r->key, &found, &n, NULL), STORE_MISS);
    record_free(r);
    fixture_free(f);
}

/* The path of the first record of its key; new. */
static char *record_file(struct fixture *f, const struct record *r)
{
    struct buf path = { 0 };
    char key[DIGEST_HEX + 1];

    digest_hex(&r->key, key);
    buf_printf(&path, "%s/ac/%.2s/%s", store_path(f->st), key, key);
    return buf_take(&path);
}

Test(records, record_cut_at_any_length_does_not_count)
{
    struct fixture *f = fixture_new(true);
    struct object o = add_text(f, "one");
    struct record *r = make_record("key\n", &o, 1), **found;
    char *path, *text;
    size_t n;

    cr_assert_eq(store_record(f->st, r, false, NULL), 0);
    path = record_file(f, r);
    text = read_text(path);
    for (size_t cut = 0; cut < strlen(text); cut++) {
        cr_assert(fs_write(path, text, cut, false, NULL) == 0);
        cr_assert_eq(store_find(f->st, &r->key, &found, &n, NULL), STORE_MISS, "at %zu",
                     cut);
        cr_assert_null(found);
        cr_assert(!fs_exists(path), "it is discarded");
    }
    cr_assert_eq(store_record(f->st, r, false, NULL), 0);
    cr_assert_eq(store_find(f->st, &r->key, &found, &n, NULL), STORE_HIT);
    records_free(found, n);
    free(text);
    free(path);
    record_free(r);
    fixture_free(f);
}

Test(records, record_under_another_key_does_not_count_and_stays)
{
    struct fixture *f = fixture_new(true);
    struct object o = add_text(f, "one");
    struct record *r = make_record("key\n", &o, 1),
                  *other = make_record("other\n", &o, 1);
    struct record **found;
    char *from, *to;
    size_t n;

    cr_assert_eq(store_record(f->st, r, false, NULL), 0);
    cr_assert_eq(store_record(f->st, other, false, NULL), 0);
    from = record_file(f, r);
    digest_bytes(&r->key, "other\n", 6);
    to = record_file(f, r); /* r's bytes at the other key's name */
    cr_assert_eq(rename(from, to), 0);
    cr_assert_eq(store_find(f->st, &other->key, &found, &n, NULL), STORE_MISS);
    cr_assert(fs_exists(to));
    cr_assert_eq(store_record(f->st, other, false, NULL), 0);
    cr_assert_eq(store_find(f->st, &other->key, &found, &n, NULL), STORE_HIT);
    cr_assert_eq(n, 1);
    cr_assert(digest_equal(&found[0]->id, &other->id));
    records_free(found, n);
    free(from);
    free(to);
    record_free(r);
    record_free(other);
    fixture_free(f);
}

Test(records, another_record_takes_the_place_of_a_torn_one)
{
    struct fixture *f = fixture_new(true);
    struct object one = add_text(f, "one"), two = add_text(f, "two");
    struct record *r = make_record("key\n", &one, 1),
                  *more = make_record("key\n", &two, 1);
    struct record **found, *by_name;
    char *path = record_file(f, r);
    size_t n;

    cr_assert_eq(store_record(f->st, r, false, NULL), 0);
    cr_assert_eq(store_record(f->st, more, false, NULL), 0);
    cr_assert_eq(store_record(f->st, more, false, NULL), 0, "twice is once");
    cr_assert_eq(store_find(f->st, &r->key, &found, &n, NULL), STORE_HIT);
    cr_assert_eq(n, 2);
    records_free(found, n);
    cr_assert_eq(store_find_record(f->st, &r->key, &more->id, &by_name, NULL), STORE_HIT);
    record_free(by_name);
    cr_assert_eq(truncate(path, 100), 0);
    cr_assert_eq(store_find(f->st, &r->key, &found, &n, NULL), STORE_HIT);
    cr_assert_eq(n, 1);
    cr_assert(digest_equal(&found[0]->id, &more->id));
    records_free(found, n);
    cr_assert_eq(store_find_record(f->st, &r->key, &r->id, &by_name, NULL), STORE_MISS);
    free(path);
    record_free(r);
    record_free(more);
    fixture_free(f);
}
