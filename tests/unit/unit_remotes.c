#include "labs.h"

Test(remotes, a_record_arrives_with_who_signed_it)
{
    struct labs *l = labs_new();
    struct object o = add_folder(l->a, "out");
    struct record *rec = share(l, KEY, &o, l->signer);

    expect_found(l, rec, &o);
    record_free(rec);
    labs_free(l);
}

Test(remotes, what_a_stranger_signed_is_ignored)
{
    struct labs *l = labs_new();
    struct object o = add_text(l->a, "apple\n");
    struct signer *stranger = make_signer(2);
    struct record *rec = share(l, KEY, &o, stranger);

    cr_assert_eq(find(l, &rec->key), STORE_MISS);
    cr_assert_eq(n_ignored(l), 1);
    remotes_tell_ignored(l->remotes);
    cr_assert(strstr(l->warning, "1 result ignored: unknown key "), "%s", l->warning);
    cr_assert(strstr(l->warning, key_id_of(signer_key(stranger)).text));
    signer_free(stranger);
    record_free(rec);
    labs_free(l);
}

/* Puts a stranger's record, or one of another key, where a trusted one would be. */
static void check_replaced(bool other_key)
{
    struct labs *l = labs_new();
    struct object o = add_text(l->a, "apple\n");
    struct signer *stranger = make_signer(2);
    struct record *rec = share(l, KEY, &o, other_key ? l->signer : stranger);
    struct key_id from = key_id_of(signer_key(other_key ? l->signer : stranger)),
                  to = key_id_of(signer_key(l->signer));
    struct digest key = rec->key;
    struct error err = { 0 };
    char *there, *here, end[40];

    if (other_key)
        digest_bytes(&key, "another", 7);
    snprintf(end, sizeof end, "/%s", from.text);
    there = remote_file(l, "ac", &rec->key, end);
    snprintf(end, sizeof end, "/%s", to.text);
    here = remote_file(l, "ac", &key, end);
    cr_assert_eq(fs_make_parent(here, &err), 0);
    cr_assert_eq(fs_rename(there, here, &err), 0, "%s", err.text);
    cr_assert_eq(find(l, &key), STORE_MISS);
    cr_assert_eq(n_ignored(l), 1);
    free(there);
    free(here);
    signer_free(stranger);
    record_free(rec);
    labs_free(l);
}

Test(remotes, a_record_in_the_place_of_another_is_ignored)
{
    check_replaced(false);
    check_replaced(true);
}

/* A record of which any byte was changed, or that was cut, is ignored. */
Test(remotes, damaged_records_are_ignored)
{
    struct labs *l = labs_new();
    struct object o = add_text(l->a, "apple\n");
    struct record *rec = share(l, KEY, &o, l->signer);
    char end[40], *path;
    struct stat s;

    snprintf(end, sizeof end, "/%s", key_id_of(signer_key(l->signer)).text);
    path = remote_file(l, "ac", &rec->key, end);
    cr_assert_eq(stat(path, &s), 0);
    for (long i = 0; i < s.st_size; i += 7) {
        flip_byte(path, i);
        reopen(l, false);
        cr_assert_eq(find(l, &rec->key), STORE_MISS, "byte %ld", i);
        cr_assert_eq(n_ignored(l), 1);
        flip_byte(path, i);
    }
    for (long i = s.st_size - 1; i >= 0; i -= 13) {
        cut_file(path, i);
        reopen(l, false);
        cr_assert_eq(find(l, &rec->key), STORE_MISS, "cut at %ld", i);
    }
    free(path);
    record_free(rec);
    labs_free(l);
}

/* Damages the file of one object in turn: the whole is then not fetched, and whole again
 * it is. */
static void check_damage(struct labs *l, const struct object *o, const struct digest *id)
{
    char *path = remote_file(l, "cas", id, "");
    struct error err = { 0 };
    struct stat s;
    char *bytes;

    cr_assert_eq(stat(path, &s), 0, "%s", path);
    bytes = read_text(path);
    if (s.st_size) {
        flip_byte(path, s.st_size / 2);
        start_afresh(l);
        cr_assert_eq(fetch(l, o), STORE_MISS);
        cut_file(path, s.st_size - 1);
        start_afresh(l);
        cr_assert_eq(fetch(l, o), STORE_MISS);
        cr_assert_eq(chmod(path, 0644), 0);
    }
    cr_assert_eq(unlink(path), 0);
    start_afresh(l);
    cr_assert_eq(fetch(l, o), STORE_MISS);
    cr_assert_eq(symlink("/etc/passwd", path), 0);
    start_afresh(l);
    cr_assert_eq(fetch(l, o), STORE_MISS);
    cr_assert_eq(unlink(path), 0);
    cr_assert_neq(store_check(l->b->st, o, true, NULL, &err), OBJECT_FINE);
    write_text(path, bytes);
    cr_assert_eq(l->n_warnings, 0, "%s", l->warning);
    free(bytes);
    free(path);
}

Test(remotes, damaged_objects_count_as_absent)
{
    struct labs *l = labs_new();
    struct object o = add_folder(l->a, "out");
    struct record *rec = share(l, KEY, &o, l->signer);
    struct digest apple, cherry;
    struct error err = { 0 };

    digest_bytes(&apple, "apple\n", 6);
    digest_bytes(&cherry, "cherry\n", 7);
    check_damage(l, &o, &cherry);
    check_damage(l, &o, &apple);
    check_damage(l, &o, &o.id);
    reopen(l, false);
    cr_assert_eq(fetch(l, &o), STORE_HIT);
    cr_assert_eq(store_check(l->b->st, &o, true, NULL, &err), OBJECT_FINE);
    record_free(rec);
    labs_free(l);
}

/* Bytes without end are cut at the size that the record tells. */
Test(remotes, an_object_that_is_too_long_is_stopped)
{
    struct labs *l = labs_new();
    struct object o = add_text(l->a, "apple\n");
    struct record *rec = share(l, KEY, &o, l->signer);
    char *path = remote_file(l, "cas", &o.id, "");
    struct remotes_totals t;

    cr_assert_eq(chmod(path, 0644), 0);
    cr_assert_eq(truncate(path, 1LL << 40), 0);
    cr_assert_eq(fetch(l, &o), STORE_MISS);
    remotes_count_up(l->remotes, &t);
    cr_assert_eq(t.n_objects, 0);
    remotes_tell_ignored(l->remotes);
    cr_assert(strstr(l->warning, "not what its name says, on remote lab"), "%s",
              l->warning);
    free(path);
    record_free(rec);
    labs_free(l);
}

/* A signed record may name a tree that is none, or whose sizes are not the record's. */
Test(remotes, a_tree_that_is_none_is_not_taken)
{
    static const char text[] =
        "larder-tree 1\nfile 6 sha256:"
        "0000000000000000000000000000000000000000000000000000000000"
        "000000 ../../out\n";
    struct labs *l = labs_new();
    struct object file = add_text(l->a, text), o = file;
    struct record *rec;

    o.kind = OBJECT_TREE;
    o.size = 6;
    rec = share(l, KEY, &file, l->signer);
    cr_assert_eq(fetch(l, &o), STORE_MISS);
    o = add_folder(l->a, "out");
    record_free(rec);
    rec = share(l, KEY "seed 1\n", &o, l->signer);
    o.size++;
    cr_assert_eq(fetch(l, &o), STORE_MISS);
    record_free(rec);
    labs_free(l);
}

static bool stop_at_third(void *self)
{
    struct labs *l = self;

    return ++l->n_asked >= 3;
}

/* A user who wants to stop does not wait for the rest of a large object. */
Test(remotes, a_fetch_can_be_stopped)
{
    struct labs *l = labs_new();
    char *text = calloc(1, 1000001);
    struct error err = { 0 };
    struct remotes_totals t;
    struct record *rec;
    struct object o;

    memset(text, 'x', 1000000);
    o = add_text(l->a, text);
    rec = share(l, KEY, &o, l->signer);
    remotes_close(l->remotes);
    remotes_open(&l->remotes, &(struct remotes_order){ .store = l->b->st,
                                                       .trust = l->trust,
                                                       .required = true,
                                                       .warn = note_warning,
                                                       .stops = stop_at_third,
                                                       .self = l });
    cr_assert_eq(remotes_add(l->remotes, "lab", l->place, &err), 0, "%s", err.text);
    cr_assert_eq(fetch(l, &o), STORE_MISS);
    cr_assert_eq(l->n_asked, 3);
    remotes_count_up(l->remotes, &t);
    cr_assert_eq(t.n_objects, 0);
    cr_assert_eq(l->n_warnings, 0, "%s", l->warning);
    reopen(l, true);
    cr_assert_eq(fetch(l, &o), STORE_HIT);
    free(text);
    record_free(rec);
    labs_free(l);
}

Test(remotes, one_that_is_away_is_told_once_and_let_alone)
{
    struct labs *l = labs_new();
    struct error err = { 0 };
    struct digest key;
    const char *from;

    cr_assert_eq(rmdir(l->remote), 0);
    for (char i = 'a'; i < 'k'; i++) {
        digest_bytes(&key, &i, 1);
        cr_assert_eq(find(l, &key), STORE_MISS);
    }
    cr_assert_eq(l->n_warnings, 1);
    cr_assert(strstr(l->warning, "remote lab fails"), "%s", l->warning);
    reopen(l, true);
    cr_assert_eq(remotes_find_record(l->remotes, &key, "bake", &from, &err), E_REMOTE);
    labs_free(l);
}

Test(remotes, a_folder_of_something_else_is_no_remote)
{
    struct labs *l = labs_new();
    struct error err = { 0 };
    struct push *p;
    char path[120];

    snprintf(path, sizeof path, "%s/thesis.tex", l->remote);
    write_text(path, "\\documentclass\n");
    cr_assert_eq(push_open(&p, l->a->st, "lab", l->place, l->signer, &err), E_REMOTE);
    cr_assert(strstr(err.text, "thesis.tex"), "%s", err.text);
    cr_assert_eq(unlink(path), 0);
    snprintf(path, sizeof path, "%s/larder-cache-info", l->remote);
    write_text(path, "larder-cache 2\n");
    cr_assert_eq(push_open(&p, l->a->st, "lab", l->place, l->signer, &err), E_REMOTE);
    cr_assert(strstr(err.text, "another format"), "%s", err.text);
    labs_free(l);
}

/* What is signed has been hashed, also where the remote has the object already. */
Test(push, damaged_objects_are_never_signed)
{
    struct labs *l = labs_new();
    struct object o = add_text(l->a, "apple\n");
    struct record *rec = share(l, KEY, &o, l->signer);
    char *path = object_file(l->a, &o.id);
    struct error err = { 0 };
    struct push *p;

    flip_byte(path, 3);
    cr_assert_eq(push_open(&p, l->a->st, "lab", l->place, l->signer, &err), 0);
    cr_assert_eq(push_object(p, &o, false, &err), 0, "the remote has it");
    cr_assert_eq(push_object(p, &o, true, &err), E_CORRUPT);
    push_close(p);
    free(path);
    path = remote_file(l, "cas", &o.id, "");
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(push_open(&p, l->a->st, "lab", l->place, l->signer, &err), 0);
    cr_assert_eq(push_object(p, &o, false, &err), E_CORRUPT);
    cr_assert(!fs_exists(path));
    push_close(p);
    free(path);
    record_free(rec);
    labs_free(l);
}

/* Lab B gives on what it has from lab A, and lab A's name stays on it. */
Test(push, a_record_of_others_keeps_its_signature)
{
    struct labs *l = labs_new();
    struct object o = add_text(l->a, "apple\n");
    struct record *rec = share(l, KEY, &o, l->signer), *theirs;
    struct signer *b = make_signer(3);
    struct error err = { 0 };
    struct push *p;
    char end[40], *path;

    cr_assert_eq(find(l, &rec->key), STORE_HIT);
    cr_assert_eq(fetch(l, &o), STORE_HIT);
    cr_assert_eq(store_find_record(l->b->st, &rec->key, &rec->id, &theirs, &err),
                 STORE_HIT);
    cr_assert_eq(fs_remove_tree(l->remote, &err), 0);
    cr_assert_eq(mkdir(l->remote, 0755), 0);
    cr_assert_eq(push_open(&p, l->b->st, "lab", l->place, b, &err), 0, "%s", err.text);
    cr_assert_eq(push_has_record(p, theirs, &err), 0);
    cr_assert_eq(push_object(p, &o, true, &err), 0, "%s", err.text);
    cr_assert_eq(push_record(p, theirs, &err), 0, "%s", err.text);
    cr_assert_eq(push_has_record(p, theirs, &err), 1);
    push_close(p);
    snprintf(end, sizeof end, "/%s", key_id_of(signer_key(l->signer)).text);
    path = remote_file(l, "ac", &rec->key, end);
    cr_assert(fs_exists(path));
    start_afresh(l);
    cr_assert_eq(find(l, &rec->key), STORE_HIT);
    cr_assert_eq(fetch(l, &o), STORE_HIT);
    free(path);
    record_free(theirs);
    record_free(rec);
    signer_free(b);
    labs_free(l);
}

/* ---- large objects: what came stays ------------------------------------------------ */

enum { LARGE = (64 << 20) + 4321, HALF = 40 << 20 };

static int pieces = 5; /* which lab B takes before it stops */

static long long bytes_fetched(struct labs *l)
{
    struct remotes_totals t;

    remotes_count_up(l->remotes, &t);
    return t.bytes;
}

/* An object whose bytes are all different from its neighbours'. */
static struct object add_large(struct fixture *f)
{
    const char *path = fixture_path(f, "large");
    char *bytes = malloc(LARGE);
    struct error err = { 0 };
    struct object o;

    for (size_t i = 0; i < LARGE; i++)
        bytes[i] = (char)(i * 2654435761U >> 13);
    cr_assert_eq(fs_write(path, bytes, LARGE, false, &err), 0, "%s", err.text);
    cr_assert_eq(store_add(f->st, path, OBJECT_FILE, false, &o, &err), 0, "%s", err.text);
    free(bytes);
    return o;
}

/* Where lab B keeps what came of it; new. */
static char *part_path(struct labs *l, const struct object *o)
{
    char hex[DIGEST_HEX + 1];
    struct buf path = { 0 };

    buf_printf(&path, "%s/tmp/%s", store_path(l->b->st), digest_hex(&o->id, hex));
    return buf_take(&path);
}

/* That is the first n bytes, the last of them flipped. */
static void leave_part(struct labs *l, const struct object *o, long n, bool wrong)
{
    char *there = remote_file(l, "cas", &o->id, ""), *path = part_path(l, o);
    struct buf bytes = { 0 };
    struct error err = { 0 };

    start_afresh(l);
    cr_assert_eq(fs_read(there, &bytes, &err), 0, "%s", err.text);
    buf_adds(&bytes, "and more");
    cr_assert_eq(fs_write(path, bytes.s, (size_t)n, false, &err), 0, "%s", err.text);
    if (wrong)
        flip_byte(path, n - 1);
    buf_release(&bytes);
    free(there);
    free(path);
}

static void expect_fetched(struct labs *l, const struct object *o, long long bytes)
{
    struct error err = { 0 };
    char *path = part_path(l, o);

    cr_assert_eq(fetch(l, o), STORE_HIT);
    cr_assert_eq(store_check(l->b->st, o, true, NULL, &err), OBJECT_FINE);
    cr_assert_eq(bytes_fetched(l), bytes);
    cr_assert_not(fs_exists(path));
    cr_assert_eq(l->n_warnings, 0, "%s", l->warning);
    remotes_tell_ignored(l->remotes);
    cr_assert_eq(l->n_warnings, 0, "%s", l->warning);
    free(path);
}

Test(remotes, a_large_object_is_gone_on_with)
{
    struct labs *l = labs_new();
    struct object o = add_large(l->a);
    struct record *rec = share(l, KEY, &o, l->signer);

    leave_part(l, &o, HALF, false);
    expect_fetched(l, &o, LARGE - HALF);
    leave_part(l, &o, LARGE, false); /* all of it */
    expect_fetched(l, &o, 0);
    leave_part(l, &o, HALF, true);
    expect_fetched(l, &o, LARGE);
    leave_part(l, &o, LARGE + 5, false);
    expect_fetched(l, &o, LARGE);
    record_free(rec);
    labs_free(l);
}

/* The user stops in the middle. */
static bool stops(void *self)
{
    (void)self;
    return --pieces < 0;
}

Test(remotes, what_came_of_a_large_object_stays)
{
    struct labs *l = labs_new();
    struct object o = add_large(l->a);
    struct record *rec = share(l, KEY, &o, l->signer);
    char *path = part_path(l, &o);
    struct error err = { 0 };
    struct stat s;

    remotes_close(l->remotes);
    remotes_open(&l->remotes,
                 &(struct remotes_order){
                     .store = l->b->st, .trust = l->trust, .stops = stops, .self = l });
    cr_assert_eq(remotes_add(l->remotes, "lab", l->place, &err), 0, "%s", err.text);
    cr_assert_eq(fetch(l, &o), STORE_MISS);
    cr_assert(stat(path, &s) == 0 && s.st_size > 0 && s.st_size < LARGE);
    reopen(l, false);
    expect_fetched(l, &o, LARGE - s.st_size);
    record_free(rec);
    free(path);
    labs_free(l);
}
