#include "signed.h"

#include <string.h>

#include "envelope.h"

#include "larder/banned.h"

/* The record in an envelope, with who signed it. */
static int open_envelope(struct record **rec, const struct envelope *e, struct error *err)
{
    struct record_signer *by;
    int rc = record_read(rec, e->record, e->size, err);

    if (rc < 0)
        return rc;
    by = arena_alloc(&(*rec)->arena, sizeof *by);
    by->id = key_id_of(&e->signer);
    by->key = e->signer;
    by->signature = e->signature;
    (*rec)->by = by;
    return 0;
}

int signed_read(struct record **rec, const char *text, size_t n, struct error *err)
{
    struct envelope e;

    if (envelope_read(&e, ENVELOPE_RECORD, text, n, NULL) == 0)
        return open_envelope(rec, &e, err);
    return record_read(rec, text, n, err);
}

bool signed_is_whole(const char *text, size_t n)
{
    struct envelope e;

    if (envelope_read(&e, ENVELOPE_RECORD, text, n, NULL) == 0)
        return record_is_whole(e.record, e.size);
    return record_is_whole(text, n);
}

bool record_signature_fits(const struct record *rec)
{
    struct buf text = { 0 };
    struct digest id;
    bool fits;

    signed_text(rec, &text, &id);
    fits = digest_equal(&id, &rec->id) &&
           signature_fits(&rec->by->signature, &rec->by->key, ENVELOPE_RECORD,
                          buf_str(&text), text.len);
    buf_release(&text);
    return fits;
}

int signed_whole(const struct record *rec, struct buf *to, struct error *err)
{
    struct digest id;

    if (rec->by)
        return signed_enclose(rec, NULL, to, err);
    signed_text(rec, to, &id);
    return 0;
}

void signed_text(const struct record *rec, struct buf *to, struct digest *id)
{
    struct record again = *rec; /* so that its digest stays as it was read */

    record_write(&again, to);
    *id = again.id;
}

int signed_enclose(const struct record *rec, const struct signer *s, struct buf *to,
                   struct error *err)
{
    struct envelope e = { 0 };
    struct buf text = { 0 };
    struct digest id;
    int rc = 0;

    signed_text(rec, &text, &id);
    if (!digest_equal(&id, &rec->id))
        rc = error_set(err, E_CORRUPT, "the record of %s is not what it was", rec->step);
    else if (!rec->by)
        rc = envelope_sign(&e, ENVELOPE_RECORD, s, text.s, text.len, err);
    else
        e = (struct envelope){ ENVELOPE_RECORD, rec->by->key, rec->by->signature, text.s,
                               text.len };
    if (rc == 0 && rec->by && !envelope_is_true(&e))
        rc = error_set(err, E_CORRUPT, "the signature of a record of %s is damaged",
                       rec->step);
    if (rc == 0)
        envelope_write(&e, to);
    buf_release(&text);
    return rc;
}
