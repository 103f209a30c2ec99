/*
 * cut - a network cut behind a layer, to run what follows again with one channel at 0.
 *
 * The activations of the layer are kept and only what follows is run; and where a
 * convolution or a dense layer follows, perhaps behind pooling, not even all of that: it
 * is linear, so that what it gives without a channel is what it gave less that channel's
 * share. Pooling looks at each channel alone, and activations behind a ReLU are not
 * negative, so a channel that is 0 before it is 0 after it.
 */
#ifndef DISSECT_CUT_H
#define DISSECT_CUT_H

#include <stdbool.h>

#include "nn/net.h"

/* All-zero is empty. */
struct cut {
    int C, H, W;     /* of the layer */
    struct net *net; /* borrowed: the whole network */
    int layer;       /* its operator of the graph */
    /* Where it is linear: head ends in the convolution, and its batch norm where one
     * follows; at is the operator up to which the network computes them as one. */
    struct net *head;
    struct graph *head_graph;
    int at;
    bool relu;               /* that ends in a ReLU */
    bool ends;               /* nothing follows: it gives the logits */
    int in_C, in_H, in_W;    /* what the convolution reads; C is the layer's */
    int out_C, out_H, out_W; /* what it gives */
    int kernel, stride, pad;
    bool dense;    /* it is a dense layer, over the flattened map */
    float *weight; /* by channel, place of the kernel, channel out */
};

struct cut_options {
    int batch, lanes; /* of the head */
    bool linear;      /* prepare it */
};

/* net: with the graph g, in evaluation, borrowed until cut_close(); tap: of the layer.
 * E_INPUT when what follows reads more than the layer, or, with linear, does not begin
 * with a convolution or a dense layer. */
int cut_open(struct cut *c, struct net *net, const struct tensors *weights,
             const char *tap, const struct cut_options *o, struct error *err);
void cut_close(struct cut *c);

/* The logits that follow from n activations of the layer, n x H x W x C. What the network
 * had computed before is lost. */
int cut_rest(struct cut *c, const float *activations, int n, float *logits,
             struct error *err);
/* For n activations of the layer, n x H x W x C: what the convolution reads, n x in_H x
 * in_W x C, and gives, n x out_H x out_W x out_C, before a ReLU. */
int cut_head(struct cut *c, const float *activations, int n, float *reads, float *gives,
             struct error *err);
/* Takes from what the convolution gave, of one picture, the share of a channel. reads: of
 * that picture. false when the channel is 0 everywhere: then nothing changes. */
bool cut_without(const struct cut *c, const float *reads, int channel, float *gives);

/* The logits that follow from what the convolution gave, of n pictures; gives is used up.
 * As cut_rest(). */
int cut_tail(struct cut *c, float *gives, int n, float *logits, struct error *err);

#endif
