/*
 * silence - a channel set to 0 by the weights that make it.
 */
#ifndef DISSECT_SILENCE_H
#define DISSECT_SILENCE_H

#include "nn/graph.h"
#include "nn/tensors.h"

/* Sets the weights of a channel of a layer to 0, so that it is 0 behind its ReLU. E_INPUT
 * for a layer that is not made by a convolution with bias or a batch norm right before a
 * ReLU, and for a channel that there is not. */
int silence_unit(struct tensors *weights, const struct graph *g, const char *layer,
                 long unit, struct error *err);

#endif
