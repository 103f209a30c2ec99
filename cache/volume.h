/*
 * volume - one file of a bundle: what its entries are called, and how they are written.
 *
 *   larder-bundle                     its contents (contents.h)
 *   ac/<2 hex>/<key>/<key id>         records, each in its envelope
 *   ac/<2 hex>/<key>/<key id>.<hex>   attestations, likewise
 *   cas/<2 hex>/<64 hex>              objects
 *   larder-bundle.signature           the head of an envelope of the contents
 */
#ifndef CACHE_VOLUME_H
#define CACHE_VOLUME_H

#include <stdbool.h>

#include "larder/contents.h"
#include "larder/sign.h"
#include "larder/store.h"
#include "tarout.h"
#include "volumes.h"

#define VOLUME_CONTENTS "larder-bundle"
#define VOLUME_SIGNATURE "larder-bundle.signature"

enum {
    VOLUME_RATIO = 1000,      /* how much smaller than its entries a file may be, */
    VOLUME_SLACK = 256 << 20, /* these bytes aside */
    SIGNATURE_MAX = 1024,     /* bytes of that entry */
};

/* Whether that much can be in a file of that size. */
bool volume_is_credible(long long size, long long file_size);

/* Each appends the name of an entry. */
void volume_record_name(const struct bundle_record *r, struct buf *name);
void volume_attestation_name(const struct bundle_attestation *a, struct buf *name);
void volume_object_name(const struct bundle_object *o, struct buf *name);

int volume_add_text(struct tarout *t, const char *name, const char *text, size_t n,
                    struct error *err);
/* What passes objects on. */
struct passage {
    struct sidehash *hash;
    struct ahead *ahead; /* what will come; borrowed, or NULL */
    struct buf small;    /* what came from there */
};
void passage_init(struct passage *p);
void passage_release(struct passage *p);

/* Hashed on the way: E_CORRUPT when it is not what its name says. t NULL: only that. */
int volume_add_object(struct passage *p, struct store *st, const struct bundle_object *o,
                      struct tarout *t, struct error *err);
/* The last entry. text: of the contents. */
int volume_sign(struct tarout *t, const struct signer *s, const struct buf *text,
                struct error *err);

#endif
