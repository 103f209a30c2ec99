#include "nn/onednn/normalise.h"

#include "larder/banned.h"
#include "nn/simd.h"

/* A multiple of every number of channels up to 4 and of every vector. */
enum { PATTERN = 48 };

struct pattern {
    float mean[PATTERN], std[PATTERN];
};

static void repeat(struct pattern *p, const struct nn_op_desc *d)
{
    for (int i = 0; i < PATTERN; i++) {
        p->mean[i] = d->mean[i % d->C];
        p->std[i] = d->std[i % d->C];
    }
}

NN_CLONES static void normalise_scale(float *restrict y, const float *restrict x,
                                      size_t n, const struct pattern *restrict p)
{
    size_t i = 0;

    for (; i + PATTERN <= n; i += PATTERN)
        for (size_t j = 0; j < PATTERN; j++)
            y[i + j] = (x[i + j] - p->mean[j]) / p->std[j];
    for (size_t j = 0; i + j < n; j++)
        y[i + j] = (x[i + j] - p->mean[j]) / p->std[j];
}

NN_CLONES static void normalise_unscale(float *restrict dx, const float *restrict dy,
                                        size_t n, const struct pattern *restrict p)
{
    size_t i = 0;

    for (; i + PATTERN <= n; i += PATTERN)
        for (size_t j = 0; j < PATTERN; j++)
            dx[i + j] = dy[i + j] / p->std[j];
    for (size_t j = 0; i + j < n; j++)
        dx[i + j] = dy[i + j] / p->std[j];
}

static size_t n_values(const struct nn_op_desc *d)
{
    return (size_t)d->N * d->H * d->W * d->C;
}

static int normalise_forward(struct nn_op *op, const struct nn_args *a, struct error *err)
{
    struct pattern p;

    (void)err;
    repeat(&p, &op->d);
    normalise_scale(a->y, a->x, n_values(&op->d), &p);
    return 0;
}

static int normalise_backward(struct nn_op *op, const struct nn_args *a,
                              struct error *err)
{
    struct pattern p;

    (void)err;
    if (a->dx == NULL)
        return 0;
    repeat(&p, &op->d);
    normalise_unscale(a->dx, a->dy, n_values(&op->d), &p);
    return 0;
}

const struct onednn_code onednn_normalise = {
    .prepare = onednn_prepare_loops,
    .discard = onednn_discard_loops,
    .forward = normalise_forward,
    .backward = normalise_backward,
};
