#include "product.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "told.h"

/* Panels of four rows of a and of eight columns of b, as double, k by k. */
enum { ROWS = 4, COLUMNS = 8, DEPTH = 512 };

#if defined __x86_64__ && defined __GNUC__ && !defined __clang__ && \
    !defined __SANITIZE_ADDRESS__
#define FOR_EACH_CPU __attribute__((target_clones("avx2", "default")))
#else
#define FOR_EACH_CPU
#endif

typedef double eight __attribute__((vector_size(COLUMNS * sizeof(double))));

/* A float with the ten bits of mantissa that TF32 has. */
static float tf32(float v)
{
    uint32_t bits;

    memcpy(&bits, &v, sizeof bits);
    bits = (bits + 0x1000) & ~(uint32_t)0x1fff;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static void pack(double *to, struct matrix m, size_t i0, size_t n, size_t k0, size_t K,
                 size_t width, bool coarse)
{
    for (size_t k = 0; k < K; k++) {
        for (size_t i = 0; i < width; i++) {
            float v = 0;
            if (i < n)
                v = m.at[(ptrdiff_t)(i0 + i) * m.row + (ptrdiff_t)(k0 + k) * m.column];
            to[k * width + i] = (double)(coarse ? tf32(v) : v);
        }
    }
}

FOR_EACH_CPU static void tile(double *sum, const double *a, const double *b, size_t K)
{
    eight s0 = { 0 }, s1 = { 0 }, s2 = { 0 }, s3 = { 0 };

    for (size_t k = 0; k < K; k++) {
        eight v;
        memcpy(&v, b + k * COLUMNS, sizeof v);
        s0 += a[k * ROWS] * v;
        s1 += a[k * ROWS + 1] * v;
        s2 += a[k * ROWS + 2] * v;
        s3 += a[k * ROWS + 3] * v;
    }
    memcpy(sum, &s0, sizeof s0);
    memcpy(sum + COLUMNS, &s1, sizeof s1);
    memcpy(sum + 2 * COLUMNS, &s2, sizeof s2);
    memcpy(sum + 3 * COLUMNS, &s3, sizeof s3);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void add_tile(double *c, size_t N, size_t i0, size_t rows, size_t j0,
                     size_t columns, const double *sum)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            c[(i0 + i) * N + j0 + j] += sum[i * COLUMNS + j];
}

/* Depth k0 to k0 + K: b is packed once, each panel of a once. */
static void add_depth(double *c, size_t M, size_t N, size_t k0, size_t K, struct matrix a,
                      struct matrix b, double *panels, bool coarse)
{
    struct matrix b_turned = { b.at, b.column, b.row };
    double *a_panel = panels, *b_panels = panels + ROWS * DEPTH;
    double sum[ROWS * COLUMNS];

    for (size_t j = 0; j < N; j += COLUMNS)
        pack(b_panels + j * K, b_turned, j, least(COLUMNS, N - j), k0, K, COLUMNS, coarse);
    for (size_t i = 0; i < M; i += ROWS) {
        pack(a_panel, a, i, least(ROWS, M - i), k0, K, ROWS, coarse);
        for (size_t j = 0; j < N; j += COLUMNS) {
            tile(sum, a_panel, b_panels + j * K, K);
            add_tile(c, N, i, least(ROWS, M - i), j, least(COLUMNS, N - j), sum);
        }
    }
}

void product_add(double *c, size_t M, size_t N, size_t K, struct matrix a, struct matrix b,
                 bool coarse)
{
    size_t columns = (N + COLUMNS - 1) / COLUMNS * COLUMNS;
    double *panels = malloc((ROWS + columns) * DEPTH * sizeof *panels);

    if (panels == NULL)
        told_stop("out of memory for the double itself");
    for (size_t k = 0; k < K; k += DEPTH)
        add_depth(c, M, N, k, least(DEPTH, K - k), a, b, panels, coarse);
    free(panels);
}
