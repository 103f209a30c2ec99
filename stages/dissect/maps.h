/*
 * maps - the activations of a network for the pictures of a Broden folder.
 */
#ifndef DISSECT_MAPS_H
#define DISSECT_MAPS_H

#include "dissect/broden.h"
#include "nn/layers.h"
#include "nn/net.h"
#include "nn/workers.h"

/* How a picture becomes a network's input.
 *
 * PIXELS_NET: as the network was trained.
 * PIXELS_DISSECTION: as NetDissect-Lite does it (feature_operation.py): less 124.6901,
 * 118.6897, 109.5388, over 57.12, whatever the network normalises by.
 * PIXELS_TWICE: that, cut to 0..1, and then the network's own normalisation, as the
 * paper's released code does with R networks (robustness/attacker.py). */
#define MAPS_PIXELS "net|dissection|twice"

struct maps_options {
    const char *model, *broden, *layers, *pixels;
    int batch, lanes;
};

/* All-zero is empty. */
struct maps {
    struct graph *whole, *graph; /* the network, and up to the last of the layers */
    struct net *net;
    struct broden broden;
    struct layers layers;
    const char *pixels_as;
    int batch;
    float *pixels, *values;
    struct workers *workers;
};

int maps_open(struct maps *m, const struct maps_options *o, struct error *err);
void maps_close(struct maps *m);

/* What is done with a batch of a layer: n maps of H x W x C from picture `first` on. */
struct maps_batch {
    const struct layer *layer;
    size_t index; /* of the layer */
    const float *values;
    long first;
    int n;
};

/* Every picture once, batch by batch, each batch layer by layer. before is called for
 * each batch before its first layer; may be NULL. Reports progress from `done` of `total`
 * pictures on. */
struct maps_pass {
    int (*before)(void *context, long first, int n, struct error *err);
    int (*add)(void *context, const struct maps_batch *b, struct error *err);
    void *context;
    long done, total;
};
int maps_each(struct maps *m, const struct maps_pass *pass, struct error *err);

#endif
