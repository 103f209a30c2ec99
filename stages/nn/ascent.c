#include "nn/ascent.h"

#include <math.h>
#include <string.h>

#include "larder/banned.h"
#include "nn/simd.h"
#include "nn/squares.h"

NN_CLONES static void ascent_clamp_loop(float *restrict x, const float *restrict from,
                                        size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = from[i] < 0 ? 0 : from[i] > 1 ? 1 : from[i];
}

NN_CLONES static void ascent_gate(float *restrict g, const float *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        g[i] = x[i] < 0 || x[i] > 1 ? 0 : g[i];
}

/* x += step g / (norm + 1e-10); then d = x - x0, left in g. */
NN_CLONES static void ascent_move(float *restrict x, float *restrict g,
                                  const float *restrict x0, size_t n, float step,
                                  float norm)
{
    float divisor = norm + 1e-10f;

    for (size_t i = 0; i < n; i++) {
        x[i] += g[i] / divisor * step;
        g[i] = x[i] - x0[i];
    }
}

/* x = clamp(x0 + scale d) */
NN_CLONES static void ascent_project(float *restrict x, const float *restrict d,
                                     const float *restrict x0, size_t n, float scale)
{
    for (size_t i = 0; i < n; i++) {
        float y = x0[i] + d[i] * scale;
        x[i] = y < 0 ? 0 : y > 1 ? 1 : y;
    }
}

/* One picture. */
static void step_one(const struct nn_ascent *a, float *x, float *g, const float *x0)
{
    size_t n = a->size;
    double length, scale = 1;

    ascent_gate(g, x, n);
    ascent_move(x, g, x0, n, (float)a->reach->step, (float)sqrt(squares_sum(g, n)));
    length = sqrt(squares_sum(g, n));
    if (length > a->reach->radius)
        scale = a->reach->radius / (length + 1e-7);
    ascent_project(x, g, x0, n, (float)scale);
}

int ascent_clamp(struct nn_device *dev, float *to, const float *from, size_t n,
                 struct error *err)
{
    (void)dev;
    (void)err;
    ascent_clamp_loop(to, from, n);
    return 0;
}

int ascent_step(struct nn_device *dev, const struct nn_ascent *a, struct error *err)
{
    (void)dev;
    (void)err;
    for (int i = 0; i < a->n; i++)
        step_one(a, a->x + i * a->size, a->g + i * a->size, a->x0 + i * a->size);
    return 0;
}

int ascent_keep(struct nn_device *dev, const struct nn_keep *k, struct error *err)
{
    (void)dev;
    (void)err;
    for (int i = 0; i < k->n; i++) {
        if (!k->all && !(k->loss[i] > k->best_loss[i]))
            continue;
        k->best_loss[i] = k->loss[i];
        memcpy(k->best + i * k->size, k->x + i * k->size, k->size * sizeof *k->x);
    }
    return 0;
}
