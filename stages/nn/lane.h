/*
 * lane - one lane of a net: its share of each batch, computed by one thread.
 *
 * A lane has a device, operators and memory of its own and reads the weights that all
 * lanes share. It computes the same, picture by picture, whatever the other lanes do. A
 * batch that does not fill it is filled with zeros, whose loss and gradient do not count.
 */
#ifndef NN_LANE_H
#define NN_LANE_H

#include <stdint.h>

#include "nn/backend.h"
#include "nn/fuse.h"

struct lane;

/* What goes with the pictures of a pass in training mode; see net.h. */
struct lane_pass {
    bool moves;                /* this lane's statistics move the running ones */
    const struct draws *draws; /* of the lane's first picture and those behind it, */
    uint64_t epoch;            /* in host memory */
};

/* A lane for the n_programs at p, each for at most n pictures. p and graph are borrowed
 * until lane_close(). Activations, their gradients and scratch are its own, or those of
 * the lane `beside`, which is closed later and shares the device's queue: then of the two
 * one lane has to be done with a batch, to its gradients, before the other begins. What
 * is put, and losses, logits and gradients of weights, are each lane's own. *lane is new.
 */
int lane_open(struct lane **lane, const struct nn_backend *backend, int index,
              const struct graph *graph, const struct program *p, int n_programs, int n,
              const struct lane *beside, struct error *err);
void lane_close(struct lane *lane); /* NULL is fine */

struct nn_device *lane_device(struct lane *lane);               /* borrowed */
const struct nn_backend *lane_backend(const struct lane *lane); /* borrowed */
/* Of operator i of program k; borrowed. */
struct nn_op *lane_op(struct lane *lane, int k, size_t i);
void lane_set_weights(struct lane *lane, int k, size_t i, const float *w, float *running);
const float *lane_gradient(const struct lane *lane, int k,
                           size_t i); /* of the weights; device */
/* All of those of program k, one behind the other: *n floats. */
float *lane_gradients(const struct lane *lane, int k, size_t *n);
void *lane_work(struct lane *lane); /* device scratch; borrowed */

/* The program that the calls below run, until it is set again. */
void lane_run(struct lane *lane, int k);

/* The share of the batch that is under way: pictures first .. first + count - 1. */
int lane_first(const struct lane *lane);
int lane_count(const struct lane *lane);
/* Sets them for a batch of so many: the first lanes are filled up, or each gets as many,
 * the last ones fewer, as torch.chunk cuts. */
void lane_share(struct lane *lane, int batch, int lanes, bool even);
/* The share of another lane like this one, by its number. */
struct lane_part {
    int first, count;
};
struct lane_part lane_part(const struct lane *like, int index, int batch, int lanes,
                           bool even);

/* The calls of net.h for this share: each array begins at the lane's first picture. pass
 * is NULL in evaluation. */
int lane_forward(struct lane *lane, const float *pixels, const struct lane_pass *pass,
                 struct error *err);
int lane_logits(struct lane *lane, float *logits, struct error *err);
int lane_loss(struct lane *lane, const int32_t *label, float *loss, struct error *err);
/* Its two parts: E_INPUT when there is no such class; then, with those labels, into the
 * device's memory, borrowed. */
int lane_set_labels(struct lane *lane, const int32_t *label, struct error *err);
int lane_loss_at(struct lane *lane, float **loss, struct error *err);
int lane_losses(struct lane *lane, float *loss, struct error *err); /* of the last */
int lane_backward_input(struct lane *lane, float *gradient, struct error *err);
/* Of a graph with outputs: dy has all pictures of the batch, gradient is the lane's. */
int lane_backward_outputs(struct lane *lane, const float *const *dy, float *gradient,
                          struct error *err);
int lane_backward_weights(struct lane *lane, struct error *err);
/* The same for pictures in the device's memory, in evaluation, and a gradient there;
 * borrowed until the next pass, and the caller's to change. */
int lane_forward_at(struct lane *lane, const float *pixels, struct error *err);
int lane_backward_input_at(struct lane *lane, float **gradient, struct error *err);
/* The operators behind i, from what it gives for the lane's pictures. */
int lane_resume(struct lane *lane, int i, const float *values, struct error *err);
int lane_tap(struct lane *lane, int i, float *values, struct error *err);

/* A whole batch that waits in the device's memory, in place k of 0 and 1, while the other
 * one is computed with: this lane's pictures, labels and draws (NULL: none). */
struct lane_batch {
    const float *pixels;
    const int32_t *label;
    const struct draws *draws;
    uint64_t epoch;
};
int lane_put(struct lane *lane, int k, const struct lane_batch *b, struct error *err);
/* How a step of training is made. */
struct lane_step {
    bool attacked; /* from what an attack (nn/attack.h) has found */
    bool clamped;  /* from pictures that are moved into 0..1 */
    bool moves;    /* this lane's statistics move the running ones */
};
/* Makes place k the batch that is computed with, where the attack or, without one, the
 * pass in training begins. */
int lane_take(struct lane *lane, int k, const struct lane_step *s, struct error *err);
/* The pass in training. */
int lane_forward_training_at(struct lane *lane, const struct lane_step *s,
                             struct error *err);

/* Room for an attack, in a net with input gradients, in the device's memory; borrowed. */
struct lane_attack {
    float *x0, *x, *best; /* the lane's pictures */
    float *best_loss;     /* a number each */
    struct nn_reach *reach;
};
struct lane_attack lane_attack(const struct lane *lane);

#endif
