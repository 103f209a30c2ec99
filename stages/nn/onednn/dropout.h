/*
 * dropout - the factors of nn/drop.h as loops.
 */
#ifndef NN_ONEDNN_DROPOUT_H
#define NN_ONEDNN_DROPOUT_H

#include "nn/onednn/op.h"

extern const struct onednn_code onednn_dropout;

#endif
