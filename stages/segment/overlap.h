/*
 * overlap - how well predicted labels lie over exact ones.
 *
 * Of a label: intersection over union, both counted over all pixels of all pictures;
 * their mean over the labels is the mean IoU (Pascal VOC's, Everingham et al. 2015).
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
/* 0..1; -1 of a label that occurs on neither side. */
double overlap_iou(const struct overlap *o);
/* Over the labels that occur. */
double overlap_mean(const struct overlap *o, int labels);

#endif
