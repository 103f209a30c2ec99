/*
 * attested - where attestations lie, in a store and on a remote, as the letters that they
 * came in.
 */
#ifndef LARDER_ATTESTED_H
#define LARDER_ATTESTED_H

#include "larder/attestation.h"

enum {
    ATTESTATION_MAX = 4 << 20, /* the longest letter */
    ATTESTED_HEX = 32, /* so many digits of the record stand in its name on a remote */
};

/* Opens a letter: 0 with *a new, `by` set, when its signature is that of its signer;
 * E_CORRUPT. */
int attested_open(struct attestation **a, const char *letter, size_t n,
                  struct error *err);
/* Keeps the letter of an attestation. */
int attested_keep(struct store *st, const struct attestation *a, const char *letter,
                  size_t n, struct error *err);
/* The same, unless the signer has said as much, or more, of that record before. */
int attested_take(struct store *st, const struct attestation *a, const char *letter,
                  size_t n, struct error *err);
/* Whether there is one of that signer of that record. */
bool attested_has(struct store *st, const struct digest *key, const struct digest *record,
                  const struct key_id *id);
/* Calls f for each letter of a record, until it answers other than 0. */
typedef int attested_visit(void *self, const struct attestation *a,
                           const struct buf *letter, struct error *err);
int attested_each(struct store *st, const struct digest *key, const struct digest *record,
                  attested_visit *f, void *self, struct error *err);
/* Appends the name on a remote. */
void attested_name(const struct digest *key, const struct digest *record,
                   const struct key_id *id, struct buf *name);

#endif
