/*
 * pushing - which results of a plan leave this machine, and what of each: for a remote,
 * or for an offer.
 *
 * Never what is private or not kept, nor a stage that is never-remote. A damaged result
 * is told, counted and passed over.
 */
#ifndef LARDER_PUSHING_H
#define LARDER_PUSHING_H

#include "larder/buf.h"
#include "larder/push.h"

#include "meter.h"
#include "session.h"

struct pushing {
    struct session *s; /* with trust, and looked up: lookup_all() */
    struct push *p;
    const struct work *work; /* whose turn it is, */
    bool told;               /* and of which damage was told */
    size_t absent;           /* steps with no result here, or not all of it */
    size_t kept;             /* never-remote */
    size_t damaged;          /* the bytes here are wrong */
    struct meter meter;
};

/* The results of all that is wanted. */
int pushing_all(struct pushing *all, struct error *err);
/* Appends what was passed over, and why: ", 2 not here, 1 never to leave". */
void pushing_tell_rest(const struct pushing *all, struct buf *line);

#endif
