/*
 * enlarge - a map of activations at the size of the labels, and where it is above a
 * threshold there (Bau et al. 2017, section 3.1).
 *
 * ENLARGE_RESIZE, as NetDissect-Lite has it (feature_operation.py: imresize of mode F, in
 * Pillow Resample.c): bilinear with the centres of pixels at half; a triangle of width 1
 * or, where the map is larger, of as many pixels as one label covers; weights that fall
 * outside are left out and the others scaled up. Along x, kept as float, then along y.
 *
 * ENLARGE_FIELD, as the first NetDissect had it (src/upsample.py): the values sit where
 * the middles of receptive fields lie, linear in between, constant outside.
 */
#ifndef DISSECT_ENLARGE_H
#define DISSECT_ENLARGE_H

#include "dissect/field.h"

enum enlarge_kind { ENLARGE_RESIZE, ENLARGE_FIELD };

/* How one axis is enlarged. */
struct enlarge_axis {
    int in, out, taps; /* taps: most values that one output reads */
    int *first, *n;    /* of each output */
    double *weight;    /* out x taps */
    int *from, *to;    /* of each input: the outputs that read it, from <= i < to */
};

/* All-zero is empty. */
struct enlarge {
    struct enlarge_axis x, y;
};

/* Maps of height x width, enlarged to sh x sw labels. side: of the picture; field: of the
 * layer, for ENLARGE_FIELD alone. */
void enlarge_open(struct enlarge *e, enum enlarge_kind kind, int height, int width,
                  int sh, int sw, int side, const struct field *field);
void enlarge_close(struct enlarge *e);
/* The value at (y, x) of the map whose value at (r, c) is map[(r width + c) stride]. */
float enlarge_at(const struct enlarge *e, const float *map, int stride, int y, int x);

#endif
