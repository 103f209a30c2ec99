/*
 * product - products of matrices, summed in double.
 */
#ifndef CUDA_ON_CPU_PRODUCT_H
#define CUDA_ON_CPU_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>

/* Element (i, k) is at[i * row + k * column]. */
struct matrix {
    const float *at;
    ptrdiff_t row, column;
};

/* c (M x N, rows one behind the other) += a (M x K) b (K x N); coarse: with operands
 * rounded to TF32, as tensor cores would. */
void product_add(double *c, size_t M, size_t N, size_t K, struct matrix a,
                 struct matrix b, bool coarse);

#endif
