/*
 * sgd - stochastic gradient descent with momentum in host memory, as PyTorch's
 * optim/sgd.py computes it: d = g + weight_decay w; v = momentum v + d; w = w - lr v.
 * From v = 0 the first step is PyTorch's v = d. The CPU backends share it.
 */
#ifndef NN_SGD_H
#define NN_SGD_H

#include "nn/backend.h"

/* The two calls of struct nn_backend. */
int sgd_norm(struct nn_device *dev, const struct nn_update *u, size_t n, double *sum,
             struct error *err);
int sgd_update(struct nn_device *dev, const struct nn_update *u, size_t n,
               struct error *err);

#endif
