/*
 * concat - channels side by side by copies.
 */
#ifndef NN_ONEDNN_CONCAT_H
#define NN_ONEDNN_CONCAT_H

#include "nn/onednn/op.h"

extern const struct onednn_code onednn_concat;

#endif
