/*
 * field - what of the picture an activation of a layer sees: its receptive field.
 *
 * Operator by operator with kernel k, stride s, padding p, dilation d: the side grows by
 * d (k - 1) steps, the first field begins p steps earlier, and a step becomes s steps.
 * Where branches meet the field is the smallest that holds all of theirs.
 */
#ifndef DISSECT_FIELD_H
#define DISSECT_FIELD_H

#include "nn/graph.h"

struct field {
    int size;  /* pixels a side; 0: all of the picture */
    int start; /* where the field of the first activation begins; negative: outside */
    int jump;  /* from one to the next */
};

/* Of the operator with this tap name, which there must be. */
struct field field_of(const struct graph *g, const char *tap);

#endif
