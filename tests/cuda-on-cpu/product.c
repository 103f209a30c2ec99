#include "product.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "told.h"

/* Panels of four rows of a and of eight columns of b, as double, k by k. */
enum { ROWS = 4, COLUMNS = 8, DEPTH = 512 };

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

static void tile_anywhere(double *sum, const double *a, const double *b, size_t K)
{
    memset(sum, 0, ROWS * COLUMNS * sizeof *sum);
    for (size_t k = 0; k < K; k++)
        for (int i = 0; i < ROWS; i++)
            for (int j = 0; j < COLUMNS; j++)
                sum[i * COLUMNS + j] += a[k * ROWS + i] * b[k * COLUMNS + j];
}

#ifdef __x86_64__

__attribute__((target("avx2,fma"))) static void
tile_with_avx2(double *sum, const double *a, const double *b, size_t K)
{
    __m256d s[ROWS][2];

    for (int i = 0; i < ROWS; i++)
        s[i][0] = s[i][1] = _mm256_setzero_pd();
    for (size_t k = 0; k < K; k++) {
        __m256d b0 = _mm256_load_pd(b + k * COLUMNS);
        __m256d b1 = _mm256_load_pd(b + k * COLUMNS + 4);
#pragma GCC unroll 4
        for (int i = 0; i < ROWS; i++) {
            __m256d v = _mm256_broadcast_sd(a + k * ROWS + i);
            s[i][0] = _mm256_fmadd_pd(v, b0, s[i][0]);
            s[i][1] = _mm256_fmadd_pd(v, b1, s[i][1]);
        }
    }
    for (int i = 0; i < ROWS * 2; i++)
        _mm256_storeu_pd(sum + i * 4, s[i / 2][i % 2]);
}

#endif

static void tile(double *sum, const double *a, const double *b, size_t K)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        tile_with_avx2(sum, a, b, K);
        return;
    }
#endif
    tile_anywhere(sum, a, b, K);
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
    double *panels = aligned_alloc(64, (ROWS + columns) * DEPTH * sizeof *panels);

    if (panels == NULL)
        told_stop("out of memory for the double itself");
    for (size_t k = 0; k < K; k += DEPTH)
        add_depth(c, M, N, k, least(DEPTH, K - k), a, b, panels, coarse);
    free(panels);
}
