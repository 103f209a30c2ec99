/*
 * holder - where the step runs whose lease somebody else holds.
 *
 * The store does not say: it is the kernel that knows who holds a lock, and tells it of
 * the processes of this machine that are ours. Good for a message and nothing more.
 */
#ifndef LARDER_HOLDER_H
#define LARDER_HOLDER_H

#include <stdbool.h>

#include "larder/buf.h"
#include "larder/digest.h"
#include "larder/store.h"

/* Appends the path of the scratch folder that goes with the lease of a key; false where
 * nobody holds it, or it cannot be told. It looks at every process. */
bool holder_scratch(const struct store *st, const struct digest *key, struct buf *path);

#endif
