/*
 * conv - convolutions by oneDNN, the direct algorithm. The input gradient of one with few
 * channels and a stride is made by nn/onednn/stem.h instead.
 */
#ifndef NN_ONEDNN_CONV_H
#define NN_ONEDNN_CONV_H

#include "nn/onednn/op.h"

extern const struct onednn_code onednn_conv;

#endif
