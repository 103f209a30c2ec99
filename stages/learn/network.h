/*
 * network - which network a file of weights belongs to.
 *
 * It follows from the names and shapes of the tensors, so programs that use a model need
 * no options for it.
 */
#ifndef LEARN_NETWORK_H
#define LEARN_NETWORK_H

#include "larder/error.h"
#include "nn/graph.h"
#include "nn/tensors.h"

/* *g is new: graph_free(). E_INPUT when no network of this version has these tensors. */
int network_of(struct graph **g, const struct tensors *t, struct error *err);

#endif
