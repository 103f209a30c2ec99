#include "attested.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "envelope.h"
#include "larder/fs.h"
#include "layout.h"
#include "tempfile.h"

#include "larder/banned.h"

/* ac/<2 hex>/<key>.seen/<record>.<key id> */
static void place(struct store *st, const struct digest *key, const struct digest *record,
                  const struct key_id *id, struct buf *path)
{
    char hex[DIGEST_HEX + 1];

    layout_seen(st, key, path);
    buf_printf(path, "/%s.%s", digest_hex(record, hex), id->text);
}

void attested_name(const struct digest *key, const struct digest *record,
                   const struct key_id *id, struct buf *name)
{
    char hex[DIGEST_HEX + 1], of[DIGEST_HEX + 1];

    digest_hex(key, hex);
    buf_printf(name, "ac/%.2s/%s/%s.%.*s", hex, hex, id->text, ATTESTED_HEX,
               digest_hex(record, of));
}

int attested_open(struct attestation **a, const char *letter, size_t n, struct error *err)
{
    struct envelope e;
    int rc = envelope_read(&e, ENVELOPE_ATTESTATION, letter, n, err);

    *a = NULL;
    if (rc == 0 && !envelope_is_true(&e))
        rc = error_set(err, E_CORRUPT, "the signature of an attestation does not fit");
    if (rc == 0)
        rc = attestation_read(a, e.record, e.size, err);
    if (rc == 0) {
        (*a)->signer = e.signer;
        (*a)->id = key_id_of(&e.signer);
    }
    return rc;
}

int attested_keep(struct store *st, const struct attestation *a, const char *letter,
                  size_t n, struct error *err)
{
    struct tempfile temp = { 0 };
    struct buf path = { 0 };
    int rc = tempfile_open(&temp, st, err);

    place(st, &a->key, &a->record, &a->id, &path);
    if (rc == 0)
        rc = tempfile_write(&temp, letter, n, err);
    if (rc == 0)
        rc = tempfile_publish(&temp, &path, true, false, NULL, err);
    tempfile_release(&temp);
    buf_release(&path);
    return rc < 0 ? error_context(err, "keeping an attestation") : 0;
}

/* Whether the signer has said something of that record before, at least as strong. */
static bool has_said(struct store *st, const struct attestation *a, enum attest_how how)
{
    struct buf path = { 0 }, letter = { 0 };
    struct attestation *before = NULL;
    bool said;

    place(st, &a->key, &a->record, &a->id, &path);
    said = fs_read(path.s, &letter, NULL) == 0 &&
           attested_open(&before, buf_str(&letter), letter.len, NULL) == 0 &&
           before->how <= how;
    attestation_free(before);
    buf_release(&letter);
    buf_release(&path);
    return said;
}

int attested_take(struct store *st, const struct attestation *a, const char *letter,
                  size_t n, struct error *err)
{
    return has_said(st, a, a->how) ? 0 : attested_keep(st, a, letter, n, err);
}

bool attested_has(struct store *st, const struct digest *key, const struct digest *record,
                  const struct key_id *id)
{
    struct buf path = { 0 };
    bool has;

    place(st, key, record, id, &path);
    has = fs_exists(path.s);
    buf_release(&path);
    return has;
}

static int visit(const char *path, const struct digest *key, const struct digest *record,
                 attested_visit *f, void *self, struct error *err)
{
    struct buf letter = { 0 };
    struct attestation *a = NULL;
    int rc = 0;

    if (fs_read(path, &letter, NULL) == 0 &&
        attested_open(&a, buf_str(&letter), letter.len, NULL) == 0 &&
        digest_equal(&a->key, key) && digest_equal(&a->record, record))
        rc = f(self, a, &letter, err);
    attestation_free(a);
    buf_release(&letter);
    return rc;
}

int attested_each(struct store *st, const struct digest *key, const struct digest *record,
                  attested_visit *f, void *self, struct error *err)
{
    struct buf dir = { 0 }, path = { 0 };
    char hex[DIGEST_HEX + 1], **name = NULL;
    size_t n = 0;
    int rc;

    layout_seen(st, key, &dir);
    digest_hex(record, hex);
    rc = fs_list(dir.s, &name, &n, err);
    if (rc < 0 && (errno == ENOENT || errno == ENOTDIR))
        rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        if (strncmp(name[i], hex, DIGEST_HEX) != 0)
            continue;
        buf_reset(&path);
        fs_join(&path, dir.s, name[i]);
        rc = visit(path.s, key, record, f, self, err);
    }
    free(name);
    buf_release(&path);
    buf_release(&dir);
    return rc;
}

/* ---- all of a record ----------------------------------------------------------------
 */

struct list {
    struct attestation **a;
    size_t n, cap;
};

/* Reads it anew, since the one that is told of goes. */
static int add(void *self, const struct attestation *a, const struct buf *letter,
               struct error *err)
{
    struct list *l = self;
    int rc;

    (void)a;
    GROW(l->a, l->n + 1, l->cap);
    rc = attested_open(&l->a[l->n], buf_str(letter), letter->len, err);
    l->n += rc == 0;
    return rc;
}

int store_attestations(struct store *st, const struct digest *key,
                       const struct digest *record, struct attestation ***a, size_t *n,
                       struct error *err)
{
    struct list l = { 0 };
    int rc = attested_each(st, key, record, add, &l, err);

    *a = l.a;
    *n = l.n;
    if (rc < 0) {
        attestations_free(l.a, l.n);
        *a = NULL;
        *n = 0;
    }
    return rc;
}

int store_attest(struct store *st, const struct attestation *a, const struct signer *s,
                 struct error *err)
{
    struct attestation signed_by = *a;
    struct buf text = { 0 }, letter = { 0 };
    struct envelope e;
    int rc;

    signed_by.id = key_id_of(signer_key(s));
    if (a->how > ATTEST_REPRODUCED && has_said(st, &signed_by, a->how - 1))
        return 0;
    attestation_write(a, &text);
    rc = envelope_sign(&e, ENVELOPE_ATTESTATION, s, buf_str(&text), text.len, err);
    if (rc == 0) {
        envelope_write(&e, &letter);
        rc = attested_keep(st, &signed_by, letter.s, letter.len, err);
    }
    buf_release(&letter);
    buf_release(&text);
    return rc;
}
