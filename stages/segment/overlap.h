/*
 * overlap - how far predicted labels lie over exact ones; table/overlaps.h makes a mean
 * IoU of such counts.
 */
#ifndef SEGMENT_OVERLAP_H
#define SEGMENT_OVERLAP_H

#include <stddef.h>

/* Pixels that were given a label, that have it, and both. */
struct overlap {
    long found, exact, both;
};

/* Adds the n pixels of a picture to a table of so many labels; exact -1: of no label. */
void overlap_add(struct overlap *o, int labels, const int *found, const int *exact,
                 size_t n);

#endif
