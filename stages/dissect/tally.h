/*
 * tally - how much the place where a channel is highly active and the place of each label
 * have in common (Bau et al. 2017, section 3.1).
 *
 * M is where the enlarged map is above the channel's threshold, L a label, both over all
 * pictures: IoU = |M and L| / (|M| in pictures where the label's category is present +
 * |L| - |M and L| + 1e-10).
 *
 * A category is present, PRESENCE_LITE (CSAILVision/NetDissect-Lite,
 * feature_operation.py), where a pixel of M carries one of its labels or the picture as a
 * whole does; PRESENCE_ORIGINAL (CSAILVision/NetDissect, src/makeresult.py) where the
 * picture has one of its labels anywhere. A label belongs to its primary category.
 */
#ifndef DISSECT_TALLY_H
#define DISSECT_TALLY_H

#include <stdbool.h>

#include "dissect/broden.h"
#include "dissect/enlarge.h"

enum presence { PRESENCE_LITE, PRESENCE_ORIGINAL };

/* Of one layer; all-zero is empty. */
struct tally {
    const struct broden *broden; /* borrowed */
    enum presence presence;
    int units;
    const double *threshold; /* of each unit; borrowed */
    uint32_t *both;          /* units x n_labels */
    uint64_t *active;        /* units x BRODEN_CATEGORIES */
};

void tally_open(struct tally *t, const struct broden *b, enum presence presence,
                int units, const double *threshold);
void tally_close(struct tally *t);

/* What a thread needs to go through a map: all-zero is empty. */
struct tally_room {
    uint32_t *seen; /* of each label pixel: in which map it was visited last */
    uint32_t now;
    size_t n;
};

void tally_room_release(struct tally_room *r);

/* Adds one picture for one unit: its map, as enlarge_at() has it, and what is where. */
void tally_add(struct tally *t, int unit, const float *map, int stride,
               const struct enlarge *e, const struct segments *s, struct tally_room *r);

/* Adds a picture to the pixels of each label: |L|, n_labels of them. */
void tally_truth(const struct segments *s, uint64_t *truth);

/* IoU of all labels with a unit, n_labels of them. */
void tally_iou(const struct tally *t, int unit, const uint64_t *truth, double *iou);

#endif
