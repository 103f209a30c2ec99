/*
 * maxpool - max pooling as loops over channels. No index is kept: backward finds the
 * first maximum of a window again by comparing, and applies the gate of the ReLU before
 * it.
 */
#ifndef NN_ONEDNN_MAXPOOL_H
#define NN_ONEDNN_MAXPOOL_H

#include "nn/onednn/op.h"

extern const struct onednn_code onednn_maxpool;

#endif
