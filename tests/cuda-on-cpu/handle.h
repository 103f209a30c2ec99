/*
 * handle - streams, events, descriptors and all else that is created and destroyed: what
 * is used after its end or as something else stops the program, what is never destroyed
 * is told at its exit. The memory of a handle is never used again.
 */
#ifndef CUDA_ON_CPU_HANDLE_H
#define CUDA_ON_CPU_HANDLE_H

#include <stdbool.h>
#include <stddef.h>

enum handle_kind {
    HANDLE_STREAM,
    HANDLE_EVENT,
    HANDLE_GRAPH,
    HANDLE_EXEC,
    HANDLE_BLAS,
    HANDLE_DNN,
    HANDLE_TENSOR,
    HANDLE_FILTER,
    HANDLE_CONVOLUTION,
    HANDLE_POOLING,
    HANDLE_COMM,
    HANDLE_KINDS
};

/* n bytes of zero, new: give it to handle_end(). */
void *handle_new(enum handle_kind kind, size_t n);
/* Stops the program unless p is such a handle and lives. */
void handle_check(enum handle_kind kind, const void *p);
void handle_end(enum handle_kind kind, void *p);
/* How many live, and the first kind of them in words; 0: none. */
int handle_left(const char **what);

#endif
