#include "nn/plain/gram.h"

#include "larder/banned.h"

void plain_gram_forward(const struct nn_op_desc *d, const struct nn_args *a)
{
    size_t C = (size_t)d->C, pixels = (size_t)d->H * d->W;

    for (size_t n = 0; n < (size_t)d->N; n++) {
        const float *x = a->x + n * pixels * C;
        for (size_t i = 0; i < C; i++) {
            for (size_t j = 0; j < C; j++) {
                double sum = 0;
                for (size_t k = 0; k < pixels; k++)
                    sum += (double)x[k * C + i] * (double)x[k * C + j];
                a->y[(n * C + i) * C + j] = (float)(sum / (double)pixels);
            }
        }
    }
}

void plain_gram_backward(const struct nn_op_desc *d, const struct nn_args *a)
{
    size_t C = (size_t)d->C, pixels = (size_t)d->H * d->W;

    for (size_t n = 0; n < (size_t)d->N && a->dx != NULL; n++) {
        const float *dy = a->dy + n * C * C;
        for (size_t k = n * pixels; k < (n + 1) * pixels; k++) {
            for (size_t i = 0; i < C; i++) {
                double sum = 0;
                for (size_t j = 0; j < C; j++)
                    sum += ((double)dy[i * C + j] + (double)dy[j * C + i]) *
                           (double)a->x[k * C + j];
                a->dx[k * C + i] = (float)(sum / (double)pixels);
            }
        }
    }
}
