/*
 * attestation - somebody else's word for a record: "I made this again, and it agrees".
 *
 * It is a small text (docs/agreement.md) in an envelope with its signature, kept beside
 * the records of its key. One signer says one thing of one record.
 */
#ifndef LARDER_ATTESTATION_H
#define LARDER_ATTESTATION_H

#include <stdbool.h>
#include <stddef.h>

#include "larder/buf.h"
#include "larder/digest.h"
#include "larder/error.h"
#include "larder/mem.h"
#include "larder/sign.h"
#include "larder/store.h"

/* From the strongest. */
enum attest_how {
    ATTEST_REPRODUCED, /* made again, the same bytes */
    ATTEST_WITHIN,     /* made again, and within the tolerance of its comparators */
    ATTEST_VOUCHED,    /* not made again */
};

struct attested_output {
    const char *name;
    bool same;
    struct digest ours;   /* of what was made again */
    const char *measured; /* of one that is not the same: how far it is from it */
};

struct attestation {
    struct arena arena; /* owns every text below, of one that was read */
    struct digest key, record;
    enum attest_how how;
    long long made;       /* seconds since 1970, UTC */
    const char *platform; /* on which it was made again, or NULL */
    const char **env;     /* "NAME=VALUE", variables that it was given besides; sorted */
    size_t n_env;
    struct attested_output *output; /* sorted by name; none of one that is vouched for */
    size_t n_outputs;
    struct key_id id; /* who says so; set by store_attestations() */
    struct public_key signer;
};

/* "reproduced", "within-tolerance", "vouched" */
const char *attest_word(enum attest_how how);

void attestation_write(const struct attestation *a, struct buf *to);
/* *a is new: attestation_free(). E_CORRUPT, with the line, for anything that
 * attestation_write() would not have written. */
int attestation_read(struct attestation **a, const char *text, size_t n,
                     struct error *err);
void attestation_free(struct attestation *a); /* NULL is fine */
void attestations_free(struct attestation **a, size_t n);

/* Signs it and keeps it, in the place of what the same signer has said of that record,
 * unless that was stronger. */
int store_attest(struct store *st, const struct attestation *a, const struct signer *s,
                 struct error *err);
/* What is kept of a record, by whomever, sorted by key id; what is not whole or not truly
 * signed does not count. *a is new: attestations_free(). */
int store_attestations(struct store *st, const struct digest *key,
                       const struct digest *record, struct attestation ***a, size_t *n,
                       struct error *err);

#endif
