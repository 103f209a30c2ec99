#include "nn/onednn/relu.h"

#include "larder/banned.h"
#include "nn/simd.h"

NN_CLONES static void relu_gate_here(float *restrict dy, const float *restrict y,
                                     size_t n)
{
    for (size_t i = 0; i < n; i++)
        dy[i] = y[i] > 0 ? dy[i] : 0;
}

NN_CLONES static void relu_clamp(float *restrict y, const float *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] < 0 ? 0 : x[i];
}

NN_CLONES static void relu_gate_from(float *restrict dx, const float *restrict dy,
                                     const float *restrict y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dx[i] = y[i] > 0 ? dy[i] : 0;
}

void relu_gate(float *dy, const float *y, size_t n)
{
    relu_gate_here(dy, y, n);
}

static size_t n_values(const struct nn_op_desc *d)
{
    return (size_t)d->N * d->H * d->W * d->C;
}

static int relu_forward(struct nn_op *op, const struct nn_args *a, struct error *err)
{
    (void)err;
    relu_clamp(a->y, a->x, n_values(&op->d));
    return 0;
}

static int relu_backward(struct nn_op *op, const struct nn_args *a, struct error *err)
{
    (void)err;
    if (a->dx != NULL)
        relu_gate_from(a->dx, a->dy, a->y, n_values(&op->d));
    return 0;
}

const struct onednn_code onednn_relu = {
    .prepare = onednn_prepare_loops,
    .discard = onednn_discard_loops,
    .forward = relu_forward,
    .backward = relu_backward,
};
