/*
 * checkpoint - the folder in which a step keeps what lets it go on after a kill.
 *
 * It is checkpoints/<key>, so another program, option or input never sees it. It
 * survives kills; the executor empties it after success.
 */
#ifndef LARDER_CHECKPOINT_H
#define LARDER_CHECKPOINT_H

#include <stdbool.h>
#include <time.h>

#include "larder/buf.h"
#include "larder/digest.h"
#include "larder/error.h"
#include "larder/store.h"

/* Makes the folder if need be and appends its path. Hold the lease of the key. *found
 * (may be NULL) tells whether an earlier attempt left something in it. */
int checkpoint_open(struct store *st, const struct digest *key, struct buf *path,
                    bool *found, struct error *err);
/* When something in the folder was last written or renamed. */
time_t checkpoint_written(struct store *st, const struct digest *key);
/* Removes the folder, and the notes of segments.h, after success; absent is fine. Hold
 * the lease of the key. */
int checkpoint_clear(struct store *st, const struct digest *key, struct error *err);

/* Removes, of the folders whose lease nobody holds, those whose key has a record (the
 * step has succeeded since) and those not written to for 30 days. */
int checkpoint_sweep(struct store *st, struct error *err);

#endif
