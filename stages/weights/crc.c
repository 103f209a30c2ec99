/*
 * crc - see crc.h.
 *
 * Where the processor multiplies without carries (PCLMULQDQ), 64 bytes at a time are
 * folded into 64 by Gopal et al., "Fast CRC Computation for Generic Polynomials Using
 * PCLMULQDQ Instruction" (Intel, 2009), with the constants of that paper for the
 * reflected polynomial. The 16 bytes that are left stand for all before them: zlib ends
 * the work.
 */
#include "weights/crc.h"

#include <string.h>
#include <zlib.h>

#include "larder/banned.h"

static uint32_t crc_plain(uint32_t crc, const uint8_t *s, size_t n)
{
    return (uint32_t)crc32_z(crc, s, n);
}

#if defined(__x86_64__)
#include <immintrin.h>

#define FOLDING __attribute__((target("sse2,pclmul")))

/* x times the powers of the polynomial in k, plus y. */
FOLDING static __m128i fold(__m128i x, __m128i k, __m128i y)
{
    __m128i low = _mm_clmulepi64_si128(x, k, 0x00);
    __m128i high = _mm_clmulepi64_si128(x, k, 0x11);

    return _mm_xor_si128(_mm_xor_si128(low, high), y);
}

FOLDING static __m128i load(const uint8_t *s)
{
    return _mm_loadu_si128((const __m128i *)s);
}

/* n: a multiple of 16, at least 64. */
FOLDING static uint32_t crc_folded(uint32_t crc, const uint8_t *s, size_t n)
{
    const __m128i by_64 = _mm_set_epi64x(0x1c6e41596, 0x154442bd4);
    const __m128i by_16 = _mm_set_epi64x(0x0ccaa009e, 0x1751997d0);
    __m128i x[4];
    uint8_t rest[16];

    for (int i = 0; i < 4; i++)
        x[i] = load(s + 16 * i);
    x[0] = _mm_xor_si128(x[0], _mm_cvtsi32_si128((int)~crc));
    for (s += 64, n -= 64; n >= 64; s += 64, n -= 64)
        for (int i = 0; i < 4; i++)
            x[i] = fold(x[i], by_64, load(s + 16 * i));
    for (int i = 1; i < 4; i++)
        x[0] = fold(x[0], by_16, x[i]);
    for (; n >= 16; s += 16, n -= 16)
        x[0] = fold(x[0], by_16, load(s));
    memcpy(rest, &x[0], sizeof rest);
    /* ~0 is the state in which zlib has seen nothing and changes no bit. */
    return crc_plain(0xffffffffu, rest, sizeof rest);
}

uint32_t crc_add(uint32_t crc, const void *bytes, size_t n)
{
    const uint8_t *s = bytes;
    size_t whole = n / 16 * 16;

    if (whole < 64 || !__builtin_cpu_supports("pclmul"))
        return crc_plain(crc, s, n);
    return crc_plain(crc_folded(crc, s, whole), s + whole, n - whole);
}
#else
uint32_t crc_add(uint32_t crc, const void *bytes, size_t n)
{
    return crc_plain(crc, bytes, n);
}
#endif
