/*
 * weighted - what convolutions and linears share: their weights in oneDNN's layouts.
 *
 * The block of an operator holds the weights as the forward pass wants them, then the
 * bias, then (derived) the weights as the data gradient wants them, where that is another
 * layout. The weight gradient is brought into the forward layout, so the optimiser walks
 * both side by side.
 */
#ifndef NN_ONEDNN_WEIGHTED_H
#define NN_ONEDNN_WEIGHTED_H

#include "nn/onednn/desc.h"
#include "nn/onednn/prim.h"

struct weighted {
    struct nn_op op; /* first: this is one */
    struct nn_device *dev;
    struct desc desc;
    struct prim forward, data, weights;
    struct prim pack, unpack; /* PyTorch's layout to the forward one and back */
    struct prim derive;       /* forward layout to that of data; empty: the same */
    struct prim gather;       /* layout of weights to the forward one; empty: the same */
    size_t bias;              /* where it is in the block, floats */
    size_t scratch, spare;    /* bytes: of primitives, of a gradient before gather */
};

/* Fills *v, all-zero before, for d. data: whether it shall make input gradients. */
int weighted_open(struct weighted *v, struct nn_device *dev, const struct nn_op_desc *d,
                  bool data, struct error *err);
void weighted_close(struct weighted *v);

int weighted_pack(struct weighted *v, float *w, const float *weight, const float *bias,
                  void *work, struct error *err);
int weighted_unpack(struct weighted *v, const float *w, float *weight, float *bias,
                    void *work, struct error *err);
/* The weight alone. */
int weighted_unpack_weight(struct weighted *v, const float *w, float *weight, void *work,
                           struct error *err);
int weighted_refresh(struct weighted *v, float *w, void *work, struct error *err);
int weighted_forward(struct weighted *v, const struct nn_args *a, struct error *err);
/* dy passes the ReLU's gate, then the weight gradient is made where it is wanted. */
int weighted_backward_weights(struct weighted *v, const struct nn_args *a,
                              struct error *err);
int weighted_backward_data(struct weighted *v, const struct nn_args *a,
                           struct error *err);

#endif
