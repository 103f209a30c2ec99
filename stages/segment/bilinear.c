#include "segment/bilinear.h"

#include <stddef.h>

#include "larder/mem.h"
#include "learn/answer.h"

#include "larder/banned.h"

/* Two neighbours in a row (or column), and how much the second one counts. */
struct between {
    int a, b;
    float share;
};

static struct between between(int i, int in, int out, double scale)
{
    double step = scale > 0 ? scale : (double)in / out;
    float at = (float)(((double)i + .5) * step - .5);
    struct between v;

    at = at < 0 ? 0 : at;
    v.a = (int)at < in - 1 ? (int)at : in - 1;
    v.b = v.a < in - 1 ? v.a + 1 : v.a;
    v.share = at - (float)v.a;
    return v;
}

static void mix(float *restrict to, const float *restrict a, const float *restrict b,
                float share, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (1 - share) * a[i] + share * b[i];
}

/* Row i of the enlarged map, still as wide as the source. */
static void mix_rows(float *row, const float *from, struct map_size in, int i,
                     struct map_size out, double scale)
{
    struct between v = between(i, in.height, out.height, scale);
    size_t n = (size_t)in.width * in.values;

    mix(row, from + v.a * n, from + v.b * n, v.share, n);
}

void bilinear_resize(const float *from, struct map_size in, float *to,
                     struct map_size out, double scale)
{
    size_t n = (size_t)in.values;
    float *row = xcalloc((size_t)in.width * n, sizeof *row);

    for (int i = 0; i < out.height; i++) {
        mix_rows(row, from, in, i, out, scale);
        for (int j = 0; j < out.width; j++, to += n) {
            struct between v = between(j, in.width, out.width, scale);
            mix(to, row + v.a * n, row + v.b * n, v.share, n);
        }
    }
    free(row);
}

void bilinear_largest(const float *from, struct map_size in, int *to, struct map_size out)
{
    size_t n = (size_t)in.values;
    float *row = xcalloc((size_t)in.width * n, sizeof *row);
    float *place = xcalloc(n, sizeof *place);

    for (int i = 0; i < out.height; i++) {
        mix_rows(row, from, in, i, out, 0);
        for (int j = 0; j < out.width; j++) {
            struct between v = between(j, in.width, out.width, 0);
            mix(place, row + v.a * n, row + v.b * n, v.share, n);
            *to++ = largest_logit(place, in.values);
        }
    }
    free(place);
    free(row);
}
