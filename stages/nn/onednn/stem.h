/*
 * stem - the input gradient of a convolution with few channels and a stride, such as the
 * first one of a network.
 *
 * Vectors over 3 channels are mostly empty, so oneDNN is slow there. With blocks of
 * stride x stride pixels taken as channels of one pixel, the same sum is a convolution of
 * stride 1 with stride * stride * C channels, filled up to a multiple of 16 by zero
 * weights, and a smaller kernel: 7 x 7 / 2 on 3 channels becomes 4 x 4 on 12.
 */
#ifndef NN_ONEDNN_STEM_H
#define NN_ONEDNN_STEM_H

#include "nn/onednn/device.h"

struct stem;

/* Whether it can and should make the input gradient of this convolution. */
bool stem_suits(const struct nn_op_desc *d);

/* *s is new: stem_close(). */
int stem_open(struct stem **s, struct nn_device *dev, const struct nn_op_desc *d,
              struct error *err);
void stem_close(struct stem *s);             /* NULL is fine */
size_t stem_derived(const struct stem *s);   /* floats of its own weights */
size_t stem_work(const struct stem *s);      /* bytes of scratch */
const char *stem_impl(const struct stem *s); /* oneDNN's name; borrowed */

/* Makes its weights from PyTorch's. */
int stem_refresh(struct stem *s, float *derived, const float *weight, void *work,
                 struct error *err);
int stem_backward(struct stem *s, const float *derived, const float *dy, float *dx,
                  void *work, struct error *err);

#endif
