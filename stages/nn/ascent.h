/*
 * ascent - the steps of an L2 attack for backends whose memory is the host's.
 */
#ifndef NN_ASCENT_H
#define NN_ASCENT_H

#include "nn/backend.h"

/* The calls `clamp`, `ascend` and `keep` of struct nn_backend; dev is not looked at. */
int ascent_clamp(struct nn_device *dev, float *to, const float *from, size_t n,
                 struct error *err);
int ascent_step(struct nn_device *dev, const struct nn_ascent *a, struct error *err);
int ascent_keep(struct nn_device *dev, const struct nn_keep *k, struct error *err);

#endif
