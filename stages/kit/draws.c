#include "kit/draws.h"

#include <assert.h>
#include <math.h>

#include "larder/digest.h"

#include "larder/banned.h"

enum { PHILOX_ROUNDS = 10 };

void philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];

    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        uint64_t p0 = UINT64_C(0xD2511F53) * c0;
        uint64_t p1 = UINT64_C(0xCD9E8D57) * c2;

        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9;
        k1 += 0xBB67AE85;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

static uint32_t little_endian_32(const unsigned char *b)
{
    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

void draws_init(struct draws *d, const char *stage, const char *params, const char *item,
                uint64_t seed)
{
    const char *part[] = { "imgset", stage, params, item };
    struct hasher *h = hasher_new();
    struct digest id;

    for (size_t i = 0; i < sizeof part / sizeof part[0]; i++) {
        hasher_add(h, part[i], strlen(part[i]));
        hasher_add(h, "\n", 1);
    }
    hasher_finish(h, &id);
    hasher_free(h);
    d->k0 = little_endian_32(id.byte) ^ (uint32_t)seed;
    d->k1 = little_endian_32(id.byte + 4) ^ (uint32_t)(seed >> 32);
}

void draws_block(const struct draws *d, uint32_t stream, uint64_t index, uint32_t w[4])
{
    const uint32_t counter[4] = { (uint32_t)index, (uint32_t)(index >> 32), stream, 0 };
    const uint32_t key[2] = { d->k0, d->k1 };

    philox(counter, key, w);
}

/* 53 bits of two words as a fraction. */
static double fraction(uint32_t high, uint32_t low)
{
    return ((high >> 5) * 0x1p26 + (low >> 6)) * 0x1p-53;
}

double draws_ua(const struct draws *d, uint32_t stream, uint64_t index)
{
    uint32_t w[4];

    draws_block(d, stream, index, w);
    return fraction(w[0], w[1]);
}

double draws_ub(const struct draws *d, uint32_t stream, uint64_t index)
{
    uint32_t w[4];

    draws_block(d, stream, index, w);
    return fraction(w[2], w[3]);
}

double draws_uniform(const struct draws *d, uint32_t stream, uint64_t index, double a,
                     double b)
{
    return a + (b - a) * draws_ua(d, stream, index);
}

uint64_t draws_below(const struct draws *d, uint32_t stream, uint64_t index, uint64_t n)
{
    return (uint64_t)(draws_ua(d, stream, index) * (double)n);
}

double draws_normal(const struct draws *d, uint32_t stream, uint64_t index)
{
    uint32_t w[4];

    draws_block(d, stream, index, w);
    return sqrt(-2 * log(1 - fraction(w[0], w[1]))) *
           cos(2 * M_PI * fraction(w[2], w[3]));
}

int draws_poisson(const struct draws *d, uint32_t stream, uint64_t index, double lambda)
{
    double u = draws_ua(d, stream, index);
    double p = exp(-lambda), s = p;
    int k = 0;

    assert(lambda >= 0 && lambda <= 700); /* exp(-lambda) must not underflow */
    while (u >= s && p > 0) {
        k++;
        p = p * lambda / k;
        s += p;
    }
    return k;
}

void draws_permutation(const struct draws *d, uint32_t *p, uint32_t n)
{
    draws_permutation_of(d, 0, p, n);
}

void draws_permutation_of(const struct draws *d, uint32_t stream, uint32_t *p, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        p[i] = i;
    for (uint32_t i = n; i-- > 1;) {
        uint32_t j = (uint32_t)draws_below(d, stream, i, i + UINT64_C(1));
        uint32_t swapped = p[i];

        p[i] = p[j];
        p[j] = swapped;
    }
}
