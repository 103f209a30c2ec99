#include "kit/mt19937.h"

#include "larder/banned.h"

enum { N = 624, M = 397 };

void mt19937_init(struct mt19937 *m, uint32_t seed)
{
    m->state[0] = seed;
    for (uint32_t i = 1; i < N; i++)
        m->state[i] = 1812433253u * (m->state[i - 1] ^ m->state[i - 1] >> 30) + i;
    m->at = N;
}

static void refill(struct mt19937 *m)
{
    for (int i = 0; i < N; i++) {
        uint32_t y = (m->state[i] & 0x80000000u) | (m->state[(i + 1) % N] & 0x7fffffffu);

        m->state[i] = m->state[(i + M) % N] ^ y >> 1 ^ (y & 1 ? 0x9908b0dfu : 0);
    }
    m->at = 0;
}

uint32_t mt19937_next(struct mt19937 *m)
{
    uint32_t y;

    if (m->at == N)
        refill(m);
    y = m->state[m->at++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680u;
    y ^= y << 15 & 0xefc60000u;
    return y ^ y >> 18;
}

uint32_t mt19937_below(struct mt19937 *m, uint32_t n)
{
    uint32_t mask = n - 1, draw;

    for (int shift = 1; shift < 32; shift *= 2)
        mask |= mask >> shift;
    do
        draw = mt19937_next(m) & mask;
    while (draw > n - 1);
    return draw;
}

void mt19937_permutation(struct mt19937 *m, uint32_t *order, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        order[i] = i;
    for (uint32_t i = n - 1; i > 0; i--) {
        uint32_t j = mt19937_below(m, i + 1), was = order[i];

        order[i] = order[j];
        order[j] = was;
    }
}
