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

/* A lane for at most n pictures. f (n_fused) and graph are borrowed until lane_close().
 * *lane is new. */
int lane_open(struct lane **lane, const struct nn_backend *backend, int index,
              const struct graph *graph, const struct fused *f, size_t n_fused, int n,
              struct error *err);
void lane_close(struct lane *lane); /* NULL is fine */

struct nn_device *lane_device(struct lane *lane);   /* borrowed */
struct nn_op *lane_op(struct lane *lane, size_t i); /* of fused operator i; borrowed */
void *lane_work(struct lane *lane);                 /* device scratch; borrowed */
void lane_set_weights(struct lane *lane, size_t i, const float *w); /* borrowed */
const float *lane_gradient(const struct lane *lane,
                           size_t i); /* of the weights; device */

/* The share of the batch that is under way: pictures first .. first + count - 1. */
int lane_first(const struct lane *lane);
int lane_count(const struct lane *lane);
void lane_share(struct lane *lane, int batch); /* sets them, for a batch of so many */

/* The calls of net.h for this share: each array begins at the lane's first picture. */
int lane_forward(struct lane *lane, const float *pixels, struct error *err);
const float *lane_logits(const struct lane *lane); /* borrowed until the next forward */
int lane_loss(struct lane *lane, const int32_t *label, float *loss, struct error *err);
int lane_backward_input(struct lane *lane, float *gradient, struct error *err);
int lane_backward_weights(struct lane *lane, struct error *err);
int lane_tap(struct lane *lane, size_t i, float *values, struct error *err);

/* Host memory for twice the lane's pictures, for whoever moves them; borrowed. */
float *lane_scratch(struct lane *lane);
float *lane_losses(struct lane *lane); /* twice as many numbers as pictures; borrowed */

#endif
