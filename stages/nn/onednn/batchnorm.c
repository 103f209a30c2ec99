/*
 * batchnorm - see batchnorm.h.
 *
 * A row is a whole number of pixels, at least ROW values where channels are few, so that
 * vectors run over a row whatever the number of channels. What belongs to a channel is
 * repeated along the row. Sums are taken row by row in float, and after every CHUNK rows
 * in double; a channel's sum is that of its places in the row, in their order. So they do
 * not depend on the width of vectors.
 */
#include "nn/onednn/batchnorm.h"

#include <math.h>
#include <string.h>

#include "larder/banned.h"
#include "nn/simd.h"

enum { ROW = 64, CHUNK = 32 };

/* Values of a row. */
static size_t row_of(const struct nn_op_desc *d)
{
    size_t C = (size_t)d->C;

    return C < ROW ? ROW / C * C : C;
}

/* The scratch of one call; each array has a row's values. */
struct scratch {
    double *sum, *sum_z;
    float *part, *part_z, *mean, *a, *b, *c;
};

static struct scratch scratch_of(const struct nn_op_desc *d, void *work)
{
    size_t L = (row_of(d) + 15) / 16 * 16;
    double *sum = work;
    float *part = (float *)(sum + 2 * L);

    return (struct scratch){ .sum = sum,
                             .sum_z = sum + L,
                             .part = part,
                             .part_z = part + L,
                             .mean = part + 2 * L,
                             .a = part + 3 * L,
                             .b = part + 4 * L,
                             .c = part + 5 * L };
}

static size_t scratch_size(const struct nn_op_desc *d)
{
    size_t L = (row_of(d) + 15) / 16 * 16;

    return 2 * L * sizeof(double) + 6 * L * sizeof(float);
}

NN_CLONES static void norm_sum(float *restrict sum, const float *restrict x, size_t rows,
                               size_t L)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < L; i++)
            sum[i] += x[r * L + i];
}

NN_CLONES static void norm_squares(float *restrict sum, const float *restrict x,
                                   const float *restrict mean, size_t rows, size_t L)
{
    for (size_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < L; i++) {
            float z = x[r * L + i] - mean[i];
            sum[i] += z * z;
        }
    }
}

NN_CLONES static void norm_sums_of_gradient(float *restrict sum, float *restrict sum_z,
                                            const float *restrict x,
                                            const float *restrict dy,
                                            const float *restrict mean, size_t rows,
                                            size_t L)
{
    for (size_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < L; i++) {
            float g = dy[r * L + i];
            sum[i] += g;
            sum_z[i] += g * (x[r * L + i] - mean[i]);
        }
    }
}

NN_CLONES static void
norm_sums_of_gated(float *restrict sum, float *restrict sum_z, const float *restrict x,
                   const float *restrict dy, const float *restrict y,
                   const float *restrict mean, size_t rows, size_t L)
{
    for (size_t r = 0; r < rows; r++) {
        for (size_t i = 0; i < L; i++) {
            float g = y[r * L + i] > 0 ? dy[r * L + i] : 0;
            sum[i] += g;
            sum_z[i] += g * (x[r * L + i] - mean[i]);
        }
    }
}

/* y = (x - mean) scale + beta, n values in rows. */
NN_CLONES static void norm_apply(float *restrict y, const float *restrict x,
                                 const float *restrict mean, const float *restrict scale,
                                 const float *restrict beta, size_t n, size_t L)
{
    for (size_t r = 0; r < n; r += L) {
        size_t l = n - r < L ? n - r : L;
        for (size_t i = 0; i < l; i++)
            y[r + i] = (x[r + i] - mean[i]) * scale[i] + beta[i];
    }
}

NN_CLONES static void norm_apply_relu(float *restrict y, const float *restrict x,
                                      const float *restrict mean,
                                      const float *restrict scale,
                                      const float *restrict beta, size_t n, size_t L)
{
    for (size_t r = 0; r < n; r += L) {
        size_t l = n - r < L ? n - r : L;
        for (size_t i = 0; i < l; i++) {
            float v = (x[r + i] - mean[i]) * scale[i] + beta[i];
            y[r + i] = v < 0 ? 0 : v;
        }
    }
}

/* dx = dy a + (x - mean) b + c */
NN_CLONES static void norm_gradient(float *restrict dx, const float *restrict dy,
                                    const float *restrict x, const float *restrict mean,
                                    const float *restrict a, const float *restrict b,
                                    const float *restrict c, size_t n, size_t L)
{
    for (size_t r = 0; r < n; r += L) {
        size_t l = n - r < L ? n - r : L;
        for (size_t i = 0; i < l; i++)
            dx[r + i] = dy[r + i] * a[i] + ((x[r + i] - mean[i]) * b[i] + c[i]);
    }
}

NN_CLONES static void
norm_gated_gradient(float *restrict dx, const float *restrict dy, const float *restrict y,
                    const float *restrict x, const float *restrict mean,
                    const float *restrict a, const float *restrict b,
                    const float *restrict c, size_t n, size_t L)
{
    for (size_t r = 0; r < n; r += L) {
        size_t l = n - r < L ? n - r : L;
        for (size_t i = 0; i < l; i++) {
            float g = y[r + i] > 0 ? dy[r + i] : 0;
            dx[r + i] = g * a[i] + ((x[r + i] - mean[i]) * b[i] + c[i]);
        }
    }
}

/* What a loop over the values of one call works on. */
struct values {
    const struct nn_op_desc *d;
    const struct nn_args *args;
    struct scratch s;
    size_t n, L; /* values that count, of a row */
    size_t C;
};

static struct values values_of(const struct nn_op_desc *d, const struct nn_args *a)
{
    size_t pictures = (size_t)(d->training ? a->count : d->N);

    return (struct values){ .d = d,
                            .args = a,
                            .s = scratch_of(d, a->work),
                            .n = pictures * d->H * d->W * d->C,
                            .L = row_of(d),
                            .C = (size_t)d->C };
}

enum what { SUM, SQUARES_OF, GRADIENT };

static void add_rows(const struct values *v, enum what what, size_t at, size_t rows,
                     size_t l)
{
    const struct nn_args *a = v->args;
    const struct scratch *s = &v->s;

    if (what == SUM)
        norm_sum(s->part, a->x + at, rows, l);
    else if (what == SQUARES_OF)
        norm_squares(s->part, a->x + at, s->mean, rows, l);
    else if (v->d->relu)
        norm_sums_of_gated(s->part, s->part_z, a->x + at, a->dy + at, a->y + at, s->mean,
                           rows, l);
    else
        norm_sums_of_gradient(s->part, s->part_z, a->x + at, a->dy + at, s->mean, rows,
                              l);
}

/* Takes the parts of l values into the sums of their channels. */
static void add_parts(const struct values *v, size_t l)
{
    const struct scratch *s = &v->s;

    for (size_t i = 0; i < l; i++) {
        s->sum[i % v->C] += (double)s->part[i];
        s->sum_z[i % v->C] += (double)s->part_z[i];
    }
    memset(s->part, 0, v->L * sizeof *s->part);
    memset(s->part_z, 0, v->L * sizeof *s->part_z);
}

/* sum and sum_z of each channel. */
static void take_sums(const struct values *v, enum what what)
{
    const struct scratch *s = &v->s;
    size_t rows = v->n / v->L, rest = v->n % v->L;

    memset(s->sum, 0, v->L * sizeof *s->sum);
    memset(s->sum_z, 0, v->L * sizeof *s->sum_z);
    memset(s->part, 0, v->L * sizeof *s->part);
    memset(s->part_z, 0, v->L * sizeof *s->part_z);
    for (size_t r = 0; r < rows; r += CHUNK) {
        add_rows(v, what, r * v->L, rows - r < CHUNK ? rows - r : CHUNK, v->L);
        add_parts(v, v->L);
    }
    if (rest > 0) {
        add_rows(v, what, rows * v->L, 1, rest);
        add_parts(v, rest);
    }
}

/* The first C values of x again and again along the row. */
static void repeat(const struct values *v, float *x)
{
    for (size_t i = v->C; i < v->L; i++)
        x[i] = x[i - v->C];
}

static void move(float *running, double towards)
{
    *running = (float)((double)*running * .9 + towards * .1);
}

/* Mean and variance of the batch into state, and the running ones towards them. */
static void find_statistics(const struct values *v)
{
    const struct nn_args *a = v->args;
    double M = (double)(v->n / v->C);
    float *mean = a->state, *factor = mean + v->C;

    take_sums(v, SUM);
    for (size_t c = 0; c < v->C; c++)
        v->s.mean[c] = mean[c] = (float)(v->s.sum[c] / M);
    repeat(v, v->s.mean);
    take_sums(v, SQUARES_OF);
    for (size_t c = 0; c < v->C; c++) {
        double var = v->s.sum[c] / M;
        factor[c] = (float)(1 / sqrt(var + v->d->eps));
        if (!a->moves)
            continue;
        move(&a->running[c], (double)mean[c]);
        move(&a->running[v->C + c], M > 1 ? var * M / (M - 1) : var);
    }
}

static void read_statistics(const struct values *v)
{
    const float *running = v->args->running;
    float *mean = v->args->state, *factor = mean + v->C;

    for (size_t c = 0; c < v->C; c++) {
        mean[c] = running[c];
        factor[c] = (float)(1 / sqrt((double)running[v->C + c] + v->d->eps));
    }
}

static int batchnorm_forward(struct nn_op *op, const struct nn_args *a, struct error *err)
{
    struct values v = values_of(&op->d, a);
    const float *mean = a->state, *factor = mean + v.C;
    size_t all = (size_t)op->d.N * op->d.H * op->d.W * v.C;

    (void)err;
    if (op->d.training)
        find_statistics(&v);
    else
        read_statistics(&v);
    memcpy(v.s.mean, mean, v.C * sizeof *mean);
    for (size_t c = 0; c < v.C; c++)
        v.s.a[c] = factor[c] * a->w[c];
    memcpy(v.s.b, a->w + v.C, v.C * sizeof *a->w);
    repeat(&v, v.s.mean);
    repeat(&v, v.s.a);
    repeat(&v, v.s.b);
    if (op->d.relu)
        norm_apply_relu(a->y, a->x, v.s.mean, v.s.a, v.s.b, v.n, v.L);
    else
        norm_apply(a->y, a->x, v.s.mean, v.s.a, v.s.b, v.n, v.L);
    memset(a->y + v.n, 0, (all - v.n) * sizeof *a->y);
    return 0;
}

/* The formula of plain/batchnorm.c as dy a + (x - mean) b + c. */
static void find_factors(const struct values *v)
{
    const struct nn_args *a = v->args;
    const float *factor = (float *)a->state + v->C;
    double M = (double)(v->n / v->C);

    for (size_t c = 0; c < v->C; c++) {
        double f = (double)factor[c], scale = (double)a->w[c] * f;
        double b = v->d->training ? -scale * f * f * v->s.sum_z[c] / M : 0;
        double mean_dy = v->d->training ? v->s.sum[c] / M : 0;
        v->s.a[c] = (float)scale;
        v->s.b[c] = (float)b;
        v->s.c[c] = (float)(-scale * mean_dy);
    }
    repeat(v, v->s.a);
    repeat(v, v->s.b);
    repeat(v, v->s.c);
}

static int batchnorm_backward(struct nn_op *op, const struct nn_args *a,
                              struct error *err)
{
    struct values v = values_of(&op->d, a);
    const float *mean = a->state, *factor = mean + v.C;
    size_t all = (size_t)op->d.N * op->d.H * op->d.W * v.C;

    (void)err;
    memcpy(v.s.mean, mean, v.C * sizeof *mean);
    repeat(&v, v.s.mean);
    if (op->d.training || a->dw != NULL)
        take_sums(&v, GRADIENT);
    for (size_t c = 0; c < v.C && a->dw != NULL; c++) {
        a->dw[c] = (float)(v.s.sum_z[c] * (double)factor[c]);
        a->dw[v.C + c] = (float)v.s.sum[c];
    }
    if (a->dx == NULL)
        return 0;
    find_factors(&v);
    if (op->d.relu)
        norm_gated_gradient(a->dx, a->dy, a->y, a->x, v.s.mean, v.s.a, v.s.b, v.s.c, v.n,
                            v.L);
    else
        norm_gradient(a->dx, a->dy, a->x, v.s.mean, v.s.a, v.s.b, v.s.c, v.n, v.L);
    memset(a->dx + v.n, 0, (all - v.n) * sizeof *a->dx);
    return 0;
}

static int batchnorm_prepare(struct nn_device *dev, const struct nn_op_desc *desc,
                             struct nn_op **op, struct error *err)
{
    int rc = onednn_prepare_loops(dev, desc, op, err);

    (*op)->n_weights = (2 * (size_t)desc->C + 15) / 16 * 16;
    (*op)->n_state = 2 * (size_t)desc->C * sizeof(float);
    (*op)->n_work = scratch_size(desc);
    return rc;
}

static int batchnorm_pack(struct nn_op *op, float *w, const float *weight,
                          const float *bias, void *work, struct error *err)
{
    (void)work;
    (void)err;
    memcpy(w, weight, (size_t)op->d.C * sizeof *w);
    memcpy(w + op->d.C, bias, (size_t)op->d.C * sizeof *w);
    return 0;
}

static int batchnorm_unpack(struct nn_op *op, const float *w, float *weight, float *bias,
                            void *work, struct error *err)
{
    (void)work;
    (void)err;
    memcpy(weight, w, (size_t)op->d.C * sizeof *w);
    memcpy(bias, w + op->d.C, (size_t)op->d.C * sizeof *w);
    return 0;
}

const struct onednn_code onednn_batchnorm = {
    .prepare = batchnorm_prepare,
    .discard = onednn_discard_loops,
    .forward = batchnorm_forward,
    .backward = batchnorm_backward,
    .pack = batchnorm_pack,
    .unpack = batchnorm_unpack,
};
