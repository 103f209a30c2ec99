/*
 * avgpool - adaptive average pooling as loops over channels.
 */
#ifndef NN_ONEDNN_AVGPOOL_H
#define NN_ONEDNN_AVGPOOL_H

#include "nn/onednn/op.h"

extern const struct onednn_code onednn_avgpool;

#endif
