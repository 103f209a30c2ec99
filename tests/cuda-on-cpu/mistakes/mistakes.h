/*
 * mistakes - what a program can do wrong with CUDA: each is made by a case, and not made
 * by the same case done right.
 */
#ifndef MISTAKES_H
#define MISTAKES_H

#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <cudnn.h>
#include <stdbool.h>

struct mistake {
    const char *name;
    /* 0: all went well; 1: the results or an error code say that it did not. */
    int (*make)(bool wrong);
    const char *told;   /* among what the double says; NULL: make() gives 1 */
    const char *set[2]; /* environment: NAME=VALUE */
};

extern const struct mistake mistakes_memory[], mistakes_order[], mistakes_capture[],
    mistakes_library[], mistakes_kernel[],
    mistakes_ranks[]; /* each ends with a name of NULL */

enum { VALUES = 64 };

/* VALUES floats on the device that count from `first`. */
float *counted(float first);
/* 1 unless what x has counts from `first`; x: of the host. */
int check_counts(const float *x, float first);
/* The same for device memory, which is waited for and freed. */
int check_device(float *x, float first);
/* 1, told, unless the call succeeded: the case itself must be right. */
int must(cudaError_t e, const char *what);

#endif
