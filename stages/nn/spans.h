/*
 * spans - places in one block of memory for arrays that are needed at different times.
 */
#ifndef NN_SPANS_H
#define NN_SPANS_H

#include <stddef.h>

/* size bytes, needed from moment `from` to moment `to`, both included. */
struct span {
    size_t size;
    int from, to;
    size_t at; /* where it is in the block: filled in, a multiple of 64 */
};

/* Gives each of the n spans a place, so that none overlaps another that is needed at the
 * same moment; returns the size of the block. A span of size 0 takes no room. */
size_t spans_place(struct span *s, size_t n);

#endif
