/*
 * letters - the attestations of a bundle, in their envelopes, until all of it has been
 * read.
 *
 * Of which records they are is known only then, since these may come in another file. So
 * each is looked at when it comes, and waits in a file without a name.
 */
#ifndef CACHE_LETTERS_H
#define CACHE_LETTERS_H

#include <stdbool.h>

#include "larder/contents.h"
#include "larder/map.h"
#include "larder/trust.h"
#include "spool.h"

struct letters { /* all-zero is empty */
    struct spool spool;
    struct letter {
        struct digest key, record;
        struct public_key signer;
    } * letter;
    size_t n, cap;
    struct map records; /* hex of each record that came → struct letter_record */
    struct arena arena;
};

void letters_release(struct letters *l);

/* A record of the bundle that is what it says. taken: by us, from whom signed it. */
void letters_note_record(struct letters *l, const struct record *rec, bool taken);
/* An attestation of it: E_CORRUPT when it is not what the contents say, or its signature
 * does not fit. st: where it waits; NULL: it will not be kept. */
int letters_add(struct letters *l, const struct bundle_attestation *what,
                const struct buf *text, struct store *st, struct error *err);
/* When all has been read: E_CORRUPT when one is of no record of the bundle. */
int letters_check(const struct letters *l, struct error *err);
/* Whether letter i is of a record that is taken, or is in st (may be NULL), and of a key
 * that is trusted with its stage: 1, 0 or an error. */
int letters_believes(const struct letters *l, size_t i, const struct trust *trust,
                     struct store *st, struct error *err);
/* Keeps letter i, unless its signer has said as much of that record before. */
int letters_keep(const struct letters *l, size_t i, struct store *st, struct error *err);

#endif
