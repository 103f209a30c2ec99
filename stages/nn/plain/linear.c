#include "nn/plain/linear.h"

#include <string.h>

#include "larder/banned.h"
#include "nn/plain/relu.h"

/* x[n] is H x W x C; the weights of an output are C x H x W. */

static float dot(const struct nn_op_desc *d, const float *x, const float *w)
{
    int HW = d->H * d->W;
    float sum = 0;

    for (int i = 0; i < HW; i++)
        for (int c = 0; c < d->C; c++)
            sum += w[c * HW + i] * x[i * d->C + c];
    return sum;
}

void plain_linear_forward(const struct nn_op_desc *d, const struct nn_args *a)
{
    size_t F = (size_t)d->C * d->H * d->W;
    const float *bias = a->w + d->K * F;

    for (int n = 0; n < d->N; n++)
        for (int k = 0; k < d->K; k++)
            a->y[(size_t)n * d->K + k] = bias[k] + dot(d, a->x + n * F, a->w + k * F);
    if (d->relu)
        plain_relu_clamp(a->y, (size_t)d->N * d->K);
}

void plain_linear_backward(const struct nn_op_desc *d, const struct nn_args *a)
{
    int C = d->C, HW = d->H * d->W, K = d->K;
    size_t F = (size_t)C * HW;

    if (d->relu && !d->gated)
        plain_relu_gate(a->dy, a->y, (size_t)d->N * K);
    if (a->dx != NULL)
        memset(a->dx, 0, d->N * F * sizeof *a->dx);
    if (a->dw != NULL)
        memset(a->dw, 0, (K * F + K) * sizeof *a->dw);
    for (int n = 0; n < d->N; n++) {
        for (int k = 0; k < K; k++) {
            float dy = a->dy[(size_t)n * K + k];
            if (a->dw != NULL)
                a->dw[K * F + k] += dy;
            for (int i = 0; i < HW; i++) {
                for (int c = 0; c < C; c++) {
                    if (a->dx != NULL)
                        a->dx[n * F + i * C + c] += a->w[k * F + c * HW + i] * dy;
                    if (a->dw != NULL)
                        a->dw[k * F + c * HW + i] += a->x[n * F + i * C + c] * dy;
                }
            }
        }
    }
}
