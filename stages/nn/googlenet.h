/*
 * googlenet - the GoogLeNet of torchvision (models/googlenet.py), with batch norms, and
 * one for 32 x 32 pictures.
 *
 * Taps: conv1, conv2, conv3 after their ReLU, the blocks 3a, 3b, 4a to 4e, 5a, 5b.
 */
#ifndef NN_GOOGLENET_H
#define NN_GOOGLENET_H

#include "nn/graph.h"

/* 224 x 224 pictures, with transform_input: 6,624,904 parameters with 1000 classes, and
 * 13,004,888 with the auxiliary heads, which only train. New: graph_free(). */
struct graph *googlenet_full(int classes);
struct graph *googlenet_headless(int classes);

/* 32 x 32 pictures, about a quarter as wide, without heads, dropout and the pool after
 * conv1: 358,154 parameters with 10 classes. */
struct graph *googlenet_mini(int classes);

/* torchvision's switch, of the full size: on, the network reads 2 p - 1 of a pixel p in
 * 0..1; off, (p - mean) / std of ImageNet. */
void googlenet_transform_input(struct graph *g, bool on);

#endif
