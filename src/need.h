/*
 * need - what has to be here before steps run, and before outputs are placed.
 */
#ifndef LARDER_NEED_H
#define LARDER_NEED_H

#include "larder/error.h"
#include "session.h"
#include "slots.h"

/* What the steps that are to run will read besides the outputs of others, and what they
 * will run on, so that a missing file is told before hours of work and not after. With -k
 * it is noted in w->lacks, to fail that step alone. */
int need_check(struct session *s, const struct slots *slots, struct error *err);
/* The same as far as a look can tell it that reads and fetches nothing, always noted. */
int need_look(struct session *s, struct error *err);
/* Outputs that are to be placed have to be here, unless they stand there already: steps
 * that are done, and whose outputs are not, are added to s->recalled. */
int need_placed(struct session *s, struct error *err);

#endif
