/*
 * labs - two labs and a folder that both can reach, for tests of what goes between them.
 */
#ifndef LABS_H
#define LABS_H

#include "larder/attestation.h"
#include "larder/push.h"
#include "larder/remotes.h"
#include "store_fixture.h"

struct labs {
    struct fixture *a, *b;
    char remote[80], place[90];
    struct signer *signer;
    struct trust *trust;
    struct remotes *remotes;
    int n_warnings, n_asked;
    char warning[300];
};

static inline struct signer *make_signer(unsigned char first)
{
    unsigned char seed[SEED_SIZE] = { first };
    struct signer *s;

    cr_assert_eq(signer_new(&s, seed, NULL), 0);
    return s;
}

static inline void note_warning(void *self, const char *line)
{
    struct labs *l = self;

    l->n_warnings++;
    snprintf(l->warning, sizeof l->warning, "%s", line);
}

/* Lab B, which trusts the key, asks anew. */
static inline void reopen(struct labs *l, bool required)
{
    struct error err = { 0 };

    remotes_close(l->remotes);
    remotes_open(&l->remotes, &(struct remotes_order){ .store = l->b->st,
                                                       .trust = l->trust,
                                                       .required = required,
                                                       .warn = note_warning,
                                                       .self = l });
    cr_assert_eq(remotes_add(l->remotes, "lab", l->place, &err), 0, "%s", err.text);
}

/* The same with an empty store. */
static inline void start_afresh(struct labs *l)
{
    struct error err = { 0 };

    store_close(l->b->st);
    cr_assert_eq(fs_remove_tree(fixture_path(l->b, "store"), &err), 0);
    l->b->n = 0;
    fixture_open(l->b, true);
    reopen(l, false);
}

static inline struct labs *labs_new(void)
{
    struct labs *l = calloc(1, sizeof *l);
    struct error err = { 0 };

    l->a = fixture_new(false);
    l->b = fixture_new(true);
    snprintf(l->remote, sizeof l->remote, "%s/remote", l->a->dir);
    snprintf(l->place, sizeof l->place, "file:%s", l->remote);
    cr_assert_eq(mkdir(l->remote, 0755), 0);
    l->signer = make_signer(1);
    cr_assert_eq(trust_open(&l->trust, "/nowhere", "larder.trust", &err), 0);
    trust_own(l->trust, signer_key(l->signer), "lab-a");
    reopen(l, false);
    return l;
}

static inline void labs_free(struct labs *l)
{
    remotes_close(l->remotes);
    trust_close(l->trust);
    signer_free(l->signer);
    fixture_free(l->b);
    fixture_free(l->a);
    free(l);
}

/* Records in lab A that key_text gave o, and pushes both, signed by s. */
static inline struct record *share(struct labs *l, const char *key_text,
                                   const struct object *o, const struct signer *s)
{
    struct record *rec = make_record(key_text, o, 1);
    struct error err = { 0 };
    struct push *p;

    cr_assert_eq(store_record(l->a->st, rec, false, &err), 0, "%s", err.text);
    cr_assert_eq(push_open(&p, l->a->st, "lab", l->place, s, &err), 0, "%s", err.text);
    cr_assert_eq(push_object(p, o, true, &err), 0, "%s", err.text);
    cr_assert_eq(push_record(p, rec, &err), 0, "%s", err.text);
    cr_assert_eq(push_finish(p, &err), 0, "%s", err.text);
    push_close(p);
    return rec;
}

/* The path of a file of the remote; new. */
static inline char *remote_file(const struct labs *l, const char *folder,
                                const struct digest *d, const char *end)
{
    char hex[DIGEST_HEX + 1];
    struct buf path = { 0 };

    digest_hex(d, hex);
    buf_printf(&path, "%s/%s/%.2s/%s%s", l->remote, folder, hex, hex, end);
    return buf_take(&path);
}

static inline int find(struct labs *l, const struct digest *key)
{
    struct error err = { 0 };
    const char *from;
    int rc = remotes_find_record(l->remotes, key, "bake", &from, &err);

    cr_assert(rc >= 0, "%s", err.text);
    return rc;
}

static inline int fetch(struct labs *l, const struct object *o)
{
    struct error err = { 0 };
    int rc = remotes_fetch_object(l->remotes, o, false, &err);

    cr_assert(rc >= 0, "%s", err.text);
    return rc;
}

static inline size_t n_ignored(struct labs *l)
{
    struct remotes_totals t;

    remotes_count_up(l->remotes, &t);
    return t.n_ignored;
}

#define KEY "larder-key 1\nprogram bake sha256:00\n"

/* Lab B finds the record, with who signed it, and fetches its object. */
static inline void expect_found(struct labs *l, const struct record *rec,
                                const struct object *o)
{
    struct record **got;
    struct error err = { 0 };
    size_t n;

    cr_assert_eq(find(l, &rec->key), STORE_HIT);
    cr_assert_eq(store_find(l->b->st, &rec->key, &got, &n, &err), STORE_HIT);
    cr_assert(n == 1 && digest_equal(&got[0]->id, &rec->id));
    cr_assert_not_null(got[0]->by);
    cr_assert_str_eq(got[0]->by->id.text, key_id_of(signer_key(l->signer)).text);
    cr_assert_eq(store_check(l->b->st, o, false, NULL, &err), OBJECT_ABSENT);
    cr_assert_eq(fetch(l, o), STORE_HIT);
    cr_assert_eq(store_check(l->b->st, o, true, NULL, &err), OBJECT_FINE);
    cr_assert_eq(l->n_warnings, 0, "%s", l->warning);
    records_free(got, n);
}

/* ---- attestations --------------------------------------------------------------------
 */

static inline struct attestation
attestation_of(const struct record *rec, enum attest_how how, struct attested_output *o)
{
    *o = (struct attested_output){ .name = "out", .same = true };
    return (struct attestation){ .key = rec->key,
                                 .record = rec->id,
                                 .how = how,
                                 .made = 1,
                                 .output = o,
                                 .n_outputs = how == ATTEST_VOUCHED ? 0 : 1 };
}

/* Signs it, in that store. */
static inline void say(struct store *st, const struct record *rec, enum attest_how how,
                       const struct signer *s)
{
    struct attested_output o;
    struct attestation a = attestation_of(rec, how, &o);
    struct error err = { 0 };

    cr_assert_eq(store_attest(st, &a, s, &err), 0, "%s", err.text);
}

/* How many attestations of the record the store has, and what the first of them says. */
static inline size_t count_said(struct store *st, const struct record *rec,
                                enum attest_how *first)
{
    struct attestation **a;
    struct error err = { 0 };
    size_t n;

    cr_assert_eq(store_attestations(st, &rec->key, &rec->id, &a, &n, &err), 0, "%s",
                 err.text);
    if (n && first)
        *first = a[0]->how;
    attestations_free(a, n);
    return n;
}

#endif
