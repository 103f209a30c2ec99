/*
 * lbfgs - the minimisation of L-BFGS without a line search, step for step as PyTorch's
 * torch/optim/lbfgs.py takes it: one value and gradient, then one step.
 */
#ifndef TRANSFER_LBFGS_H
#define TRANSFER_LBFGS_H

#include <stdbool.h>
#include <stddef.h>

struct lbfgs;

struct lbfgs_options {
    double rate;                             /* length of a step but the first: 1 */
    int history;                             /* pairs that are remembered: 100 */
    double tolerance_grad, tolerance_change; /* 1e-7, 1e-9 */
};
extern const struct lbfgs_options lbfgs_defaults;

struct lbfgs *lbfgs_new(size_t n, const struct lbfgs_options *o); /* new: lbfgs_free() */
void lbfgs_free(struct lbfgs *l);                                 /* NULL is fine */

/* Moves the n values of x, where the function has this value and gradient. False: it is
 * at its end, and x stays. */
bool lbfgs_step(struct lbfgs *l, float *x, double value, const float *gradient);

#endif
