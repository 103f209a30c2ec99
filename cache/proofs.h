/*
 * proofs - whether what was asked for follows from the records and folders of a bundle.
 *
 * A record, signed, names an output by its digest; a folder's text names what is in it
 * likewise, down to the file of which somebody wants to see a line.
 */
#ifndef CACHE_PROOFS_H
#define CACHE_PROOFS_H

#include "larder/buf.h"
#include "larder/map.h"
#include "larder/unbundle.h"

enum { PROOF_TEXT_MAX = 16 << 20 }; /* bytes of a folder or file that is looked into */

struct proofs { /* all-zero is empty */
    struct unbundle_target *target;
    size_t n, cap;
    struct map text; /* hex of an object to be looked into → its struct buf; ours */
};

void proofs_release(struct proofs *p);
/* The targets of a file that were not in one before; borrowed. */
void proofs_add(struct proofs *p, const struct contents *c);
/* A record that is trusted. */
void proofs_note_record(struct proofs *p, const struct record *rec,
                        const struct public_key *by);
/* Where the bytes of an object are wanted; NULL: nowhere. Borrowed from p. */
struct buf *proofs_wants(struct proofs *p, const struct bundle_object *o);
/* When all has been read and was right. */
void proofs_conclude(struct proofs *p);

#endif
