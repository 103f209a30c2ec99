/*
 * meet - whether what a step gave is what its recipe expects.
 *
 * Each of these is 0, or E_STAGE with what is there instead and where the recipe says so.
 */
#ifndef LARDER_MEET_H
#define LARDER_MEET_H

#include "larder/error.h"
#include "larder/store.h"
#include "plan.h"

/* What a record alone can tell of an output: whether it is empty, and its digest. */
int meet_record(const struct output *out, const struct object *o, struct error *err);
/* All that is expected of an output that is in the store. */
int meet_output(struct store *st, const struct output *out, const struct object *o,
                struct error *err);

/* The last values that a step told, one for each of step->metric; NULL: none. */
int meet_metrics(const struct step *step, char *const *told, struct error *err);

#endif
