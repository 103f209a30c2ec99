/*
 * gram - products of channels by oneDNN's matrix product.
 */
#ifndef NN_ONEDNN_GRAM_H
#define NN_ONEDNN_GRAM_H

#include "nn/onednn/op.h"

extern const struct onednn_code onednn_gram;

#endif
