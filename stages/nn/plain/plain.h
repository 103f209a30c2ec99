/*
 * plain - the backend of readable loops: the reference that every other one is held to.
 * Weights stand in PyTorch's layouts, the bias behind them.
 */
#ifndef NN_PLAIN_H
#define NN_PLAIN_H

#include "nn/backend.h"

extern const struct nn_backend backend_plain;

#endif
