/*
 * envelope - a record, a root or an attestation, with the signature of who made it
 * (docs/remote.md).
 *
 *   larder-signed 1
 *   type application/vnd.larder.record.v1
 *   signer ed25519:<64 hex>
 *   signature <128 hex>
 *   size <bytes of the record>
 *   <the record>
 *
 * It is what a remote keeps, and what a store keeps of a record that came from one.
 */
#ifndef LARDER_ENVELOPE_H
#define LARDER_ENVELOPE_H

#include <stdbool.h>

#include "larder/buf.h"
#include "larder/error.h"
#include "larder/record.h"
#include "larder/sign.h"

enum { ENVELOPE_MAX = (64 << 20) + 1024 }; /* the longest record, and what is around it */

/* What a text is; a signature over one kind is none of another. */
#define ENVELOPE_RECORD "application/vnd.larder.record.v1"
#define ENVELOPE_ATTESTATION "application/vnd.larder.attestation.v1"
#define ENVELOPE_ROOT "application/vnd.larder.root.v1"
#define ENVELOPE_BUNDLE "application/vnd.larder.bundle.v1"

struct envelope {
    const char *type; /* one of these */
    struct public_key signer;
    struct signature signature;
    const char *record; /* or root; borrowed from the text that was read */
    size_t size;
};

void envelope_write(const struct envelope *e, struct buf *to);
/* Of that type, which is borrowed. E_CORRUPT, with the line, for anything that
 * envelope_write() would not have written. */
int envelope_read(struct envelope *e, const char *type, const char *text, size_t n,
                  struct error *err);

/* Signs a text, which is borrowed. */
int envelope_sign(struct envelope *e, const char *type, const struct signer *s,
                  const char *text, size_t size, struct error *err);
/* True when the signature is that of the signer over the record. */
bool envelope_is_true(const struct envelope *e);

#endif
