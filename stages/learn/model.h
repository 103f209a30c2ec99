/*
 * model - a network from a file of weights, opened for the pictures of a set.
 */
#ifndef LEARN_MODEL_H
#define LEARN_MODEL_H

#include "image/set.h"
#include "learn/feed.h"
#include "nn/net.h"

/* All-zero is empty. */
struct model {
    struct graph *graph;
    struct net *net;
    int classes;
    float *logits; /* batch x classes */
    double *p;     /* classes: for softmax() */
};

struct model_use {
    int batch, lanes; /* as in net_options; threads are those granted */
    bool input_gradient;
};

int model_open(struct model *m, const char *path, const struct model_use *use,
               struct error *err);
/* The same from weights that the caller keeps; path is for messages. */
int model_open_weights(struct model *m, const char *path, const struct tensors *weights,
                       const struct model_use *use, struct error *err);
void model_close(struct model *m);

/* A model and the pictures that it reads, checked against each other. take as in
 * feed_open(). */
int model_open_with(struct model *m, const char *path, const struct model_use *use,
                    struct feed *f, const char *set, long take, struct error *err);

/* Logits of the feed's batch, then the probabilities of its picture k. */
int model_forward(struct model *m, const struct feed *f, struct error *err);
const double *model_probabilities(struct model *m, int k);

#endif
