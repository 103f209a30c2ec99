/*
 * kernels - small ones, right and wrong, that the tests of the double launch.
 */
#ifndef MISTAKES_KERNELS_H
#define MISTAKES_KERNELS_H

#include <cuda_runtime_api.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* to[i] = from[i] + v for n values. */
void mistake_add(float *to, const float *from, float v, int n, cudaStream_t s);
/* Turns 64 values round, through a variable of the block; barrier: as it should be. */
void mistake_turn(float *x, bool barrier, cudaStream_t s);
/* The same with dynamic shared memory. */
void mistake_turn_dynamic(float *x, bool barrier, cudaStream_t s);
/* Half of the threads wait at another barrier than the other half; or all at one. */
void mistake_part(float *x, bool apart, cudaStream_t s);
/* A block of so many threads that does nothing. */
void mistake_threads(int n, cudaStream_t s);

#ifdef __cplusplus
}
#endif

#endif
