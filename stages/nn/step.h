/*
 * step - a step of training as the calls of net.h make it, of a whole batch, in three
 * calls: while a batch is computed with, the next one can be made and put.
 *
 *   net_put(batch 0);
 *   net_train(); net_put(batch 1); net_trained();
 *   net_train(); net_put(batch 2); net_trained(); ...
 */
#ifndef NN_STEP_H
#define NN_STEP_H

#include "nn/attack.h"
#include "nn/net.h"

struct net_batch {
    const float *pixels; /* o.batch pictures, and as many labels and draws */
    const int32_t *label;
    const struct net_draws *draws; /* as for net_forward_training() */
};
struct net_step {
    const struct sgd *sgd;
    const struct attack *attack; /* without a start; NULL: on the pictures themselves */
    bool clamped;                /* what is trained on is moved into 0..1 */
};
/* The arrays are the caller's again. */
int net_put(struct net *net, const struct net_batch *b, struct error *err);
/* Begins a step with the batch that was put last. */
int net_train(struct net *net, const struct net_step *s, struct error *err);
/* Waits for it: the loss and the logits of each picture. */
int net_trained(struct net *net, float *loss, float *logits, struct error *err);

#endif
