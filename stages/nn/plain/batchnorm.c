#include "nn/plain/batchnorm.h"

#include <math.h>
#include <string.h>

#include "larder/banned.h"
#include "nn/plain/relu.h"

/* Pixels of the pictures that count. */
static size_t n_pixels(const struct nn_op_desc *d, const struct nn_args *a)
{
    return (size_t)(d->training ? a->count : d->N) * d->H * d->W;
}

size_t plain_batchnorm_state(const struct nn_op_desc *d)
{
    return 2 * (size_t)d->C * sizeof(float);
}

/* Of channel c: var is divided by the number of pixels. */
static void moments(const struct nn_op_desc *d, const struct nn_args *a, int c,
                    double *mean, double *var)
{
    size_t M = n_pixels(d, a);

    *mean = *var = 0;
    for (size_t i = 0; i < M; i++)
        *mean += (double)a->x[i * d->C + c] / (double)M;
    for (size_t i = 0; i < M; i++)
        *var += pow((double)a->x[i * d->C + c] - *mean, 2) / (double)M;
}

static void move(float *running, double towards)
{
    *running = (float)((double)*running * .9 + towards * .1);
}

static void find_statistics(const struct nn_op_desc *d, const struct nn_args *a,
                            float *mean, float *factor)
{
    double M = (double)n_pixels(d, a), m, v;

    for (int c = 0; c < d->C; c++) {
        if (d->training) {
            moments(d, a, c, &m, &v);
        } else {
            m = (double)a->running[c];
            v = (double)a->running[d->C + c];
        }
        mean[c] = (float)m;
        factor[c] = (float)(1 / sqrt(v + d->eps));
        if (!d->training || !a->moves)
            continue;
        move(&a->running[c], m);
        move(&a->running[d->C + c], M > 1 ? v * M / (M - 1) : v);
    }
}

void plain_batchnorm_forward(const struct nn_op_desc *d, const struct nn_args *a)
{
    size_t M = n_pixels(d, a), all = (size_t)d->N * d->H * d->W, C = (size_t)d->C;
    const float *gamma = a->w, *beta = a->w + C;
    float *mean = a->state, *factor = mean + C;

    find_statistics(d, a, mean, factor);
    for (size_t i = 0; i < M; i++)
        for (size_t c = 0; c < C; c++)
            a->y[i * C + c] =
                (a->x[i * C + c] - mean[c]) * (factor[c] * gamma[c]) + beta[c];
    memset(a->y + M * C, 0, (all - M) * C * sizeof *a->y);
    if (d->relu)
        plain_relu_clamp(a->y, M * C);
}

/* In training x moves mean and var too: dx = gamma factor (dy - mean of dy - z mean of
 * (dy z)), z = (x - mean) factor. */
void plain_batchnorm_backward(const struct nn_op_desc *d, const struct nn_args *a)
{
    size_t M = n_pixels(d, a), all = (size_t)d->N * d->H * d->W, C = (size_t)d->C;
    const float *gamma = a->w, *mean = a->state, *factor = mean + C;

    if (d->relu)
        plain_relu_gate(a->dy, a->y, M * C);
    for (size_t c = 0; c < C; c++) {
        double sum = 0, with_z = 0;
        for (size_t i = 0; i < M; i++) {
            double z = ((double)a->x[i * C + c] - (double)mean[c]) * (double)factor[c];
            sum += (double)a->dy[i * C + c];
            with_z += (double)a->dy[i * C + c] * z;
        }
        if (a->dw != NULL) {
            a->dw[c] = (float)with_z;
            a->dw[C + c] = (float)sum;
        }
        if (!d->training)
            sum = with_z = 0;
        for (size_t i = 0; i < M && a->dx != NULL; i++) {
            double z = ((double)a->x[i * C + c] - (double)mean[c]) * (double)factor[c];
            double g = (double)a->dy[i * C + c] - (sum + z * with_z) / (double)M;
            a->dx[i * C + c] = (float)((double)(gamma[c] * factor[c]) * g);
        }
    }
    if (a->dx != NULL)
        memset(a->dx + M * C, 0, (all - M) * C * sizeof *a->dx);
}
