#include "letters.h"

#include <stdlib.h>
#include <string.h>

#include "attested.h"

#include "larder/banned.h"

/* What is known of a record. */
struct letter_record {
    struct digest key;
    const char *stage;
    bool taken;
};

void letters_release(struct letters *l)
{
    spool_release(&l->spool);
    free(l->letter);
    map_release(&l->records);
    arena_release(&l->arena);
    *l = (struct letters){ 0 };
}

/* The part of a step's name that names its stage; in arena memory. */
static const char *stage_of(struct arena *arena, const struct record *rec)
{
    return arena_strndup(arena, rec->step, strcspn(rec->step, "@"));
}

void letters_note_record(struct letters *l, const struct record *rec, bool taken)
{
    char hex[DIGEST_HEX + 1];
    struct letter_record *r = map_get(&l->records, digest_hex(&rec->id, hex));

    if (!r) {
        r = arena_alloc(&l->arena, sizeof *r);
        *r = (struct letter_record){ .key = rec->key, .stage = stage_of(&l->arena, rec) };
        map_set(&l->records, hex, r);
    }
    r->taken = r->taken || taken;
}

/* The record that the letter is of, or NULL. */
static const struct letter_record *find_record(const struct letters *l,
                                               const struct letter *one)
{
    char hex[DIGEST_HEX + 1];
    const struct letter_record *r = map_get(&l->records, digest_hex(&one->record, hex));

    return r && digest_equal(&r->key, &one->key) ? r : NULL;
}

int letters_add(struct letters *l, const struct bundle_attestation *what,
                const struct buf *text, struct store *st, struct error *err)
{
    struct attestation *a;
    struct digest d;
    int rc;

    digest_bytes(&d, buf_str(text), text->len);
    if (!digest_equal(&d, &what->id))
        return error_set(err, E_CORRUPT,
                         "an attestation has another digest than it should");
    rc = attested_open(&a, buf_str(text), text->len, err);
    if (rc == 0 &&
        (!digest_equal(&a->key, &what->key) || !digest_equal(&a->record, &what->record) ||
         strcmp(a->id.text, what->by.text) != 0))
        rc = error_set(err, E_CORRUPT, "an attestation is not what key %s has signed",
                       what->by.text);
    if (rc == 0 && st)
        rc = spool_add(&l->spool, st, text, err);
    if (rc == 0) {
        GROW(l->letter, l->n + 1, l->cap);
        l->letter[l->n++] = (struct letter){ a->key, a->record, a->signer };
    }
    attestation_free(a);
    return rc;
}

int letters_check(const struct letters *l, struct error *err)
{
    char hex[DIGEST_HEX + 1];

    for (size_t i = 0; i < l->n; i++)
        if (!find_record(l, &l->letter[i]))
            return error_set(
                err, E_CORRUPT,
                "the bundle has an attestation of record sha256:%s of "
                "another key, or which is not in it: no result was taken; ask "
                "who packed it",
                digest_hex(&l->letter[i].record, hex));
    return 0;
}

/* Whether the store has the record; its stage is then in arena memory. */
static int look_for(struct store *st, const struct letter *one, struct arena *arena,
                    const char **stage, struct error *err)
{
    struct record **rec = NULL;
    size_t n = 0;
    int rc = store_find(st, &one->key, &rec, &n, err);

    *stage = NULL;
    for (size_t i = 0; i < n; i++)
        if (digest_equal(&rec[i]->id, &one->record))
            *stage = stage_of(arena, rec[i]);
    records_free(rec, n);
    return rc < 0 ? rc : 0;
}

int letters_believes(const struct letters *l, size_t i, const struct trust *trust,
                     struct store *st, struct error *err)
{
    const struct letter *one = &l->letter[i];
    const struct letter_record *r = find_record(l, one);
    const char *stage = r && r->taken ? r->stage : NULL;
    struct arena arena = { 0 };
    int rc = 0;

    if (!stage && st)
        rc = look_for(st, one, &arena, &stage, err);
    if (rc == 0)
        rc = stage && trust_allows(trust, &one->signer, stage) &&
             !trust_forbids(trust, stage);
    arena_release(&arena);
    return rc;
}

int letters_keep(const struct letters *l, size_t i, struct store *st, struct error *err)
{
    struct attestation *a = NULL;
    struct buf text = { 0 };
    int rc = spool_read(&l->spool, i, &text, err);

    if (rc == 0)
        rc = attested_open(&a, buf_str(&text), text.len, err);
    if (rc == 0)
        rc = attested_take(st, a, buf_str(&text), text.len, err);
    attestation_free(a);
    buf_release(&text);
    return rc;
}
