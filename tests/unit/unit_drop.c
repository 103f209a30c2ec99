#include "larder/drop.h"

#include "store_fixture.h"

/* Outputs that a record calls temporary, and no others. */
static bool as_recorded(void *self, const struct record *rec, const char *output)
{
    (void)self;
    for (size_t i = 0; i < rec->n_outputs; i++)
        if (!strcmp(rec->output[i].name, output))
            return rec->output[i].temp;
    return false;
}

static struct drop *open_drop(struct fixture *f)
{
    struct drop *d = NULL;
    struct error err = { 0 };

    cr_assert_eq(drop_open(&d, f->st, as_recorded, NULL, &err), 0, "%s", err.text);
    return d;
}

static void add_record(struct fixture *f, const char *key, const struct object *o,
                       bool temp)
{
    struct record *r = make_record(key, o, 1);
    struct error err = { 0 };

    r->output[0].temp = temp;
    cr_assert_eq(store_record(f->st, r, false, &err), 0, "%s", err.text);
    record_free(r);
}

static int look(struct fixture *f, const struct object *o)
{
    struct error err = { 0 };
    int rc = store_check(f->st, o, true, NULL, &err);

    cr_assert(rc >= 0, "%s", err.text);
    return rc;
}

static int release(struct drop *d, const struct object *o, long long *size)
{
    struct error err = { 0 };
    int rc = drop_release(d, o, size, &err);

    cr_assert(rc >= 0, "%s", err.text);
    return rc;
}

Test(drop, what_nobody_needs_goes_with_all_that_is_in_it)
{
    struct fixture *f = fixture_new(true);
    struct object o = add_folder(f, "out");
    struct drop *d;
    long long size = 0;

    add_record(f, "key\n", &o, true);
    d = open_drop(f);
    cr_assert_eq(drop_hold(d, &o, NULL), 0);
    cr_assert_eq(release(d, &o, &size), DROP_DONE);
    cr_assert(size > o.size, "the texts of trees are freed too");
    cr_assert_eq(look(f, &o), OBJECT_ABSENT);
    drop_close(d);
    cr_assert_eq(store_fsck(f->st, NULL, NULL, NULL), 0, "that is no damage");
    fixture_free(f);
}

Test(drop, what_a_record_needs_stays)
{
    struct fixture *f = fixture_new(true);
    struct object folder = add_folder(f, "out"), apple = add_text(f, "apple\n");
    struct drop *d;
    long long size = 0;

    add_record(f, "one\n", &folder, true);
    add_record(f, "two\n", &apple, false);
    d = open_drop(f);
    drop_hold(d, &folder, NULL);
    cr_assert_eq(release(d, &folder, &size), DROP_DONE);
    cr_assert_eq(look(f, &apple), OBJECT_FINE);
    cr_assert_eq(look(f, &folder), OBJECT_ABSENT);
    drop_close(d);
    fixture_free(f);
}

Test(drop, what_is_held_twice_is_released_twice)
{
    struct fixture *f = fixture_new(true);
    struct object a = add_text(f, "a");
    struct drop *d = open_drop(f);
    long long size = 0;

    drop_hold(d, &a, NULL);
    drop_hold(d, &a, NULL);
    cr_assert_eq(release(d, &a, &size), DROP_DONE);
    cr_assert_eq(look(f, &a), OBJECT_FINE);
    cr_assert_eq(release(d, &a, &size), DROP_DONE);
    cr_assert_eq(look(f, &a), OBJECT_ABSENT);
    drop_close(d);
    fixture_free(f);
}

Test(drop, nothing_goes_while_another_run_uses_the_store)
{
    struct fixture *f = fixture_new(true);
    struct object a = add_text(f, "a");
    struct drop *d = open_drop(f), *other = open_drop(f);
    long long size = 0;

    drop_hold(d, &a, NULL);
    cr_assert_eq(release(d, &a, &size), DROP_LATER);
    cr_assert_eq(look(f, &a), OBJECT_FINE);
    drop_close(other);
    cr_assert_eq(release(d, &a, &size), DROP_DONE);
    cr_assert_eq(look(f, &a), OBJECT_ABSENT);
    drop_close(d);
    fixture_free(f);
}

Test(drop, what_another_run_recorded_meanwhile_stays)
{
    struct fixture *f = fixture_new(true);
    struct object a = add_text(f, "a"), b = add_text(f, "b");
    struct drop *d = open_drop(f), *other;
    long long size = 0;

    drop_hold(d, &a, NULL);
    drop_hold(d, &b, NULL);
    cr_assert_eq(release(d, &a, &size), DROP_DONE);
    usleep(20000); /* longer than a tick of the file system's clock */
    other = open_drop(f);
    add_record(f, "other\n", &b, false);
    drop_close(other);
    cr_assert_eq(release(d, &b, &size), DROP_DONE);
    cr_assert_eq(look(f, &b), OBJECT_FINE);
    drop_close(d);
    fixture_free(f);
}
