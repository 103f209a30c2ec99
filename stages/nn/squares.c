#include "nn/squares.h"

#include "larder/banned.h"
#include "nn/simd.h"

NN_CLONES static void squares_loop(double sum[SQUARES], const float *x, size_t n)
{
    double part[SQUARES];
    size_t i = 0;

    for (size_t j = 0; j < SQUARES; j++)
        part[j] = sum[j];
    for (; i + SQUARES <= n; i += SQUARES)
        for (size_t j = 0; j < SQUARES; j++)
            part[j] += (double)x[i + j] * (double)x[i + j];
    for (size_t j = 0; i + j < n; j++)
        part[j] += (double)x[i + j] * (double)x[i + j];
    for (size_t j = 0; j < SQUARES; j++)
        sum[j] = part[j];
}

void squares_add(double sum[SQUARES], const float *x, size_t n)
{
    squares_loop(sum, x, n);
}

double squares_total(const double sum[SQUARES])
{
    double total = 0;

    for (int j = 0; j < SQUARES; j++)
        total += sum[j];
    return total;
}

double squares_sum(const float *x, size_t n)
{
    double sum[SQUARES] = { 0 };

    squares_add(sum, x, n);
    return squares_total(sum);
}
