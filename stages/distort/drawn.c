#include "distort/drawn.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "distort/simd.h"

#include "larder/banned.h"

enum { MANY = 64, PHILOX_ROUNDS = 10 };

/* b may be NULL. */
static void fractions_one_by_one(const struct draws *d, uint32_t stream, uint64_t from,
                                 double *a, double *b)
{
    for (uint64_t i = 0; i < MANY; i++) {
        a[i] = draws_ua(d, stream, from + i);
        if (b != NULL)
            b[i] = draws_ub(d, stream, from + i);
    }
}

#if defined(__x86_64__)
#include <immintrin.h>

#define WIDE __attribute__((target("avx2")))

/* A word is the lower half of a lane; what is above it counts for nothing. */
struct block {
    __m256i w[4];
};

struct round_keys {
    __m256i k0[PHILOX_ROUNDS], k1[PHILOX_ROUNDS];
};

WIDE static void list_keys(struct round_keys *k, const struct draws *d)
{
    for (uint32_t i = 0; i < PHILOX_ROUNDS; i++) {
        k->k0[i] = _mm256_set1_epi64x(d->k0 + i * 0x9E3779B9u);
        k->k1[i] = _mm256_set1_epi64x(d->k1 + i * 0xBB67AE85u);
    }
}

WIDE static struct block philox_of_four(const struct round_keys *k, uint32_t stream,
                                        uint64_t from)
{
    const __m256i m0 = _mm256_set1_epi64x(0xD2511F53);
    const __m256i m1 = _mm256_set1_epi64x(0xCD9E8D57);
    __m256i c0 = _mm256_add_epi64(_mm256_set1_epi64x((long long)from),
                                  _mm256_set_epi64x(3, 2, 1, 0));
    __m256i c1 = _mm256_srli_epi64(c0, 32), c2 = _mm256_set1_epi64x(stream);
    __m256i c3 = _mm256_setzero_si256();

    for (int i = 0; i < PHILOX_ROUNDS; i++) {
        __m256i p0 = _mm256_mul_epu32(c0, m0), p1 = _mm256_mul_epu32(c2, m1);

        c0 = _mm256_xor_si256(_mm256_srli_epi64(p1, 32), _mm256_xor_si256(c1, k->k0[i]));
        c2 = _mm256_xor_si256(_mm256_srli_epi64(p0, 32), _mm256_xor_si256(c3, k->k1[i]));
        c1 = p1;
        c3 = p0;
    }
    return (struct block){ { c0, c1, c2, c3 } };
}

/* The upper 32 - by bits of each word as a number. */
WIDE static __m256d upper_bits(__m256i w, int by)
{
    const __m256i word = _mm256_set1_epi64x(0xffffffff);
    const __m256d magic = _mm256_set1_pd(0x1p52);
    __m256i bits = _mm256_srli_epi64(_mm256_and_si256(w, word), by);

    bits = _mm256_or_si256(bits, _mm256_castpd_si256(magic));
    return _mm256_sub_pd(_mm256_castsi256_pd(bits), magic);
}

/* 53 bits of two words as fractions. */
WIDE static void store_fractions(double *v, __m256i high, __m256i low)
{
    __m256d whole = _mm256_add_pd(
        _mm256_mul_pd(upper_bits(high, 5), _mm256_set1_pd(0x1p26)), upper_bits(low, 6));

    _mm256_storeu_pd(v, _mm256_mul_pd(whole, _mm256_set1_pd(0x1p-53)));
}

WIDE static void fractions_by_four(const struct draws *d, uint32_t stream, uint64_t from,
                                   double *a, double *b)
{
    struct round_keys keys;

    list_keys(&keys, d);
    for (int i = 0; i < MANY; i += 4) {
        struct block four = philox_of_four(&keys, stream, from + (uint64_t)i);

        store_fractions(a + i, four.w[0], four.w[1]);
        if (b != NULL)
            store_fractions(b + i, four.w[2], four.w[3]);
    }
}

static void fractions(const struct draws *d, uint32_t stream, uint64_t from, double *a,
                      double *b)
{
    if (__builtin_cpu_supports("avx2"))
        fractions_by_four(d, stream, from, a, b);
    else
        fractions_one_by_one(d, stream, from, a, b);
}
#else
#define fractions fractions_one_by_one
#endif

/* ---- a normal from two fractions ---- */

static double of_bits(uint64_t bits)
{
    double x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint64_t bits_of(double x)
{
    uint64_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* The last coefficient is that of the power 0. */
static inline double series(double z, const double *coefficient, size_t n)
{
    double sum = coefficient[0];

    for (size_t i = 1; i < n; i++)
        sum = sum * z + coefficient[i];
    return sum;
}

/* Taylor's, as far as a double can tell: of 2 atanh(s) / s less 2, by s^2; of the sine.
 */
static const double inverse_tanh[] = { 2. / 19, 2. / 17, 2. / 15, 2. / 13, 2. / 11,
                                       2. / 9,  2. / 7,  2. / 5,  2. / 3,  0 };
static const double sine[] = { 1. / 51090942171709440000.,
                               -1. / 121645100408832000,
                               1. / 355687428096000,
                               -1. / 1307674368000,
                               1. / 6227020800,
                               -1. / 39916800,
                               1. / 362880,
                               -1. / 5040,
                               1. / 120,
                               -1. / 6,
                               1 };

/* x > 0 and normal. x = 2^k m with m about 1; log m = 2 atanh(s), s = (m - 1) / (m + 1).
 */
static double logarithm(double x)
{
    static const uint64_t half_root = UINT64_C(0x3fe6a09e667f3bcd); /* of 1/2 */
    uint64_t up = bits_of(x) - half_root + (UINT64_C(1023) << 52);
    double k = of_bits((up >> 52) + bits_of(0x1p52)) - (0x1p52 + 1023);
    double m = of_bits((up & ((UINT64_C(1) << 52) - 1)) + half_root);
    double f = m - 1, s = f / (2 + f), z = s * s, half = .5 * f * f;
    double r = series(z, inverse_tanh, sizeof inverse_tanh / sizeof inverse_tanh[0]);

    /* 2 s = f - s f, and s f = s (f^2 / 2) + f^2 / 2 */
    return k * 0x1.62e42feep-1 +
           (f - (half - (s * (half + r) + k * 0x1.a39ef35793c76p-33)));
}

/* cos(2 pi t), 0 <= t < 1: the sine of at most a quarter of a turn. */
static double cosine(double t)
{
    double turn = fabs(t - .5) - .25, x = 2 * M_PI * turn;

    return series(x * x, sine, sizeof sine / sizeof sine[0]) * x;
}

DISTORT_CLONES static void fractions_to_normals(const double *a, const double *b,
                                                double *v)
{
    for (int i = 0; i < MANY; i++)
        v[i] = sqrt(-2 * logarithm(1 - a[i])) * cosine(b[i]);
}

/* ---- in pieces ---- */

void drawn_both(const struct draws *d, uint32_t stream, uint64_t from, size_t n,
                double *v, double *w)
{
    double a[MANY], b[MANY];
    size_t i = 0;

    for (; i + MANY <= n; i += MANY)
        fractions(d, stream, from + i, v + i, w != NULL ? w + i : NULL);
    if (i == n)
        return;
    fractions(d, stream, from + i, a, b);
    memcpy(v + i, a, (n - i) * sizeof *v);
    if (w != NULL)
        memcpy(w + i, b, (n - i) * sizeof *w);
}

void drawn_ua(const struct draws *d, uint32_t stream, uint64_t from, size_t n, double *v)
{
    drawn_both(d, stream, from, n, v, NULL);
}

void drawn_normal(const struct draws *d, uint32_t stream, uint64_t from, size_t n,
                  double *v)
{
    double a[MANY], b[MANY], room[MANY];

    for (size_t i = 0; i < n; i += MANY) {
        bool whole = n - i >= MANY;

        fractions(d, stream, from + i, a, b);
        fractions_to_normals(a, b, whole ? v + i : room);
        if (!whole)
            memcpy(v + i, room, (n - i) * sizeof *v);
    }
}
