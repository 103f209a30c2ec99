#include "larder/unbundle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "envelope.h"
#include "larder/map.h"
#include "larder/mem.h"
#include "object.h"
#include "proofs.h"
#include "receive.h"
#include "signed.h"
#include "tarin.h"
#include "volume.h"

#include "larder/banned.h"

/* A record that is to be taken: where it is in the spool. */
struct spooled {
    long long from;
    size_t size;
};

struct unbundle {
    struct unbundle_order order;
    struct unbundle_volume **volume; /* each stays where it is: targets are borrowed */
    size_t n_volumes, cap_volumes;
    struct unbundle_signer *signer;
    size_t n_signers, cap_signers;
    struct proofs proofs;
    struct tempfile spool; /* the envelopes of records, one behind the other */
    long long spool_size;
    struct spooled *spooled;
    size_t n_spooled, cap_spooled;
    struct unbundle_totals totals;
};

void unbundle_open(struct unbundle **to, const struct unbundle_order *order)
{
    struct unbundle *u = xcalloc(1, sizeof *u);

    u->order = *order;
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
    free(u->spooled);
    proofs_release(&u->proofs);
    tempfile_release(&u->spool);
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
        return error_set(err, E_CORRUPT, "it ends before %s; get it again", name);
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
        return error_set(err, E_CORRUPT, "the record of %s is not what key %s has signed",
                         (*rec)->step, r->by.text);
    return 0;
}

static int spool(struct unbundle *u, const struct buf *text, struct error *err)
{
    int rc = u->spool.st ? 0 : tempfile_open(&u->spool, u->order.store, err);

    if (rc == 0)
        rc = tempfile_write(&u->spool, text->s, text->len, err);
    if (rc < 0)
        return rc;
    GROW(u->spooled, u->n_spooled + 1, u->cap_spooled);
    u->spooled[u->n_spooled++] = (struct spooled){ u->spool_size, text->len };
    u->spool_size += (long long)text->len;
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
    if (!allowed || kept)
        return 0;
    u->totals.n_trusted++;
    proofs_note_record(&u->proofs, rec, &e->signer);
    if (u->order.store)
        rc = spool(u, text, err);
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

/* ---- objects ----------------------------------------------------------------------- */

/* An object on its way: into the store, or only past us. */
struct passing {
    struct receive in; /* all-zero: it is not taken */
    struct hasher *hasher;
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
            hasher_add(p->hasher, bytes, n);
        if (rc < 0)
            return rc;
    }
    if (rc == 0 && p->in.st)
        return receive_check(&p->in, err);
    hasher_finish(p->hasher, &d);
    if (rc == 0 && !digest_equal(&d, &o->id))
        rc = error_set(err, E_CORRUPT, "its bytes have another digest");
    return rc;
}

/* Whether the store lacks it. */
static int is_lacking(struct unbundle *u, const struct bundle_object *o,
                      struct error *err)
{
    int found = u->order.store ? object_check(u->order.store, &o->id, o->size, false, err)
                               : OBJECT_FINE;

    return found < 0 ? found : found != OBJECT_FINE;
}

static int read_object(struct unbundle *u, struct tarin *t, const struct bundle_object *o,
                       struct error *err)
{
    struct passing p = { .hasher = hasher_new(), .copy = proofs_wants(&u->proofs, o) };
    struct buf name = { 0 };
    int rc;

    volume_object_name(o, &name);
    rc = expect(t, name.s, o->size, 0, err);
    if (rc == 0)
        rc = is_lacking(u, o, err);
    if (rc == 1)
        rc = receive_open(&p.in, u->order.store, &o->id, o->size, o->size, NULL, err);
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
    hasher_free(p.hasher);
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
        rc = error_set(err, E_CORRUPT,
                       "its contents are not what key %s has signed; get it again",
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

int unbundle_read(struct unbundle *u, const char *path, struct error *err)
{
    struct unbundle_volume *v = add_volume(u, path);
    struct contents *c = &v->contents;
    struct tarin t = { 0 };
    struct buf text = { 0 };
    int rc = tarin_open(&t, path, err);

    v->size = t.file_size;
    if (rc == 0)
        rc = read_contents(&t, c, &text, err);
    if (rc == 0)
        proofs_add(&u->proofs, c);
    if (rc == 0)
        rc = read_records(u, &t, c, err);
    for (size_t i = 0; i < c->n_objects && rc == 0; i++)
        rc = read_object(u, &t, &c->object[i], err);
    if (rc == 0)
        rc = read_signature(&t, &text, v, err);
    if (rc == 0)
        rc = read_end(&t, err);
    u->totals.n_records += c->n_records;
    u->totals.n_objects += c->n_objects;
    tarin_release(&t);
    buf_release(&text);
    return rc < 0 && rc != E_INPUT ? error_context(err, "%s", path) : rc;
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
    struct contents all = { .closure = first->closure, .volume = 1, .n_volumes = 1 };
    struct buf text = { 0 };
    struct digest d;

    for (size_t i = 0; i < first->n_targets; i++)
        contents_add_target(&all, &first->target[i]);
    for (int k = 1; k <= first->n_volumes; k++) {
        const struct contents *c = find_volume(u, first, k);

        for (size_t i = 0; i < c->n_records; i++)
            contents_add_record(&all, &c->record[i]);
        for (size_t i = 0; i < c->n_objects; i++)
            contents_add_object(&all, &c->object[i]);
    }
    contents_write(&all, &text);
    digest_bytes(&d, text.s, text.len);
    buf_release(&text);
    contents_release(&all);
    return digest_equal(&d, &first->whole);
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
                             "are together; get them again",
                             u->volume[i]->path);
    }
    return 0;
}

static int read_back(struct unbundle *u, const struct spooled *s, struct buf *text,
                     struct error *err)
{
    buf_reset(text);
    buf_reserve(text, s->size);
    while (text->len < s->size) {
        ssize_t n = pread(u->spool.fd, text->s + text->len, s->size - text->len,
                          s->from + (long long)text->len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return error_system(err, "cannot read in the store");
        text->len += (size_t)n;
    }
    return 0;
}

/* Its objects are there by now. */
static int take_record(struct unbundle *u, const struct spooled *s, struct buf *text,
                       struct error *err)
{
    struct record *rec = NULL;
    int rc = read_back(u, s, text, err);

    if (rc == 0)
        rc = signed_read(&rec, text->s, text->len, err);
    if (rc == 0)
        rc = signed_keep(u->order.store, rec, text->s, text->len, err);
    record_free(rec);
    return rc;
}

int unbundle_finish(struct unbundle *u, struct error *err)
{
    struct buf text = { 0 };
    int rc = check_volumes(u, err);

    for (size_t i = 0; i < u->n_spooled && rc == 0; i++)
        rc = take_record(u, &u->spooled[i], &text, err);
    proofs_conclude(&u->proofs);
    buf_release(&text);
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
