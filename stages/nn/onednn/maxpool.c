/*
 * maxpool - see maxpool.h.
 *
 * Vectors run over channels, eight at a time, so that what a window has found so far
 * stays in a register; channels left over go one by one through the same steps.
 */
#include "nn/onednn/maxpool.h"

#include <stdint.h>
#include <string.h>

#include "larder/banned.h"
#include "nn/simd.h"

enum { WIDTH = 8 };

typedef float vector __attribute__((vector_size(WIDTH * sizeof(float))));
typedef int32_t mask __attribute__((vector_size(WIDTH * sizeof(float))));

/* The part of a window that lies inside the input. */
struct window {
    int h0, h1, w0, w1;
};

static struct window window_at(const struct nn_op_desc *d, int p, int q)
{
    struct window v = { .h0 = p * d->stride - d->pad, .w0 = q * d->stride - d->pad };

    v.h1 = v.h0 + d->kernel < d->H ? v.h0 + d->kernel : d->H;
    v.w1 = v.w0 + d->kernel < d->W ? v.w0 + d->kernel : d->W;
    v.h0 = v.h0 > 0 ? v.h0 : 0;
    v.w0 = v.w0 > 0 ? v.w0 : 0;
    return v;
}

/* Channels c .. c + 7 of one window; x and y are those of the picture. What is no number
 * wins, as in PyTorch. */
#define FORWARD_VECTOR(v, c)                                                   \
    do {                                                                       \
        vector top, z;                                                         \
        memcpy(&top, x + ((size_t)(v).h0 * W + (v).w0) * C + (c), sizeof top); \
        for (int h = (v).h0; h < (v).h1; h++)                                  \
            for (int w = (v).w0; w < (v).w1; w++) {                            \
                memcpy(&z, x + ((size_t)h * W + w) * C + (c), sizeof z);       \
                mask up = (z > top) | (z != z);                                \
                top = (vector)(((mask)z & up) | ((mask)top & ~up));            \
            }                                                                  \
        memcpy(y + (c), &top, sizeof top);                                     \
    } while (0)

NN_CLONES static void maxpool_forward_picture(const struct nn_op_desc *d,
                                              const float *restrict x, float *restrict y)
{
    int C = d->C, W = d->W;

    for (int p = 0; p < d->P; p++) {
        for (int q = 0; q < d->Q; q++, y += C) {
            struct window v = window_at(d, p, q);
            int c = 0;
            for (; c + WIDTH <= C; c += WIDTH)
                FORWARD_VECTOR(v, c);
            for (; c < C; c++) {
                float top = x[((size_t)v.h0 * W + v.w0) * C + c];
                for (int h = v.h0; h < v.h1; h++)
                    for (int w = v.w0; w < v.w1; w++) {
                        float z = x[((size_t)h * W + w) * C + c];
                        top = z > top || z != z ? z : top;
                    }
                y[c] = top;
            }
        }
    }
}

/* rest: what is left of dy once the first maximum of a channel has been met. */
#define BACKWARD_VECTOR(v, c)                              \
    do {                                                   \
        vector top, rest, z, dz;                           \
        memcpy(&top, y + (c), sizeof top);                 \
        memcpy(&rest, dy + (c), sizeof rest);              \
        if (gate)                                          \
            rest = (vector)((mask)rest & (top > 0));       \
        for (int h = (v).h0; h < (v).h1; h++)              \
            for (int w = (v).w0; w < (v).w1; w++) {        \
                size_t at = ((size_t)h * W + w) * C + (c); \
                memcpy(&z, x + at, sizeof z);              \
                memcpy(&dz, dx + at, sizeof dz);           \
                mask hit = z == top;                       \
                dz += (vector)((mask)rest & hit);          \
                rest = (vector)((mask)rest & ~hit);        \
                memcpy(dx + at, &dz, sizeof dz);           \
            }                                              \
    } while (0)

NN_CLONES static void maxpool_backward_picture(const struct nn_op_desc *d,
                                               const float *restrict x,
                                               const float *restrict y,
                                               const float *restrict dy,
                                               float *restrict dx)
{
    int C = d->C, W = d->W;
    bool gate = d->gate;

    memset(dx, 0, (size_t)d->H * W * C * sizeof *dx);
    for (int p = 0; p < d->P; p++) {
        for (int q = 0; q < d->Q; q++, y += C, dy += C) {
            struct window v = window_at(d, p, q);
            int c = 0;
            for (; c + WIDTH <= C; c += WIDTH)
                BACKWARD_VECTOR(v, c);
            for (; c < C; c++) {
                float rest = !gate || y[c] > 0 ? dy[c] : 0;
                for (int h = v.h0; h < v.h1; h++)
                    for (int w = v.w0; w < v.w1; w++) {
                        size_t at = ((size_t)h * W + w) * C + c;
                        bool hit = x[at] == y[c];
                        dx[at] += hit ? rest : 0;
                        rest = hit ? 0 : rest;
                    }
            }
        }
    }
}

static int maxpool_forward(struct nn_op *op, const struct nn_args *a, struct error *err)
{
    const struct nn_op_desc *d = &op->d;

    (void)err;
    for (size_t n = 0; n < (size_t)d->N; n++)
        maxpool_forward_picture(d, a->x + n * d->H * d->W * d->C,
                                a->y + n * d->P * d->Q * d->C);
    return 0;
}

static int maxpool_backward(struct nn_op *op, const struct nn_args *a, struct error *err)
{
    const struct nn_op_desc *d = &op->d;
    size_t in = (size_t)d->H * d->W * d->C, out = (size_t)d->P * d->Q * d->C;

    (void)err;
    if (a->dx == NULL)
        return 0;
    for (size_t n = 0; n < (size_t)d->N; n++)
        maxpool_backward_picture(d, a->x + n * in, a->y + n * out, a->dy + n * out,
                                 a->dx + n * in);
    return 0;
}

const struct onednn_code onednn_maxpool = {
    .prepare = onednn_prepare_loops,
    .discard = onednn_discard_loops,
    .forward = maxpool_forward,
    .backward = maxpool_backward,
};
