/*
 * drop - which values a dropout keeps, drawn by counter (kit/draws.h); the CPU backends
 * share it.
 *
 * In the draws of a picture, dropout number k of the network (from 0, in its order) has
 * the stream 16 + k. Value e of the picture, counted in PyTorch's order (c, y, x), takes
 * word e mod 4 of the block at index epoch 2^32 + e / 4, and is dropped where that word
 * is below share 2^32.
 */
#ifndef NN_DROP_H
#define NN_DROP_H

#include "nn/backend.h"

enum { DROP_STREAM = 16 };

/* Fills factor (N x H x W x C, as the values lie) with 0 or 1 / (1 - share); the pictures
 * that do not count get 0. */
void drop_draw(const struct nn_op_desc *d, const struct nn_args *a, float *factor);

#endif
