/*
 * fuse - a graph as the operators of a backend: a convolution or linear takes the ReLU
 * behind it along, a maximum over its output applies that ReLU's gate, and flatten is
 * only a way of reading.
 */
#ifndef NN_FUSE_H
#define NN_FUSE_H

#include "nn/backend.h"
#include "nn/graph.h"

struct fused {
    struct nn_op_desc d;
    size_t from, to; /* the operators of the graph that it stands for: from .. to - 1 */
};

/* Fills f, with room for g->n_ops, for n pictures; returns how many there are. */
size_t fuse_graph(struct fused *f, const struct graph *g, int n, bool weight_gradient,
                  bool input_gradient);

#endif
