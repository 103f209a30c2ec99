/*
 * ahead - small objects that are read and hashed by threads before they are asked for.
 *
 * To open, read and close a small file is mostly waiting, on the folder of another
 * machine above all. What a thread cannot read, or finds to be other bytes, is read again
 * by who asks, so that errors are met in one place, in order.
 */
#ifndef CACHE_AHEAD_H
#define CACHE_AHEAD_H

#include <stdbool.h>

#include "larder/buf.h"
#include "larder/store.h"

struct ahead;

enum { AHEAD_MAX = 64 << 10 }; /* bytes of an object that is read ahead */

/* Of the n objects, files in the order in which they will be asked for, larger ones too;
 * some may be passed over. new: ahead_free(); NULL where they are too few to be worth a
 * thread. The ids are borrowed until then. */
struct ahead_item {
    const struct digest *id;
    long long size;
};
struct ahead *ahead_new(struct store *st, const struct ahead_item *item, size_t n);

/* True when the object was read; its bytes, which are right, take the place of what *to
 * has. a: may be NULL. */
bool ahead_take(struct ahead *a, const struct digest *id, struct buf *to);

void ahead_free(struct ahead *a); /* NULL is fine */

#endif
