/*
 * batchnorm - batch norm with the ReLU behind it, as loops over rows of whole pixels.
 */
#ifndef NN_ONEDNN_BATCHNORM_H
#define NN_ONEDNN_BATCHNORM_H

#include "nn/onednn/op.h"

extern const struct onednn_code onednn_batchnorm;

#endif
