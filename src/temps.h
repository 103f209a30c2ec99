/*
 * temps - outputs that are kept only until nobody needs them: `keep: temp`.
 *
 * Such an output goes once every step of the plan that takes it is done in this run, and
 * no target that was asked for places it; one that no step takes stays. While another run
 * uses the store nothing goes; it is tried again with the next step that ends, and in the
 * next run. What cannot be dropped is told and costs only room.
 */
#ifndef LARDER_TEMPS_H
#define LARDER_TEMPS_H

#include "larder/drop.h"
#include "session.h"

struct temps {
    struct session *s;
    struct drop *drop;  /* NULL: nothing is dropped, */
    struct drop *known; /* and this run is known to others all the same, or NULL */
    bool *held;         /* [n_steps]: its outputs are; NULL: nothing was dropped yet */
};

/* Makes this run known to others. The session is borrowed until temps_close(). Of one
 * that is all-zero nothing is ever dropped. */
void temps_open(struct temps *t, struct session *s);
void temps_close(struct temps *t);

/* The step is done, made by this run or not. */
void temps_made(struct temps *t, const struct work *w);
/* The step is done: what it took may go. */
void temps_taken(struct temps *t, struct work *w);
/* Whatever may go goes. */
void temps_sweep(struct temps *t);

#endif
