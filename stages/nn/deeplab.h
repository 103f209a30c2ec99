/*
 * deeplab - DeepLab-v2 (Chen et al. 2018; kazuto1011/deeplab-pytorch, libs/models): which
 * of so many labels each place of a picture shows.
 *
 * A ResNet whose last two layers keep the resolution and widen their kernels by dilation
 * instead, and the sum of four dilated convolutions over it. Parameters have the names of
 * deeplab-pytorch. Pictures have their channels in the order blue, green, red, 0..255.
 */
#ifndef NN_DEEPLAB_H
#define NN_DEEPLAB_H

#include "nn/graph.h"

/* ResNet-101, logits for every eighth pixel: for 182 labels 55,919,384 parameters. New:
 * graph_free(). */
struct graph *deeplab_full(int labels, int H, int W);

/* For pictures of 32 pixels: narrower and shorter, logits for every second pixel. */
struct graph *deeplab_mini(int labels, int H, int W);

#endif
