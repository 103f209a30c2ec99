/*
 * linear - y = x w + b by oneDNN's inner product, which reads N x H x W x C as (c, y, x).
 */
#ifndef NN_ONEDNN_LINEAR_H
#define NN_ONEDNN_LINEAR_H

#include "nn/onednn/op.h"

extern const struct onednn_code onednn_linear;

#endif
