/*
 * init - the weights a network starts from, drawn by counter (kit/draws.h).
 *
 * Stage "init", no parameters, the item is the parameter's name, stream 0, the index is
 * the element in PyTorch's order: so two networks that share a parameter's name and shape
 * share its start, whatever they are called. A truncated normal takes the first of
 * streams 0, 1, 2, ... whose value lies within the bounds. A batch norm starts with
 * weight 1, bias 0, running mean 0 and variance 1.
 */
#ifndef NN_INIT_H
#define NN_INIT_H

#include <stdint.h>

#include "nn/graph.h"
#include "nn/tensors.h"

/* Fills an empty *t. */
void init_parameters(const struct graph *g, uint64_t seed, struct tensors *t);

#endif
