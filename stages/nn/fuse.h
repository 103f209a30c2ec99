/*
 * fuse - a graph as a program: the operators of a backend, in their order.
 *
 * A convolution, linear, batch norm or sum takes the ReLU behind it along, a maximum over
 * its output applies that ReLU's gate, and flatten is only a way of reading. In
 * evaluation a convolution takes along the batch norm behind it too (nn/weights.h folds
 * their weights), and dropout and auxiliary heads are left out.
 */
#ifndef NN_FUSE_H
#define NN_FUSE_H

#include "nn/backend.h"
#include "nn/graph.h"

struct fused {
    struct nn_op_desc d;
    size_t from, to; /* the operators of the graph that it stands for: from .. to - 1 */
    int n_in, in[GRAPH_INPUTS]; /* the operators of the program that it reads, or
                                   GRAPH_PICTURES */
    int norm; /* the batch norm of the graph that is folded into it, or 0 */
};

/* What a program is for. */
struct fuse_use {
    int n; /* pictures */
    bool training;
    bool weight_gradient, input_gradient;
    bool tf32;
};

/* All-zero is empty. */
struct program {
    struct fuse_use use;
    struct fused *op;
    size_t n;
    int out[GRAPH_OUTPUTS]; /* operators that give logits, the main one first; or the
                               graph's outputs */
    int n_out;
};

/* Fills an empty *p. */
void program_make(struct program *p, const struct graph *g, const struct fuse_use *use);
void program_release(struct program *p);

/* The last operator that reads operator i (GRAPH_PICTURES too), or -1. */
int program_reader(const struct program *p, int i);
/* The operator that gives this tap, or -1. */
int program_tap(const struct program *p, const struct graph *g, const char *tap);

#endif
