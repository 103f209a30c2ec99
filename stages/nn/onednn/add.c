#include "nn/onednn/add.h"

#include <string.h>

#include "larder/banned.h"
#include "nn/simd.h"

NN_CLONES static void add_to_here(float *restrict to, const float *restrict from,
                                  size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] += from[i];
}

void add_to(float *to, const float *from, size_t n)
{
    add_to_here(to, from, n);
}

NN_CLONES static void add_both(float *restrict y, const float *restrict a,
                               const float *restrict b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = a[i] + b[i];
}

NN_CLONES static void add_both_relu(float *restrict y, const float *restrict a,
                                    const float *restrict b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float sum = a[i] + b[i];
        y[i] = sum < 0 ? 0 : sum;
    }
}

NN_CLONES static void add_gate_both(float *restrict da, float *restrict db,
                                    const float *restrict dy, const float *restrict y,
                                    size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float g = y[i] > 0 ? dy[i] : 0;
        da[i] = g;
        db[i] = g;
    }
}

NN_CLONES static void add_gate_one(float *restrict dx, const float *restrict dy,
                                   const float *restrict y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dx[i] = y[i] > 0 ? dy[i] : 0;
}

static size_t n_values(const struct nn_op_desc *d)
{
    return (size_t)d->N * d->P * d->Q * d->K;
}

static int add_forward(struct nn_op *op, const struct nn_args *a, struct error *err)
{
    (void)err;
    if (op->d.relu)
        add_both_relu(a->y, a->xs[0], a->xs[1], n_values(&op->d));
    else
        add_both(a->y, a->xs[0], a->xs[1], n_values(&op->d));
    return 0;
}

static int add_backward(struct nn_op *op, const struct nn_args *a, struct error *err)
{
    size_t n = n_values(&op->d);

    (void)err;
    if (op->d.relu && a->dxs[0] != NULL && a->dxs[1] != NULL) {
        add_gate_both(a->dxs[0], a->dxs[1], a->dy, a->y, n);
        return 0;
    }
    for (int k = 0; k < 2; k++) {
        if (a->dxs[k] == NULL)
            continue;
        if (op->d.relu)
            add_gate_one(a->dxs[k], a->dy, a->y, n);
        else
            memcpy(a->dxs[k], a->dy, n * sizeof *a->dy);
    }
    return 0;
}

const struct onednn_code onednn_add = {
    .prepare = onednn_prepare_loops,
    .discard = onednn_discard_loops,
    .forward = add_forward,
    .backward = add_backward,
};
