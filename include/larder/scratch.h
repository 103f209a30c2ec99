/*
 * scratch - the folders in which steps run, on the store's file system.
 *
 * A scratch folder is scratch/<key>.<16 hex>. Make it only while holding the lease of the
 * key: a scratch folder whose lease nobody holds is litter and scratch_sweep() removes
 * it.
 */
#ifndef LARDER_SCRATCH_H
#define LARDER_SCRATCH_H

#include "larder/buf.h"
#include "larder/digest.h"
#include "larder/error.h"
#include "larder/store.h"

/* Makes a fresh, empty scratch folder (mode 0700) and appends its path. Remove it with
 * fs_remove_tree(). */
int scratch_new(struct store *st, const struct digest *key, struct buf *path,
                struct error *err);

/* Removes what killed processes have left: scratch folders, lease files and files in tmp/
 * that nobody uses, and checkpoints as checkpoint_sweep() says. Call it when a run
 * starts. What cannot be removed is left; only a folder that cannot be listed is an
 * error. */
int scratch_sweep(struct store *st, struct error *err);

#endif
