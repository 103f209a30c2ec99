#include "larder/checksum.h"

#include <string.h>

#include "larder/banned.h"

/* Odd, with half of their bits set. Nothing else is asked of them. */
static const uint64_t odd[4] = { 0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f,
                                 0x165667b19e3779f9, 0xd6e8feb86659fd93 };

/* A bijection of x for each h: a flipped bit of x always changes the result. */
static uint64_t mix(uint64_t h, uint64_t x, uint64_t factor)
{
    h = (h ^ x) * factor;
    return h ^ (h >> 29);
}

/* Four lanes, so that one multiplication need not wait for another. */
uint64_t checksum(const void *bytes, size_t n)
{
    const unsigned char *at = bytes;
    uint64_t lane[4] = { n, 1, 2, 3 }, word[4], h = 0;

    for (; n >= sizeof word; n -= sizeof word, at += sizeof word) {
        memcpy(word, at, sizeof word);
        for (int i = 0; i < 4; i++)
            lane[i] = mix(lane[i], word[i], odd[i]);
    }
    memset(word, 0, sizeof word);
    if (n)
        memcpy(word, at, n);
    for (int i = 0; i < 4; i++)
        h = mix(h, mix(lane[i], word[i], odd[i]), odd[3 - i]);
    return h ^ (h >> 32);
}
