/*
 * offer - what of our own store others may have.
 *
 * It is filled as a remote is, by push (push_open_offer()): so nothing is in it that a
 * push would not give, all of it has been hashed, and each record is signed. Objects are
 * not copied: they stay files of the store, and the offer knows their names. Records are
 * in memory.
 */
#ifndef LARDER_OFFER_H
#define LARDER_OFFER_H

#include "larder/store.h"

struct offer;

/* New. Of the store, which may be closed before it. */
int offer_new(struct offer **o, const struct store *st, struct error *err);
void offer_free(struct offer *o); /* NULL is fine */

#endif
