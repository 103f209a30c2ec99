#include "nn/sgd.h"

#include <math.h>
#include <string.h>

#include "larder/banned.h"
#include "nn/simd.h"
#include "nn/squares.h"

enum { CHUNK = 1024 };

static size_t chunk_at(size_t i, size_t n)
{
    return n - i < CHUNK ? n - i : CHUNK;
}

/* g = the sum of the lanes' gradients i .. i + n - 1, in the order of the lanes. */
NN_CLONES static void sgd_sum_lanes(float *restrict g, const struct nn_update *u,
                                    size_t i, size_t n)
{
    memcpy(g, u->g[0] + i, n * sizeof *g);
    for (int lane = 1; lane < u->lanes; lane++) {
        const float *restrict add = u->g[lane] + i;
        for (size_t j = 0; j < n; j++)
            g[j] += add[j];
    }
}

NN_CLONES static void sgd_step(float *restrict w, float *restrict v,
                               const float *restrict g, const struct nn_rates *r,
                               float scale, size_t n)
{
    float lr = r->lr, momentum = r->momentum, decay = r->weight_decay;

    for (size_t i = 0; i < n; i++) {
        float d = g[i] * scale + decay * w[i];
        v[i] = momentum * v[i] + d;
        w[i] -= lr * v[i];
    }
}

/* What brings all gradients together to the length clip, as PyTorch's clip_grad_norm_ has
 * it; 1 when they are there already. */
static float clip_scale(const struct nn_update *u)
{
    double scale = 1;

    if (u->rates->clip > 0)
        scale = u->rates->clip / (sqrt(*u->squares) + 1e-6);
    return scale < 1 ? (float)scale : 1;
}

int sgd_norm(struct nn_device *dev, const struct nn_update *u, size_t n, double *sum,
             struct error *err)
{
    double part[SQUARES] = { 0 };
    float g[CHUNK];

    (void)dev;
    (void)err;
    for (size_t i = 0; i < n; i += CHUNK) {
        sgd_sum_lanes(g, u, i, chunk_at(i, n));
        squares_add(part, g, chunk_at(i, n));
    }
    *sum += squares_total(part);
    return 0;
}

int sgd_update(struct nn_device *dev, const struct nn_update *u, size_t n,
               struct error *err)
{
    float g[CHUNK], scale = clip_scale(u);

    (void)dev;
    (void)err;
    for (size_t i = 0; i < n; i += CHUNK) {
        sgd_sum_lanes(g, u, i, chunk_at(i, n));
        sgd_step(u->w + i, u->v + i, g, u->rates, scale, chunk_at(i, n));
    }
    return 0;
}
