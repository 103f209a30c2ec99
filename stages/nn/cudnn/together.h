/*
 * together - the calls of nn/backend.h for several processes, through NCCL; on the stream
 * on which everything is computed.
 */
#ifndef NN_CUDNN_TOGETHER_H
#define NN_CUDNN_TOGETHER_H

#include "nn/cudnn/gpu.h"

int together_meet(unsigned char id[], struct error *err);
/* Once a process; again, it does nothing. */
int together_join(const struct ranks *r, struct error *err);
void together_leave(void); /* with the last device */
int together_gather(float *all, const float *mine, size_t n, struct error *err);
int together_share(float *mem, size_t n, struct error *err);
int together_reduce(float *g, size_t n, struct error *err);

#endif
