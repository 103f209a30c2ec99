/*
 * resnet50 - the ResNet-50 of torchvision (models/resnet.py, the stride on the 3 x 3
 * convolutions), and one for 32 x 32 pictures.
 *
 * Taps: conv1.raw (before its batch norm), conv1 (after its ReLU), layer1 to layer4.
 */
#ifndef NN_RESNET50_H
#define NN_RESNET50_H

#include "nn/graph.h"

/* 224 x 224 pictures: 25,557,032 parameters with 1000 classes. New: graph_free(). */
struct graph *resnet50_full(int classes);

/* 32 x 32 pictures, an eighth as wide, a pool of stride 1; the last norm of each block
 * starts at 0. 378,234 parameters with 10 classes. */
struct graph *resnet50_mini(int classes);

#endif
