/*
 * scratch - the folders in which steps run, on the store's file system if nobody says
 * otherwise.
 *
 * A scratch folder is scratch/<16 hex>. It is held by the process that made it, and by
 * whoever has a lease that it was shared with: so it stays while a step runs there, also
 * when `larder` was killed. One that nobody holds is litter and scratch_sweep() removes
 * it.
 */
#ifndef LARDER_SCRATCH_H
#define LARDER_SCRATCH_H

#include <stdbool.h>

#include "larder/buf.h"
#include "larder/digest.h"
#include "larder/error.h"
#include "larder/lease.h"
#include "larder/store.h"

struct scratch;

/* From now on scratch folders are made in a folder of ours in root, which may be on
 * another file system, and of this machine alone; what killed processes have left there
 * is removed. E_SYSTEM where that cannot be. */
int scratch_set_root(struct store *st, const char *root, struct error *err);

/* Makes a fresh, empty scratch folder (mode 0700). *sc is new: scratch_close(). */
int scratch_open(struct scratch **sc, struct store *st, struct error *err);
const char *scratch_path(const struct scratch *sc); /* borrowed, absolute */
/* From now on whoever has the lease holds the folder too. */
int scratch_share(const struct scratch *sc, const struct lease *l, struct error *err);
/* Removes the folder, unless it is to be kept until the next sweep; NULL is fine. What
 * cannot be removed is swept later. */
void scratch_close(struct scratch *sc, bool keep);

/* Removes what killed processes have left: scratch folders and files in tmp/ that nobody
 * uses, and checkpoints as checkpoint_sweep() says. Call it when a run starts. What
 * cannot be removed is left; only a folder that cannot be listed is an error. */
int scratch_sweep(struct store *st, struct error *err);

#endif
