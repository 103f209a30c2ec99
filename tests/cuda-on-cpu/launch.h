/*
 * launch - kernels: what a CUDA compiler and the runtime do for a launch.
 *
 * The threads of a block run one behind the other, in the order of the setting; one that
 * comes to a barrier is left there until all others are there, or at their ends. What a
 * thread reads and writes is looked at (access.c).
 */
#ifndef CUDA_ON_CPU_LAUNCH_H
#define CUDA_ON_CPU_LAUNCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <vector_types.h>

struct CUstream_st;

#ifdef __cplusplus
extern "C" {
#define LAUNCH_DIM dim3
#else
#define LAUNCH_DIM struct dim3
#endif

/* A launch: thread(arguments) for each thread; the arguments are copied. Like <<<>>> it
 * returns nothing. */
void launch_kernel(const char *name, LAUNCH_DIM grid, LAUNCH_DIM block, size_t shared,
                   struct CUstream_st *stream, void (*thread)(const void *arguments),
                   const void *arguments, size_t size);

uint3 launch_thread(void);
uint3 launch_block(void);
LAUNCH_DIM launch_block_dim(void);
LAUNCH_DIM launch_grid_dim(void);
void launch_barrier(const char *file, int line);
void *launch_dynamic_shared(void);

#ifdef __cplusplus
}
#else

/* Where a thread is, for access.c. */
struct launch_place {
    bool runs;
    int device;
    uint32_t thread; /* in its block */
    uint32_t phase;  /* another one after each barrier and in each block */
    const unsigned char *arguments;
    size_t size; /* of the arguments */
    unsigned char *dynamic;
    size_t n_dynamic;
};

extern __thread struct launch_place launch_place
    __attribute__((tls_model("initial-exec")));

bool launch_runs(void);
/* Who runs, in words: a kernel with its block and thread, or the program. */
const char *launch_who(void);

/* The variables that kernels share, by block: poisoned, and nobody has touched them. */
void access_fresh(void);
/* Another kernel runs. */
void access_forget(void);

#endif

#endif
