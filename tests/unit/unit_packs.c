#include "labs.h"

#include <dirent.h>

#include "catalog.h"

/* A folder keeps files, unless it says otherwise: these tests need no web server. */
static struct labs *packed_labs(void)
{
    static const char info[] = "larder-cache 1\nsmall in packs\n";
    struct labs *l = labs_new();
    struct error err = { 0 };
    char path[200];

    snprintf(path, sizeof path, "%s/larder-cache-info", l->remote);
    cr_assert_eq(fs_write(path, info, strlen(info), false, &err), 0, "%s", err.text);
    return l;
}

/* The files of the remote below a folder like "pack", each told by its path. */
static void each_file(const struct labs *l, const char *folder,
                      void (*f)(void *self, const char *path), void *self)
{
    struct buf top = { 0 };
    char **name = NULL, **inner = NULL;
    size_t n = 0, m = 0;

    buf_printf(&top, "%s/%s", l->remote, folder);
    cr_assert_eq(fs_list(top.s, &name, &n, NULL), 0);
    for (size_t i = 0; i < n; i++) {
        struct buf path = { 0 };

        fs_join(&path, top.s, name[i]);
        cr_assert_eq(fs_list(path.s, &inner, &m, NULL), 0);
        for (size_t k = 0; k < m; k++) {
            struct buf file = { 0 };

            fs_join(&file, path.s, inner[k]);
            f(self, file.s);
            buf_release(&file);
        }
        free(inner);
        buf_release(&path);
    }
    free(name);
    buf_release(&top);
}

static void count_one(void *self, const char *path)
{
    (void)path;
    ++*(int *)self;
}

static int n_files(const struct labs *l, const char *folder)
{
    int n = 0;

    each_file(l, folder, count_one, &n);
    return n;
}

static void find_none(struct labs *l, const struct record *rec, const char *what)
{
    start_afresh(l);
    cr_assert_eq(find(l, &rec->key), STORE_MISS, "%s", what);
}

Test(packs, what_is_pushed_is_found)
{
    struct labs *l = packed_labs();
    struct object o = add_folder(l->a, "out");
    struct record *rec = share(l, KEY, &o, l->signer);

    cr_assert_eq(n_files(l, "pack"), 2);
    cr_assert_eq(n_files(l, "index"), 1);
    cr_assert_eq(n_files(l, "root"), 1);
    expect_found(l, rec, &o);
    record_free(rec);
    labs_free(l);
}

/* Forty pushes, of which a reader that saw the first few and one that saw none find all;
 * and indexes do not become more and more. */
Test(packs, many_pushes_are_found)
{
    struct labs *l = packed_labs();
    struct record *rec[40];
    struct object o[40];
    char text[200];
    struct stat s;

    for (int i = 0; i < 40; i++) {
        snprintf(text, sizeof text, "apple %d\n", i);
        o[i] = add_text(l->a, text);
        snprintf(text, sizeof text, KEY "seed %d\n", i);
        rec[i] = share(l, text, &o[i], l->signer);
        if (i == 5)
            cr_assert_eq(find(l, &rec[3]->key), STORE_HIT);
    }
    cr_assert_eq(n_files(l, "root"), 40);
    snprintf(text, sizeof text, "%s/root/%s/40", l->remote,
             key_id_of(signer_key(l->signer)).text);
    cr_assert(stat(text, &s) == 0 && s.st_size < 400 + 16 * 90, "%ld", (long)s.st_size);
    for (int pass = 0; pass < 2; pass++) {
        if (pass == 0)
            reopen(l, false); /* knows what it saw */
        else
            start_afresh(l);
        for (int i = 0; i < 40; i++) {
            cr_assert_eq(find(l, &rec[i]->key), STORE_HIT, "%d", i);
            cr_assert_eq(fetch(l, &o[i]), STORE_HIT, "%d", i);
        }
    }
    cr_assert_eq(l->n_warnings, 0, "%s", l->warning);
    for (int i = 0; i < 40; i++)
        record_free(rec[i]);
    labs_free(l);
}

Test(packs, a_stranger_is_not_asked_for)
{
    struct labs *l = packed_labs();
    struct object o = add_text(l->a, "apple\n");
    struct signer *stranger = make_signer(2);
    struct record *rec = share(l, KEY, &o, stranger);
    char from[200], to[200];

    find_none(l, rec, "a stranger's root");
    /* the same under the name of a key that is trusted */
    snprintf(from, sizeof from, "%s/root/%s", l->remote,
             key_id_of(signer_key(stranger)).text);
    snprintf(to, sizeof to, "%s/root/%s", l->remote,
             key_id_of(signer_key(l->signer)).text);
    cr_assert_eq(rename(from, to), 0);
    find_none(l, rec, "a root with another signature");
    signer_free(stranger);
    record_free(rec);
    labs_free(l);
}

/* ---- damage --------------------------------------------------------------------------
 */

struct damage {
    struct labs *l;
    const struct record *rec;
    const struct object *o;
    int hits;
};

/* What was found is what was pushed, whatever was changed. */
static void ask(struct damage *d, const char *path, long at)
{
    struct error err = { 0 };

    start_afresh(d->l);
    if (find(d->l, &d->rec->key) != STORE_HIT)
        return;
    d->hits++;
    if (fetch(d->l, d->o) == STORE_HIT)
        cr_assert_eq(store_check(d->l->b->st, d->o, true, NULL, &err), OBJECT_FINE,
                     "%s, byte %ld", path, at);
}

static void damage_file(void *self, const char *path)
{
    struct damage *d = self;
    char *bytes = read_text(path);
    struct stat s;

    cr_assert_eq(stat(path, &s), 0);
    cr_assert_eq(chmod(path, 0644), 0);
    for (long i = 0; i < s.st_size; i += 3) {
        flip_byte(path, i);
        ask(d, path, i);
        flip_byte(path, i);
    }
    for (long i = s.st_size - 1; i >= 0; i -= 7) {
        cut_file(path, i);
        ask(d, path, i);
    }
    cr_assert_eq(unlink(path), 0);
    write_text(path, bytes);
    free(bytes);
}

Test(packs, damage_is_a_miss, .timeout = 120)
{
    static const char *const folder[] = { "pack", "index", "root" };
    struct labs *l = packed_labs();
    struct object o = add_text(l->a, "apple\n");
    struct record *rec = share(l, KEY, &o, l->signer);
    struct damage d = { l, rec, &o, 0 };

    for (int i = 0; i < 3; i++) {
        d.hits = 0;
        each_file(l, folder[i], damage_file, &d);
        if (i > 0) /* what is damaged says nothing; a pack has what is not asked for */
            cr_assert_eq(d.hits, 0, "%s", folder[i]);
    }
    start_afresh(l);
    cr_assert_eq(find(l, &rec->key), STORE_HIT);
    record_free(rec);
    labs_free(l);
}

static void damage_byte(void *self, const char *path)
{
    cr_assert_eq(chmod(path, 0644), 0);
    flip_byte(path, *(int *)self);
}

/* The folder keeps what has a name already, as most servers do. */
Test(packs, damaged_packs_are_given_anew_under_other_names)
{
    struct labs *l = packed_labs();
    struct object o = add_text(l->a, "apple\n");
    struct record *rec = share(l, KEY, &o, l->signer);
    struct error err = { 0 };
    struct push_totals totals;
    struct push *p;

    for (int i = 0; i < 2; i++) { /* also those that were given anew */
        each_file(l, "pack", damage_byte, &i);
        find_none(l, rec, "damaged packs");
        cr_assert_eq(push_open(&p, l->a->st, "lab", l->place, l->signer, &err), 0);
        push_verify(p);
        cr_assert_eq(push_has_record(p, rec, &err), 0, "%s", err.text);
        cr_assert_eq(push_object(p, &o, true, &err), 0, "%s", err.text);
        cr_assert_eq(push_record(p, rec, &err), 0, "%s", err.text);
        cr_assert_eq(push_finish(p, &err), 0, "%s", err.text);
        push_count_up(p, &totals);
        push_close(p);
        cr_assert_eq(totals.n_replaced, 2);
        cr_assert_eq(n_files(l, "pack"), 2 * (i + 2));
        start_afresh(l);
        expect_found(l, rec, &o);
    }
    record_free(rec);
    labs_free(l);
}

/* Somebody puts an older state of the remote in the place of what is there. */
Test(packs, a_remote_that_goes_back_is_told)
{
    struct labs *l = packed_labs();
    struct object o = add_text(l->a, "apple\n");
    struct record *first = share(l, KEY, &o, l->signer),
                  *second = share(l, KEY "seed 1\n", &o, l->signer);
    char path[200];

    start_afresh(l);
    cr_assert_eq(find(l, &second->key), STORE_HIT);
    snprintf(path, sizeof path, "%s/root/%s/2", l->remote,
             key_id_of(signer_key(l->signer)).text);
    cr_assert_eq(unlink(path), 0);
    reopen(l, false);
    cr_assert_eq(find(l, &first->key), STORE_HIT);
    cr_assert(strstr(l->warning, "has gone back: root 2 of key"), "%s", l->warning);
    cr_assert_eq(l->n_warnings, 1);
    record_free(first);
    record_free(second);
    labs_free(l);
}

/* ---- the text of an index ------------------------------------------------------------
 */

Test(packs, an_index_is_read_as_it_was_written)
{
    struct catalog c = { 0 }, d = { 0 };
    struct buf text = { 0 }, again = { 0 };
    struct key_id by = { "0123456789abcdef" };
    struct digest id[300];
    struct error err = { 0 };

    for (int i = 0; i < 300; i++) {
        digest_bytes(&id[i], &i, sizeof i);
        if (i % 100 == 0)
            catalog_add_pack(&c, &id[i], 1000000);
        catalog_add(&c, &id[i], i % 3 ? NULL : &by, (uint32_t)(i / 100), i * 10, i);
    }
    catalog_find(&c, &id[0], NULL); /* sorts it */
    catalog_write(&c, 0, &text);
    cr_assert_eq(catalog_read(&d, text.s, text.len, &err), 0, "%s", err.text);
    catalog_write(&d, 0, &again);
    cr_assert_str_eq(again.s, text.s);
    for (int i = 0; i < 300; i++) {
        const struct catalog_entry *e = catalog_find(&d, &id[i], i % 3 ? NULL : &by);

        cr_assert(e && e->from == i * 10 && e->size == i, "%d", i);
        cr_assert_null(catalog_find(&d, &id[i], i % 3 ? &by : NULL));
    }
    /* what is added last is found first */
    catalog_add(&d, &id[7], NULL, 2, 5, 6);
    cr_assert_eq(catalog_find(&d, &id[7], NULL)->size, 6);
    buf_release(&again);
    buf_release(&text);
    catalog_release(&d);
    catalog_release(&c);
}

Test(packs, an_index_that_is_none_is_refused_whole)
{
#define HEX "0000000000000000000000000000000000000000000000000000000000000000"
    static const char *const bad[] = {
        "",
        "larder-index 2\n",
        "larder-index 1",
        "larder-index 1\nobject sha256:" HEX " 0 0\n",
        "larder-index 1\npack sha256:" HEX " 10\nobject sha256:" HEX " 5 6\n",
        "larder-index 1\npack sha256:" HEX " 10\nobject sha256:" HEX " 11 0\n",
        "larder-index 1\npack sha256:" HEX " 10\nobject sha256:" HEX " 00 1\n",
        "larder-index 1\npack sha256:" HEX " 10\nobject sha256:" HEX " 0 1",
        "larder-index 1\npack sha256:" HEX " 10\nrecord sha256:" HEX " 0 1\n",
        "larder-index 1\npack sha256:" HEX " 10\nrecord sha256:" HEX
        " 0123456789ABCDEF 0 1\n",
        "larder-index 1\npack sha256:" HEX " 10\nobject sha256:" HEX
        " 9223372036854775807 9223372036854775807\n",
        "larder-index 1\npack sha256:" HEX " 10\nfolder sha256:" HEX " 0 1\n",
    };
    struct catalog c = { 0 };
    struct error err;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cr_assert_eq(catalog_read(&c, bad[i], strlen(bad[i]), &err), E_CORRUPT, "%zu", i);
        cr_assert(c.n == 0 && c.n_packs == 0);
    }
}
