/*
 * layers - the layers of a network whose channels are looked at: those of its taps that
 * are maps.
 */
#ifndef NN_LAYERS_H
#define NN_LAYERS_H

#include "larder/error.h"
#include "nn/graph.h"

struct layer {
    const char *tap; /* borrowed from the graph */
    int C, H, W;
};

/* All-zero is empty. */
struct layers {
    struct layer *layer; /* in the order of the network */
    size_t n;
    size_t most; /* values of the largest map */
};

/* wanted: names of taps joined by commas; "": all taps that are maps but those with a dot
 * in their name (conv1.raw). E_INPUT with the nearest name for one that there is not. */
int layers_open(struct layers *l, const struct graph *g, const char *wanted,
                struct error *err);
void layers_close(struct layers *l);

#endif
