/*
 * loss - softmax cross-entropy, natural logarithm; for backends whose memory is the
 * host's.
 */
#ifndef NN_LOSS_H
#define NN_LOSS_H

#include "nn/backend.h"

/* The call `loss` of struct nn_backend; dev is not looked at. */
int loss_of_pictures(struct nn_device *dev, const struct nn_loss *l, struct error *err);

/* Of one: -log softmax(logits)[label]; gradient[k] becomes scale times its derivative
 * (NULL: not wanted). */
float loss_cross_entropy(const float *logits, int classes, int label, float scale,
                         float *gradient);

#endif
