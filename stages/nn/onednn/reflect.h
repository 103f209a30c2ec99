/*
 * reflect - reflection padding as copies of rows.
 */
#ifndef NN_ONEDNN_REFLECT_H
#define NN_ONEDNN_REFLECT_H

#include "nn/onednn/op.h"

extern const struct onednn_code onednn_reflect;

#endif
