#include "nn/attack.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "larder/banned.h"
#include "nn/lane.h"
#include "nn/simd.h"
#include "nn/squares.h"

/* What all lanes share. */
struct attack_on {
    const struct net *net;
    const struct attack *a;
    const float *pixels;
    const int32_t *label;
    float *adversarial, *loss; /* loss: NULL, or n */
};

/* Clamping the pictures on their way into the network has no gradient outside 0..1. */
NN_CLONES static void attack_clamp(float *restrict x, const float *restrict from,
                                   size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = from[i] < 0 ? 0 : from[i] > 1 ? 1 : from[i];
}

NN_CLONES static void attack_gate(float *restrict g, const float *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        g[i] = x[i] < 0 || x[i] > 1 ? 0 : g[i];
}

/* x += step g / (norm + 1e-10); then d = x - x0, left in g. */
NN_CLONES static void attack_ascend(float *restrict x, float *restrict g,
                                    const float *restrict x0, size_t n, float step,
                                    float norm)
{
    float divisor = norm + 1e-10f;

    for (size_t i = 0; i < n; i++) {
        x[i] += g[i] / divisor * step;
        g[i] = x[i] - x0[i];
    }
}

/* x = attack_clamp(x0 + scale d) */
NN_CLONES static void attack_project(float *restrict x, const float *restrict d,
                                     const float *restrict x0, size_t n, float scale)
{
    for (size_t i = 0; i < n; i++) {
        float y = x0[i] + d[i] * scale;
        x[i] = y < 0 ? 0 : y > 1 ? 1 : y;
    }
}

/* One step for one picture x; its gradient g is used up. */
static void move(const struct attack *a, float *x, float *g, const float *x0, size_t n)
{
    double length, scale = 1;

    attack_gate(g, x, n);
    attack_ascend(x, g, x0, n, (float)a->step, (float)sqrt(squares_sum(g, n)));
    length = sqrt(squares_sum(g, n));
    if (length > a->radius)
        scale = a->radius / (length + 1e-7);
    attack_project(x, g, x0, n, (float)scale);
}

/* Keeps those pictures whose loss beats their best; the first time, all. */
static void keep(const float *x, const float *loss, float *best, float *best_loss, int n,
                 size_t size, bool first)
{
    for (int i = 0; i < n; i++) {
        if (!first && !(loss[i] > best_loss[i]))
            continue;
        best_loss[i] = loss[i];
        memcpy(best + i * size, x + i * size, size * sizeof *best);
    }
}

/* A forward pass of the iterate x, which may leave 0..1 only before the first step. */
static int look(struct lane *lane, const float *x, float *clamped, const int32_t *label,
                float *loss, bool first, size_t n, struct error *err)
{
    int rc;

    if (first)
        attack_clamp(clamped, x, n);
    rc = lane_forward(lane, first ? clamped : x, NULL, err);
    return rc < 0 ? rc : lane_loss(lane, label, loss, err);
}

static int attack_lane(struct lane *lane, void *context, struct error *err)
{
    const struct attack_on *on = context;
    const struct graph *graph = net_graph(on->net);
    const struct attack *a = on->a;
    size_t size = (size_t)graph->H * graph->W * graph->C,
           first = (size_t)lane_first(lane);
    int n = lane_count(lane), rc = 0;
    size_t all = (size_t)n * size;
    const float *x0 = on->pixels + first * size;
    const int32_t *label = on->label + first;
    float *best = on->adversarial + first * size, *x = lane_scratch(lane), *g = x + all;
    float *loss = lane_losses(lane), *best_loss = loss + n;
    bool look_last = a->keep_best || on->loss != NULL;

    memcpy(x, x0, all * sizeof *x);
    for (int t = 0; t < a->steps; t++) {
        rc = look(lane, x, g, label, loss, t == 0, all, err);
        if (rc == 0)
            rc = lane_backward_input(lane, g, err);
        if (rc < 0)
            return rc;
        if (a->keep_best)
            keep(x, loss, best, best_loss, n, size, t == 0);
        for (int i = 0; i < n; i++)
            move(a, x + i * size, g + i * size, x0 + i * size, size);
    }
    if (look_last)
        rc = look(lane, x, g, label, loss, a->steps == 0, all, err);
    keep(x, loss, best, best_loss, n, size, !a->keep_best || a->steps == 0);
    if (on->loss != NULL)
        memcpy(on->loss + first, best_loss, (size_t)n * sizeof *best_loss);
    return rc;
}

int attack_l2(struct net *net, const struct attack *a, const float *pixels,
              const int32_t *label, int n, float *adversarial, float *loss,
              struct error *err)
{
    struct attack_on on = { .net = net,
                            .a = a,
                            .pixels = pixels,
                            .label = label,
                            .adversarial = adversarial,
                            .loss = loss };

    int rc;

    assert(pixels != adversarial);
    if (a->steps < 0 || !(a->radius >= 0) || !(a->step >= 0))
        return error_set(err, E_INPUT, "an attack of %d steps of %g, radius %g", a->steps,
                         a->step, a->radius);
    rc = net_evaluate(net, err);
    return rc < 0 ? rc : net_each_lane(net, n, attack_lane, &on, err);
}
