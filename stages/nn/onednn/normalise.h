/*
 * normalise - (x - mean) / std as loops over a pattern of whole pixels.
 */
#ifndef NN_ONEDNN_NORMALISE_H
#define NN_ONEDNN_NORMALISE_H

#include "nn/onednn/op.h"

extern const struct onednn_code onednn_normalise;

#endif
