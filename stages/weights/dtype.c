#include "weights/dtype.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "larder/banned.h"

static const struct {
    const char *name, *class_name;
    size_t size;
} types[] = {
    [DTYPE_NONE] = { "", "", 0 },
    [DTYPE_F32] = { "F32", "Float", 4 },
    [DTYPE_F64] = { "F64", "Double", 8 },
    [DTYPE_F16] = { "F16", "Half", 2 },
    [DTYPE_BF16] = { "BF16", "BFloat16", 2 },
    [DTYPE_I64] = { "I64", "Long", 8 },
    [DTYPE_I32] = { "I32", "Int", 4 },
    [DTYPE_I16] = { "I16", "Short", 2 },
    [DTYPE_I8] = { "I8", "Char", 1 },
    [DTYPE_U8] = { "U8", "Byte", 1 },
    [DTYPE_BOOL] = { "BOOL", "Bool", 1 },
};

enum { N_TYPES = sizeof types / sizeof types[0] };

size_t dtype_size(enum dtype d)
{
    return types[d].size;
}

const char *dtype_name(enum dtype d)
{
    return types[d].name;
}

enum dtype dtype_find(const char *name)
{
    for (int i = 1; i < N_TYPES; i++)
        if (strcmp(types[i].name, name) == 0)
            return (enum dtype)i;
    return DTYPE_NONE;
}

enum dtype dtype_of_class(const char *class_name)
{
    for (int i = 1; i < N_TYPES; i++)
        if (strcmp(types[i].class_name, class_name) == 0)
            return (enum dtype)i;
    return DTYPE_NONE;
}

static float of_bits(uint32_t bits)
{
    float x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

/* IEEE 754 binary16: sign, 5 bits of exponent with bias 15, 10 of fraction. */
static float of_half(uint16_t h)
{
    uint32_t sign = (uint32_t)(h >> 15) << 31;
    uint32_t exponent = h >> 10 & 31, fraction = h & 1023;
    float small;

    if (exponent == 31)
        return of_bits(sign | 0x7f800000u | fraction << 13);
    if (exponent > 0)
        return of_bits(sign | (exponent + 127 - 15) << 23 | fraction << 13);
    small = (float)fraction * 0x1p-24f;
    return sign ? -small : small;
}

static bool of_double(double x, float *to)
{
    *to = (float)x;
    return isfinite(*to) || !isfinite(x);
}

/* 2^63 is a float32 and no int64_t, so the way back is taken only below it. */
static bool of_integer(int64_t i, float *to)
{
    *to = (float)i;
    return *to < 0x1p63f && (int64_t)*to == i;
}

/* One loop an element type: TYPE is how it lies in the file, x one of them. */
#define EACH(TYPE, statement)                      \
    for (size_t i = 0; i < n; i++) {               \
        TYPE x;                                    \
        memcpy(&x, from + i * sizeof x, sizeof x); \
        statement;                                 \
    }                                              \
    return n

static size_t convert_integers(enum dtype d, const uint8_t *from, size_t n, float *to)
{
    switch (d) {
    case DTYPE_I64:
        EACH(int64_t, if (!of_integer(x, &to[i])) return i);
    case DTYPE_I32:
        EACH(int32_t, if (!of_integer(x, &to[i])) return i);
    case DTYPE_I16:
        EACH(int16_t, to[i] = x);
    case DTYPE_I8:
        EACH(int8_t, to[i] = x);
    case DTYPE_U8:
        EACH(uint8_t, to[i] = x);
    case DTYPE_BOOL:
        EACH(uint8_t, to[i] = x != 0);
    default:
        return 0;
    }
}

size_t dtype_convert(enum dtype d, const uint8_t *from, size_t n, float *to)
{
    switch (d) {
    case DTYPE_F32:
        if (n > 0)
            memcpy(to, from, n * sizeof *to);
        return n;
    case DTYPE_F64:
        EACH(double, if (!of_double(x, &to[i])) return i);
    case DTYPE_F16:
        EACH(uint16_t, to[i] = of_half(x));
    case DTYPE_BF16:
        EACH(uint16_t, to[i] = of_bits((uint32_t)x << 16));
    default:
        return convert_integers(d, from, n, to);
    }
}
