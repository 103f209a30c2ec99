/*
 * upsample - pixels repeated as copies.
 */
#ifndef NN_ONEDNN_UPSAMPLE_H
#define NN_ONEDNN_UPSAMPLE_H

#include "nn/onednn/op.h"

extern const struct onednn_code onednn_upsample;

#endif
