/*
 * init - the weights a network starts from, drawn by counter (kit/draws.h).
 *
 * Stage "init", no parameters, the item is the parameter's name, stream 0, the index is
 * the element in PyTorch's order: so two networks that share a parameter's name and shape
 * share its start, whatever they are called.
 */
#ifndef NN_INIT_H
#define NN_INIT_H

#include <stdint.h>

#include "nn/graph.h"
#include "nn/tensors.h"

/* Fills an empty *t. */
void init_parameters(const struct graph *g, uint64_t seed, struct tensors *t);

#endif
