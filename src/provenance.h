/*
 * provenance - the content of the input `plan.provenance`: for every step behind a step,
 * its key, program, options, inputs and outputs, as TSV (docs/provenance.md).
 *
 * It holds only what follows from keys and contents: no host, user, absolute path or
 * time, so equal runs give equal bytes.
 */
#ifndef LARDER_PROVENANCE_H
#define LARDER_PROVENANCE_H

#include "larder/buf.h"
#include "session.h"

/* Appends the text for w; all that it needs must be done. */
int provenance_write(struct session *s, const struct work *w, struct buf *to,
                     struct error *err);

/* An argument of a `run:` stage as the key has it: inputs and outputs by name. */
void argument_text(const struct arg *arg, struct buf *to);

#endif
