/*
 * curve - how a training went, an epoch a row; docs/training.md has the columns.
 */
#ifndef LEARN_CURVE_H
#define LEARN_CURVE_H

#include "larder/buf.h"
#include "larder/error.h"

struct curve_row {
    long epoch;             /* from 1 */
    double rate, radius;    /* of the epoch's last step */
    double loss, accuracy;  /* means over the epoch's training pictures, as trained on */
    long correct, pictures; /* clean answers on the validation set; 0 of 0 without one */
};

/* All-zero is empty. */
struct curve {
    struct curve_row *row;
    size_t n;
};

/* The header line; then a row. */
void curve_header(struct buf *text);
void curve_add(struct buf *text, const struct curve_row *row);
/* Refuses (E_INPUT) a curve with no row or without clean answers. */
int curve_read(struct curve *c, const char *path, struct error *err);
void curve_release(struct curve *c);
/* correct / pictures. */
double curve_clean(const struct curve_row *row);

/* The row of s whose clean accuracy is nearest to that of r; the earliest on a tie.
 * Exact: no rounding enters. */
const struct curve_row *curve_nearest(const struct curve *s, const struct curve_row *r);

#endif
