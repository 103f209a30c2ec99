#include "nn/plain/conv.h"

#include <string.h>

#include "larder/banned.h"
#include "nn/plain/relu.h"

/* One place where the kernel lies over the input: output (n, p, q), kernel cell (i, j).
 */
struct cell {
    size_t x, y; /* where x[n][h][w] and y[n][p][q] begin */
    int ij;      /* i * kernel + j */
};

/* Calls visit for each cell that is inside the input, rows before columns. */
static void each_cell(const struct nn_op_desc *d, const struct nn_args *a,
                      void (*visit)(const struct nn_op_desc *, const struct nn_args *,
                                    struct cell))
{
    int size = d->kernel;

    for (int n = 0; n < d->N; n++) {
        for (int p = 0; p < d->P; p++) {
            for (int q = 0; q < d->Q; q++) {
                struct cell at = { .y = (((size_t)n * d->P + p) * d->Q + q) * d->K };
                for (at.ij = 0; at.ij < size * size; at.ij++) {
                    int h = p * d->stride - d->pad + at.ij / size * d->dilation;
                    int w = q * d->stride - d->pad + at.ij % size * d->dilation;
                    if (h < 0 || h >= d->H || w < 0 || w >= d->W)
                        continue;
                    at.x = (((size_t)n * d->H + h) * d->W + w) * d->C;
                    visit(d, a, at);
                }
            }
        }
    }
}

static void add_to_y(const struct nn_op_desc *d, const struct nn_args *a, struct cell at)
{
    int C = d->C, size = d->kernel * d->kernel;

    for (int k = 0; k < d->K; k++) {
        float sum = 0;
        for (int c = 0; c < C; c++)
            sum += a->w[((size_t)k * C + c) * size + at.ij] * a->x[at.x + c];
        a->y[at.y + k] += sum;
    }
}

static void add_to_dx(const struct nn_op_desc *d, const struct nn_args *a, struct cell at)
{
    int C = d->C, size = d->kernel * d->kernel;

    for (int k = 0; k < d->K; k++)
        for (int c = 0; c < C; c++)
            a->dx[at.x + c] += a->w[((size_t)k * C + c) * size + at.ij] * a->dy[at.y + k];
}

static void add_to_dw(const struct nn_op_desc *d, const struct nn_args *a, struct cell at)
{
    int C = d->C, size = d->kernel * d->kernel;

    for (int k = 0; k < d->K; k++)
        for (int c = 0; c < C; c++)
            a->dw[((size_t)k * C + c) * size + at.ij] += a->x[at.x + c] * a->dy[at.y + k];
}

static size_t n_weight(const struct nn_op_desc *d)
{
    return (size_t)d->K * d->C * d->kernel * d->kernel;
}

void plain_conv_forward(const struct nn_op_desc *d, const struct nn_args *a)
{
    size_t pixels = (size_t)d->N * d->P * d->Q;

    if (!d->bias)
        memset(a->y, 0, pixels * d->K * sizeof *a->y);
    for (size_t i = 0; d->bias && i < pixels; i++)
        memcpy(a->y + i * d->K, a->w + n_weight(d), d->K * sizeof *a->y);
    each_cell(d, a, add_to_y);
    if (d->relu)
        plain_relu_clamp(a->y, pixels * d->K);
}

void plain_conv_backward(const struct nn_op_desc *d, const struct nn_args *a)
{
    size_t pixels = (size_t)d->N * d->P * d->Q;
    float *db;

    if (d->relu && !d->gated)
        plain_relu_gate(a->dy, a->y, pixels * d->K);
    if (a->dx != NULL) {
        memset(a->dx, 0, (size_t)d->N * d->H * d->W * d->C * sizeof *a->dx);
        each_cell(d, a, add_to_dx);
    }
    if (a->dw != NULL) {
        memset(a->dw, 0, (n_weight(d) + (d->bias ? d->K : 0)) * sizeof *a->dw);
        each_cell(d, a, add_to_dw);
        db = a->dw + n_weight(d);
        for (size_t i = 0; d->bias && i < pixels; i++)
            for (int k = 0; k < d->K; k++)
                db[k] += a->dy[i * d->K + k];
    }
}
