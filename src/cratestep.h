/*
 * cratestep - what a crate says of a step (crate.h): the program behind it, its stage as
 * a step of the workflow, and what was done.
 */
#ifndef LARDER_CRATESTEP_H
#define LARDER_CRATESTEP_H

#include "cratedata.h"

/* The time as "2026-11-27T14:52:00Z", in the crate's memory. */
const char *crate_time(struct crate *c, long long when);
/* When a step that is done began, as far as its record tells: seconds since 1970. */
long long crate_began(const struct record *record);

/* What stands for an item that is done or given: its digest, or that it is withheld. */
const char *crate_item(struct crate *c, const struct item *item, const struct object *o);

/* Adds a step that is done, with its record, key and facts. workflow is the entity that
 * gets its tool and its HowToStep, control the one whose `object` is its ControlAction.
 */
void crate_step(struct crate *c, const struct work *w, struct json_t *workflow,
                struct json_t *control);

#endif
