#include "nn/plain/dropout.h"

#include "larder/banned.h"
#include "nn/drop.h"

static size_t n_values(const struct nn_op_desc *d)
{
    return (size_t)d->N * d->H * d->W * d->C;
}

size_t plain_dropout_state(const struct nn_op_desc *d)
{
    return n_values(d) * sizeof(float);
}

void plain_dropout_forward(const struct nn_op_desc *d, const struct nn_args *a)
{
    const float *factor = a->state;

    drop_draw(d, a, a->state);
    for (size_t i = 0; i < n_values(d); i++)
        a->y[i] = a->x[i] * factor[i];
}

void plain_dropout_backward(const struct nn_op_desc *d, const struct nn_args *a)
{
    const float *factor = a->state;

    for (size_t i = 0; i < n_values(d) && a->dx != NULL; i++)
        a->dx[i] = a->dy[i] * factor[i];
}
