/*
 * weights - the weights and the momentum of a net, shared by its lanes, and their update.
 */
#ifndef NN_WEIGHTS_H
#define NN_WEIGHTS_H

#include "nn/lane.h"
#include "nn/net.h"
#include "nn/tensors.h"

/* All-zero is empty. What it points to but mem, w, v and g is borrowed. */
struct weights {
    const struct nn_backend *b;
    const struct graph *graph;
    const struct fused *f;
    size_t n_fused;
    struct lane **lane; /* the first one's device holds all this */
    int lanes;
    float **w, **v;  /* n_fused: of each operator, or NULL where it has none */
    const float **g; /* n_fused x lanes: the gradients */
    void *mem;
    size_t n_mem;
};

/* Fills *s, whose borrowed fields are set, and tells the lanes where the weights are.
 * momentum: weights_update() will be called. */
int weights_open(struct weights *s, bool momentum, struct error *err);
void weights_release(struct weights *s);

/* of is s->w or s->v. Tensors by name, as net.h says. */
int weights_set(struct weights *s, float **of, const struct tensors *t,
                struct error *err);
int weights_get(const struct weights *s, float **of, struct tensors *t,
                struct error *err);

/* One step of SGD with the gradients of the first n lanes. */
int weights_update(struct weights *s, const struct sgd *sgd, int n, struct error *err);

#endif
