/*
 * scales - DeepLab's answer at several scales, fused: pictures are seen whole, at half
 * and at three quarters of their size, and of each logit the largest of the three counts
 * (kazuto1011/deeplab-pytorch, libs/models/msc.py).
 */
#ifndef SEGMENT_SCALES_H
#define SEGMENT_SCALES_H

#include "nn/net.h"
#include "nn/tensors.h"

struct scales_use {
    const struct tensors *weights; /* nn/deeplab.h; borrowed until scales_close() */
    int batch, lanes, threads;     /* as in net_options */
    bool several;                  /* false: pictures are seen whole only */
    bool by_factor; /* coordinates are scaled by 1 / 0.5 and 1 / 0.75 exactly,
                       as PyTorch has it from 1.6 on, and not by the ratio of
                       the sizes */
};

struct scales;

/* E_INPUT for weights of another network. *s is new: scales_close(). */
int scales_open(struct scales **s, const struct scales_use *use, struct error *err);
void scales_close(struct scales *s); /* NULL is fine */
int scales_labels(const struct scales *s);

/* label (n x height x width) of n <= batch pictures (segment/input.h), all of this size.
 * Networks are kept for the size of the last call. */
int scales_run(struct scales *s, const float *pixels, int n, int height, int width,
               int *label, struct error *err);

/* The fused logits of the last call: n x h x w x labels; borrowed. */
const float *scales_logits(const struct scales *s, int *h, int *w);

#endif
