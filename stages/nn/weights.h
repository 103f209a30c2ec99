/*
 * weights - the weights, buffers and momentum of a net, shared by its lanes; their
 * update, and, where batch norms are folded into convolutions, the weights of that
 * program.
 */
#ifndef NN_WEIGHTS_H
#define NN_WEIGHTS_H

#include "nn/lane.h"
#include "nn/net.h"
#include "nn/tensors.h"

/* Where the tensors of one operator are in host memory; NULL: it has none. */
struct parts {
    float *weight, *bias, *mean, *var, *tracked;
};

/* The blocks of one program's operators, in device memory. */
struct blocks {
    const struct program *p;
    int number;                /* of the program in the lanes */
    float **w, **v, **running; /* p->n: of each operator, or NULL where it has none */
    void *mem;
    size_t n_mem;
};

/* All-zero is empty. */
struct weights {
    const struct nn_backend *b;
    const struct graph *graph;
    struct lane **lane;   /* the first one's device holds all this */
    int lanes, ranks;     /* lanes: of this process */
    struct blocks home;   /* as the optimiser sees them; p is NULL when nothing trains a
                             graph with batch norms */
    struct blocks folded; /* p is NULL where there is nothing to fold */
    bool stale;           /* folded is older than home */
    void *step;           /* device memory of an update: rates, and what clips */
    struct nn_rates *rates;
    double *squares, *zero;
    const float **g;     /* home.p->n x lanes: the gradients */
    struct tensors host; /* with folded: every parameter and buffer */
    struct parts *parts; /* of each operator of the graph in host */
    float *scratch;      /* room for the largest weight and bias */
};

/* Fills *s, whose fields up to lanes and the programs and numbers of home and folded are
 * set, and tells the lanes where the weights are. */
int weights_open(struct weights *s, struct error *err);
void weights_release(struct weights *s);

/* Tensors by name, as net.h says. */
int weights_set(struct weights *s, const struct tensors *t, struct error *err);
int weights_get(struct weights *s, struct tensors *t, struct error *err);
int weights_set_momentum(struct weights *s, const struct tensors *t, struct error *err);
int weights_get_momentum(struct weights *s, struct tensors *t, struct error *err);

/* Folds anew if need be: before each pass in evaluation. */
int weights_fold(struct weights *s, struct error *err);
/* What was folded no longer holds. */
void weights_stale(struct weights *s);
/* After each forward pass in training: the running statistics have moved. */
void weights_moved(struct weights *s);
/* What the steps behind it go by. */
int weights_set_rates(struct weights *s, const struct sgd *sgd, struct error *err);
/* After a pass in training, of several ranks: the running statistics are rank 0's. */
int weights_share_running(struct weights *s, struct error *err);
/* One step of SGD with the gradients of the first n lanes; clips: the rates say how far.
 */
int weights_update(struct weights *s, bool clips, int n, struct error *err);

#endif
