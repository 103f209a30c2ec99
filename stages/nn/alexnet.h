/*
 * alexnet - the AlexNet of torchvision (models/alexnet.py), and one for 32 x 32 pictures.
 */
#ifndef NN_ALEXNET_H
#define NN_ALEXNET_H

#include "nn/graph.h"

/* 224 x 224 pictures: 61,100,840 parameters with 1000 classes. Half of what enters the
 * first two linears is dropped in training. New: graph_free(). */
struct graph *alexnet_full(int classes);

/* 32 x 32 pictures, the same layers narrower, without dropout: 240,394 parameters with 10
 * classes. */
struct graph *alexnet_mini(int classes);

#endif
