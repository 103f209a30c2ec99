#include "larder/unbundle.h"

#include <stdlib.h>
#include <string.h>

#include "envelope.h"
#include "larder/map.h"
#include "larder/mem.h"
#include "letters.h"
#include "object.h"
#include "proofs.h"
#include "receive.h"
#include "sidehash.h"
#include "spool.h"
#include "tarin.h"
#include "volume.h"

#include "larder/banned.h"

struct unbundle {
    struct unbundle_order order;
    struct unbundle_volume **volume; /* each stays where it is: targets are borrowed */
    size_t n_volumes, cap_volumes;
    struct unbundle_signer *signer;
    size_t n_signers, cap_signers;
    struct proofs proofs;
    struct spool spool; /* what will be taken */
    struct letters letters;
    struct sidehash *hash;
    struct unbundle_totals totals;
};

void unbundle_open(struct unbundle **to, const struct unbundle_order *order)
{
    struct unbundle *u = xcalloc(1, sizeof *u);

    u->order = *order;
    u->hash = sidehash_new();
    *to = u;
}

void unbundle_close(struct unbundle *u)
{
    if (!u)
        return;
    for (size_t i = 0; i < u->n_volumes; i++) {
        contents_release(&u->volume[i]->contents);
        free((char *)u->volume[i]->path);
        free(u->volume[i]);
    }
    free(u->volume);
    free(u->signer);
    proofs_release(&u->proofs);
    letters_release(&u->letters);
    spool_release(&u->spool);
    sidehash_free(u->hash);
    free(u);
}

static struct unbundle_volume *add_volume(struct unbundle *u, const char *path)
{
    struct unbundle_volume *v = xcalloc(1, sizeof *v);

    GROW(u->volume, u->n_volumes + 1, u->cap_volumes);
    u->volume[u->n_volumes++] = v;
    v->path = xstrdup(path);
    return v;
}

/* ---- entries ----------------------------------------------------------------------- */

/* Goes to the next entry, which must be this one. size -1: at most max. */
static int expect(struct tarin *t, const char *name, long long size, long long max,
                  struct error *err)
{
    const char *found;
    int rc = tarin_next(t, &found, err);

    if (rc == TARIN_END)
        return error_set(err, E_CORRUPT, "it ends before %s", name);
    if (rc == 0 && strcmp(found, name) != 0)
        rc = error_set(err, E_CORRUPT, "something else stands where %s should", name);
    if (rc == 0 && (size >= 0 ? t->size != size : t->size > max))
        rc = error_set(err, E_CORRUPT, "%s has another size than it should", name);
    return rc;
}

/* All bytes of the entry. */
static int read_text(struct tarin *t, struct buf *to, struct error *err)
{
    const void *bytes;
    size_t n;
    int rc;

    while ((rc = tarin_read(t, &bytes, &n, err)) == 0 && n)
        buf_add(to, bytes, n);
    return rc;
}

static int read_contents(struct tarin *t, struct contents *c, struct buf *text,
                         struct error *err)
{
    int rc = expect(t, VOLUME_CONTENTS, -1, CONTENTS_MAX, err);

    if (rc == 0 && !volume_is_credible(t->size, t->file_size))
        rc = error_set(err, E_CORRUPT, "its contents are no text: too large");
    if (rc == 0)
        rc = read_text(t, text, err);
    if (rc == 0)
        rc = contents_read(c, buf_str(text), text->len, err);
    if (rc == 0 && !volume_is_credible(contents_size(c), t->file_size))
        rc = error_set(err, E_CORRUPT,
                       "it says that it holds more than a thousand times its own size");
    return rc;
}

/* ---- records ----------------------------------------------------------------------- */

static struct unbundle_signer *find_signer(struct unbundle *u,
                                           const struct public_key *key)
{
    for (size_t i = 0; i < u->n_signers; i++)
        if (public_key_equal(&u->signer[i].key, key))
            return &u->signer[i];
    GROW(u->signer, u->n_signers + 1, u->cap_signers);
    u->signer[u->n_signers] = (struct unbundle_signer){ .key = *key };
    return &u->signer[u->n_signers++];
}

/* What the text is: a record of that key, which that signer has signed. *rec is new. */
static int open_record(const struct bundle_record *r, const struct buf *text,
                       struct envelope *e, struct record **rec, struct error *err)
{
    struct digest d;
    struct key_id by;
    int rc;

    digest_bytes(&d, buf_str(text), text->len);
    if (!digest_equal(&d, &r->id))
        return error_set(err, E_CORRUPT, "a record has another digest than it should");
    rc = envelope_read(e, ENVELOPE_RECORD, buf_str(text), text->len, err);
    if (rc == 0)
        rc = record_read(rec, e->record, e->size, err);
    if (rc < 0)
        return rc;
    by = key_id_of(&e->signer);
    if (!envelope_is_true(e) || strcmp(by.text, r->by.text) != 0 ||
        !digest_equal(&(*rec)->key, &r->key))
        return error_set(err, E_CORRUPT, "a record is not what key %s has signed",
                         r->by.text);
    return 0;
}

/* Whom we trust with it decides what becomes of it. */
static int judge_record(struct unbundle *u, const struct envelope *e,
                        const struct record *rec, const struct buf *text,
                        struct error *err)
{
    struct unbundle_signer *s = find_signer(u, &e->signer);
    char *stage = xstrndup(rec->step, strcspn(rec->step, "@"));
    bool allowed = trust_allows(u->order.trust, &e->signer, stage);
    bool kept = trust_forbids(u->order.trust, stage);
    int rc = 0;

    free(stage);
    s->n_trusted += allowed;
    s->n_refused += !allowed;
    u->totals.n_refused += !allowed;
    u->totals.n_kept += allowed && kept;
    letters_note_record(&u->letters, rec, allowed && !kept);
    if (!allowed || kept)
        return 0;
    u->totals.n_trusted++;
    proofs_note_record(&u->proofs, rec, &e->signer);
    if (u->order.store)
        rc = spool_add(&u->spool, u->order.store, text, err);
    return rc;
}

static int read_record(struct unbundle *u, struct tarin *t, const struct bundle_record *r,
                       struct error *err)
{
    struct record *rec = NULL;
    struct buf name = { 0 }, text = { 0 };
    struct envelope e;
    int rc;

    volume_record_name(r, &name);
    rc = expect(t, name.s, r->size, 0, err);
    if (rc == 0)
        rc = read_text(t, &text, err);
    if (rc == 0)
        rc = open_record(r, &text, &e, &rec, err);
    if (rc == 0)
        rc = judge_record(u, &e, rec, &text, err);
    record_free(rec);
    buf_release(&text);
    buf_release(&name);
    return rc;
}

static int read_records(struct unbundle *u, struct tarin *t, const struct contents *c,
                        struct error *err)
{
    size_t before = u->totals.n_trusted;
    int rc = 0;

    for (size_t i = 0; i < c->n_records && rc == 0; i++)
        rc = read_record(u, t, &c->record[i], err);
    if (rc == 0 && u->order.store && c->n_records && u->totals.n_trusted == before)
        rc = error_set(err, E_TRUST,
                       "nothing was taken: no key that is trusted has signed what is in "
                       "it; `larder trust add` one that has");
    return rc;
}

static int read_attestation(struct unbundle *u, struct tarin *t,
                            const struct bundle_attestation *a, struct error *err)
{
    struct buf name = { 0 }, text = { 0 };
    int rc;

    volume_attestation_name(a, &name);
    rc = expect(t, name.s, a->size, 0, err);
    if (rc == 0)
        rc = read_text(t, &text, err);
    if (rc == 0)
        rc = letters_add(&u->letters, a, &text, u->order.store, err);
    buf_release(&text);
    buf_release(&name);
    return rc;
}

/* ---- objects ----------------------------------------------------------------------- */

/* An object on its way: into the store, or only past us. */
struct passing {
    struct receive in; /* all-zero: it is not taken */
    struct sidehash *hash;
    struct buf *copy; /* or NULL */
};

static int pass(struct passing *p, struct tarin *t, const struct bundle_object *o,
                struct error *err)
{
    const void *bytes;
    struct digest d;
    size_t n;
    int rc;

    while ((rc = tarin_read(t, &bytes, &n, err)) == 0 && n) {
        if (p->copy)
            buf_add(p->copy, bytes, n);
        if (p->in.st)
            rc = receive_take(&p->in, bytes, n, err);
        else
            sidehash_add(p->hash, bytes, n);
        if (rc < 0)
            return rc;
    }
    if (rc == 0 && p->in.st)
        return receive_check(&p->in, err);
    sidehash_finish(p->hash, &d);
    if (rc == 0 && !digest_equal(&d, &o->id))
        rc = error_set(err, E_CORRUPT, "its bytes have another digest");
    return rc;
}

/* Whether the store lacks it. */
static int is_lacking(struct unbundle *u, const struct bundle_object *o,
                      struct error *err)
{
    int found = OBJECT_ABSENT;

    if (!u->order.store)
        return 0;
    if (object_hold(u->order.store, &o->id)) /* no record may name it yet */
        found = object_check(u->order.store, &o->id, o->size, false, err);
    return found < 0 ? found : found != OBJECT_FINE;
}

static int read_object(struct unbundle *u, struct tarin *t, const struct bundle_object *o,
                       struct error *err)
{
    struct passing p = { .hash = u->hash, .copy = proofs_wants(&u->proofs, o) };
    struct buf name = { 0 };
    int rc;

    volume_object_name(o, &name);
    rc = expect(t, name.s, o->size, 0, err);
    if (rc == 0)
        rc = is_lacking(u, o, err);
    if (rc == 1)
        rc = receive_open(&p.in, u->order.store, &o->id, o->size, o->size, NULL, err);
    if (rc == 0 && p.in.st)
        receive_beside(&p.in, u->hash);
    if (rc == 0)
        rc = pass(&p, t, o, err);
    if (rc < 0)
        error_context(err, "%s", name.s);
    if (rc == 0 && p.in.st) {
        rc = receive_publish(&p.in, false, err);
        u->totals.n_new++;
    }
    u->totals.bytes += o->size;
    receive_release(&p.in);
    buf_release(&name);
    return rc;
}

/* ---- files ------------------------------------------------------------------------- */

static int read_signature(struct tarin *t, struct buf *text, struct unbundle_volume *v,
                          struct error *err)
{
    struct envelope e;
    struct buf whole = { 0 };
    int rc = expect(t, VOLUME_SIGNATURE, -1, SIGNATURE_MAX, err);

    if (rc == 0)
        rc = read_text(t, &whole, err);
    buf_add(&whole, buf_str(text), text->len);
    if (rc == 0)
        rc = envelope_read(&e, ENVELOPE_BUNDLE, whole.s, whole.len, err);
    if (rc == 0 && !envelope_is_true(&e))
        rc = error_set(err, E_CORRUPT, "its contents are not what key %s has signed",
                       key_id_of(&e.signer).text);
    if (rc == 0)
        v->signer = e.signer;
    buf_release(&whole);
    return rc;
}

static int read_end(struct tarin *t, struct error *err)
{
    const char *name;
    int rc = tarin_next(t, &name, err);

    if (rc == TARIN_ENTRY)
        return error_set(err, E_CORRUPT, "something follows its signature");
    return rc < 0 ? rc : 0;
}

/* With the name of the file, and what can be done. */
static int tell_file(int rc, const char *path, struct error *err)
{
    struct buf story = { 0 };

    if (rc == E_CORRUPT && err) {
        buf_adds(&story, err->text);
        error_set(err, rc,
                  "%s is damaged, or no bundle: %s; copy it again, or make it "
                  "anew",
                  path, buf_str(&story));
        buf_release(&story);
    }
    return rc == E_TRUST ? error_context(err, "%s", path) : rc;
}

int unbundle_read(struct unbundle *u, const char *path, struct error *err)
{
    struct unbundle_volume *v = add_volume(u, path);
    struct contents *c = &v->contents;
    struct tarin t = { .moved = u->order.moved };
    struct buf text = { 0 };
    int rc = tarin_open(&t, path, err);

    v->size = t.file_size;
    if (rc == 0)
        rc = read_contents(&t, c, &text, err);
    if (rc == 0)
        proofs_add(&u->proofs, c);
    if (rc == 0)
        rc = read_records(u, &t, c, err);
    for (size_t i = 0; i < c->n_attestations && rc == 0; i++)
        rc = read_attestation(u, &t, &c->attestation[i], err);
    for (size_t i = 0; i < c->n_objects && rc == 0; i++)
        rc = read_object(u, &t, &c->object[i], err);
    if (rc == 0)
        rc = read_signature(&t, &text, v, err);
    if (rc == 0)
        rc = read_end(&t, err);
    u->totals.n_records += c->n_records;
    u->totals.n_attestations += c->n_attestations;
    u->totals.n_objects += c->n_objects;
    tarin_release(&t);
    buf_release(&text);
    return tell_file(rc, path, err);
}

/* ---- the whole --------------------------------------------------------------------- */

/* The volume of that number of the same bundle, or NULL. */
static const struct contents *find_volume(const struct unbundle *u,
                                          const struct contents *like, int number)
{
    for (size_t i = 0; i < u->n_volumes; i++) {
        const struct contents *c = &u->volume[i]->contents;

        if (c->n_volumes == like->n_volumes && c->volume == number &&
            digest_equal(&c->whole, &like->whole))
            return c;
    }
    return NULL;
}

/* All are there: together they must be what each of them calls the whole. */
static bool fits_together(const struct unbundle *u, const struct contents *first)
{
    const struct contents *part[BUNDLE_VOLUMES_MAX];
    struct digest whole;

    for (int k = 0; k < first->n_volumes; k++)
        part[k] = find_volume(u, first, k + 1);
    volumes_join(part, (size_t)first->n_volumes, &whole);
    return digest_equal(&whole, &first->whole);
}

/* Of each bundle of several files, at the first of them that was given. */
static int check_volumes(struct unbundle *u, struct error *err)
{
    for (size_t i = 0; i < u->n_volumes; i++) {
        const struct contents *c = &u->volume[i]->contents, *first = NULL;
        size_t n_missing = 0;

        for (int k = 1; k <= c->n_volumes && c->n_volumes > 1; k++) {
            const struct contents *found = find_volume(u, c, k);

            n_missing += !found;
            first = first ? first : found;
        }
        if (first != c)
            continue;
        u->totals.n_missing += n_missing;
        if (!n_missing && !fits_together(u, c))
            return error_set(err, E_CORRUPT,
                             "%s and the other files of it are not what they say they "
                             "are together; copy them again",
                             u->volume[i]->path);
    }
    return 0;
}

/* Whom we trust decides again. */
static int keep_attestations(struct unbundle *u, struct error *err)
{
    int rc = 0;

    for (size_t i = 0; i < u->letters.n && rc == 0; i++) {
        struct unbundle_signer *s = find_signer(u, &u->letters.letter[i].signer);
        int good = letters_believes(&u->letters, i, u->order.trust, u->order.store, err);

        if (good < 0)
            return good;
        s->n_attestations++;
        s->n_ignored += !good;
        u->totals.n_ignored += !good;
        if (good && u->order.store)
            rc = letters_keep(&u->letters, i, u->order.store, err);
    }
    return rc;
}

int unbundle_finish(struct unbundle *u, struct error *err)
{
    int rc = check_volumes(u, err);

    if (rc == 0 && !u->totals.n_missing)
        rc = letters_check(&u->letters, err);
    if (rc == 0)
        rc = spool_keep(&u->spool, u->order.store, err);
    if (rc == 0)
        rc = keep_attestations(u, err);
    proofs_conclude(&u->proofs);
    return rc;
}

size_t unbundle_n_volumes(const struct unbundle *u)
{
    return u->n_volumes;
}

const struct unbundle_volume *unbundle_volume(const struct unbundle *u, size_t i)
{
    return u->volume[i];
}

size_t unbundle_n_signers(const struct unbundle *u)
{
    return u->n_signers;
}

const struct unbundle_signer *unbundle_signer(const struct unbundle *u, size_t i)
{
    return &u->signer[i];
}

size_t unbundle_n_targets(const struct unbundle *u)
{
    return u->proofs.n;
}

const struct unbundle_target *unbundle_target(const struct unbundle *u, size_t i)
{
    return &u->proofs.target[i];
}

void unbundle_count_up(const struct unbundle *u, struct unbundle_totals *t)
{
    *t = u->totals;
}
