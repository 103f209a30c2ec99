/*
 * net - a network on a backend: prepared once for fixed shapes, then run batch by batch.
 *
 * Pictures are float32, N x H x W x C, pixel values in 0..1 unless the graph says
 * otherwise: the normalisation is the graph's first operator. A batch is cut into lanes
 * (a fixed number, so the same bytes come out for any number of threads); each lane is
 * computed by one thread, and gradients of weights are summed in lane order. All memory
 * is taken in net_open().
 *
 * A network with batch norms, dropout or auxiliary heads is another one in training:
 * each lane normalises with the statistics of its own share, and the first lane moves
 * the running ones. net_forward() is evaluation, net_forward_training() is not; taps,
 * losses and gradients are those of the last of the two.
 *
 * Of several ranks (nn/ranks.h) each has its lanes, in their order, and reads its own
 * pictures alone; what comes out for each picture comes out for all of them, everywhere.
 */
#ifndef NN_NET_H
#define NN_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "larder/error.h"
#include "nn/graph.h"
#include "nn/tensors.h"

struct draws;
struct net;

struct net_options {
    const char *backend;  /* "plain", "onednn", "cuda:0"; NULL: that of LARDER_DEVICE */
    int batch;            /* pictures a call at most */
    int lanes;            /* 1 or more; batch is a multiple of it */
    int threads;          /* threads to use; more than lanes are not */
    bool weight_gradient; /* net_backward_weights() will be called */
    bool input_gradient;  /* net_backward_input() will be called */
    /* Lanes of a GPU compute one after the other in the same memory, so that many take
     * hardly more than one. What asks all lanes for what is left of a pass is not called:
     * net_loss(), net_tap(), net_backward_...(). */
    bool in_turn;
    bool tf32; /* where the device has it: quicker, and less exact (nn_op_desc) */
    const struct ranks *ranks; /* lanes is a multiple of them; NULL: this process alone */
};

/* *net is new: net_close(). graph is borrowed until then. */
int net_open(struct net **net, const struct graph *graph, const struct net_options *o,
             struct error *err);
void net_close(struct net *net); /* NULL is fine */
const char *
net_platform(const struct net *net); /* "onednn 2.6.3 avx512_core": provenance */

/* Parameters by torchvision's names and in PyTorch's layouts. Setting refuses a missing,
 * unknown or misshapen tensor by name (E_INPUT). Getting fills an empty *t. */
int net_set_parameters(struct net *net, const struct tensors *t, struct error *err);
int net_get_parameters(struct net *net, struct tensors *t, struct error *err);
/* The optimiser's momentum, the same way; for checkpoints. */
int net_set_momentum(struct net *net, const struct tensors *t, struct error *err);
int net_get_momentum(struct net *net, struct tensors *t, struct error *err);

/* Runs n <= batch pictures in evaluation. logits (n x places x classes) may be NULL;
 * they are copied out. A graph with outputs has none. */
int net_forward(struct net *net, const float *pixels, int n, float *logits,
                struct error *err);
/* What dropout draws from (nn/drop.h): the draws of each picture, and the epoch. */
struct net_draws {
    const struct draws *draws;
    uint64_t epoch;
};
/* The same in training, which weight gradients need where the two differ. draws may be
 * NULL where the network drops nothing. */
int net_forward_training(struct net *net, const float *pixels, int n,
                         const struct net_draws *draws, float *logits, struct error *err);
/* Cross-entropy of each of the n pictures of the last forward pass, natural logarithm; in
 * training with that of the auxiliary heads, weighted. label: n x places; where there are
 * several, the loss is their mean, and -1 is a place without a label. */
int net_loss(struct net *net, const int32_t *label, float *loss, struct error *err);
/* What the operator with this tap name gave for the n pictures of the last forward pass:
 * n x H x W x C, the shape of graph_tap(). E_INPUT when there is no such tap. */
int net_tap(struct net *net, const char *tap, float *values, struct error *err);
/* Operators of the graph that are computed as one in evaluation: the last of those that
 * `op` is among. */
int net_ends(const struct net *net, int op);
/* Runs what follows operator `op`, the last of those computed as one: values stand for
 * what it gives for n pictures, n x H x W x C. In evaluation. What follows must read
 * nothing that lies before; taps from there on are those of this pass, and others are
 * not. */
int net_resume(struct net *net, int op, const float *values, int n, float *logits,
               struct error *err);
/* After net_loss(): the gradient of the mean loss over the n pictures with respect to the
 * pixels, n x H x W x C. In evaluation, where the two differ. */
int net_backward_input(struct net *net, float *gradient, struct error *err);
/* After net_forward() of a graph with outputs: the gradient with respect to the pixels of
 * the sum of all outputs, each value times its dy. dy[k] is of the k-th output, n x its
 * values. */
int net_backward_outputs(struct net *net, const float *const *dy, float *gradient,
                         struct error *err);
/* After net_loss(): the gradient of the mean loss with respect to every parameter, kept
 * inside for net_update(). In training, where the two differ. */
int net_backward_weights(struct net *net, struct error *err);
/* net_forward_training(), net_loss() and net_backward_weights() in one. */
int net_learn(struct net *net, const float *pixels, const int32_t *label, int n,
              const struct net_draws *draws, float *logits, float *loss,
              struct error *err);

/* One step of SGD as PyTorch's optim/sgd.py does it: d = g + wd p; v = momentum v + d
 * (first step v = d); p -= lr v. clip > 0: all gradients together are first scaled to at
 * most that L2 norm, as clip_grad_norm_ does. */
struct sgd {
    double lr, momentum, weight_decay, clip;
};
int net_update(struct net *net, const struct sgd *sgd, struct error *err);

/* From here on passes are those of evaluation, with the weights as they are now. */
int net_evaluate(struct net *net, struct error *err);

/* For what is done to each lane apart (nn/attack.c): cuts n pictures into the lanes'
 * shares and calls work for every lane that has one, each on its own thread. Returns the
 * error of the first lane that has one. */
struct lane;
int net_each_lane(struct net *net, int n,
                  int (*work)(struct lane *lane, void *context, struct error *err),
                  void *context, struct error *err);
const struct graph *net_graph(const struct net *net); /* borrowed */

/* net_open() on a backend that is not in the list, for tests. */
struct nn_backend;
int net_open_on(struct net **net, const struct graph *graph, const struct net_options *o,
                const struct nn_backend *backend, struct error *err);

#endif
