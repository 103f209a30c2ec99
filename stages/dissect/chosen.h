/*
 * chosen - channels that a figure shows, as a TSV: block net layer unit category label
 * iou shape texture why. A block without a unit is a rule that found none.
 */
#ifndef DISSECT_CHOSEN_H
#define DISSECT_CHOSEN_H

#include "kit/tsv.h"

#define CHOSEN_HEADER \
    "block\tnet\tlayer\tunit\tcategory\tlabel\tiou\tshape\ttexture\twhy\n"

/* One block; texts are borrowed. */
struct chosen_unit {
    const char *block, *net, *layer, *category, *label, *iou, *shape, *texture, *why;
    long unit; /* -1: the rule found none */
};

/* All-zero is empty. */
struct chosen {
    struct tsv tsv;
    struct chosen_unit *unit;
    size_t n;
};

int chosen_read(struct chosen *c, const char *path, struct error *err);
void chosen_release(struct chosen *c);
/* Appends what pictures of a block are called in a set: its number in four digits. */
void chosen_name(const struct chosen_unit *u, struct buf *to);

#endif
