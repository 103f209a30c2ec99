/*
 * What the server asks of an offer, and how it is filled (larder/offer.h).
 */
#ifndef CACHE_OFFER_H
#define CACHE_OFFER_H

#include "larder/offer.h"
#include "remote.h"

/* Something to be given: a text, borrowed from the offer, or a descriptor, yours. */
struct offered {
    const char *text; /* or NULL */
    int fd;
    long long size;
};

/* REMOTE_DONE, or REMOTE_ABSENT. It may be called by several threads at once, as long as
 * nobody fills the offer. */
int offer_find(const struct offer *o, const char *name, struct offered *found);
/* The offer as a remote that takes; it is borrowed and its close does nothing. */
struct remote *offer_remote(struct offer *o);

#endif
