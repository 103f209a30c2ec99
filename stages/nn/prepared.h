/*
 * prepared - a program with its operators prepared on a device, and where in one block of
 * device memory everything is that they read and write. What is there before a pass and
 * after it, the pictures and what the program gives, lies outside that block.
 */
#ifndef NN_PREPARED_H
#define NN_PREPARED_H

#include "nn/backend.h"
#include "nn/fuse.h"

/* All-zero is empty. */
struct prepared {
    const struct nn_backend *b;
    const struct program *p;
    struct nn_op **op;    /* p->n */
    struct nn_args *args; /* p->n: pointers into the block, 0 before prepared_place() */
    float *x, *dx;        /* the pictures, and the gradient of them */
    float *(*sum)[GRAPH_INPUTS]; /* p->n: where an input's gradient is added to the others
                                    first; NULL: it is the first and goes there itself */
    bool
        *carries; /* p->n: a gradient with respect to weights passes through the output */
    struct span *span; /* of all in the block, in the order in which it is listed */
    size_t n_spans, size;
    size_t n_weights; /* bytes of the gradients of weights, which have a block of their
                         own: what pads them is 0 and stays so */
    size_t n_work;    /* bytes of scratch */
};

/* Prepares the operators and plans the block. p and b are borrowed until
 * prepared_close(). */
int prepared_open(struct prepared *q, const struct nn_backend *b, struct nn_device *dev,
                  const struct program *p, const struct graph *g, struct error *err);
void prepared_close(struct prepared *q);
/* Where a program computes, borrowed. */
struct prepared_room {
    char *block;   /* size bytes */
    float *x, *y;  /* the pictures; what its first output gives */
    char *weights; /* n_weights bytes, zeroed */
    void *work;    /* n_work bytes */
};
void prepared_place(struct prepared *q, const struct prepared_room *room);

/* Floats of the output of operator i, and of the pictures. */
size_t prepared_values(const struct prepared *q, int i);

#endif
