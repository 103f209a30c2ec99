/* cuDNN: convolutions computed. The windows of a picture become the rows of a matrix
 * (P Q x C R S of one group); the rest are products, summed in double. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dnn.h"
#include "memory.h"
#include "product.h"
#include "told.h"

/* One picture and one group of a convolution, and room for them. */
struct part {
    const struct dnn_conv *c;
    int n, group, C, K, R, S, P, Q; /* C, K: of the group */
    size_t pixels, taps;            /* P Q, C R S */
    float *windows;                 /* pixels x taps */
    float *filter;                  /* K x taps */
    float *y;                       /* pixels x K */
    double *sum;
};

static void *room(size_t n, size_t size)
{
    void *p = calloc(n + 1, size);

    if (p == NULL)
        told_stop("out of memory for the double itself");
    return p;
}

static void part_open(struct part *p, const struct dnn_conv *c)
{
    size_t x = (size_t)c->xd.dim[2] * c->xd.dim[3], most;

    *p = (struct part){ .c = c,
                        .C = c->wd.dim[1],
                        .K = c->wd.dim[0] / c->cd.groups,
                        .R = c->wd.dim[2],
                        .S = c->wd.dim[3],
                        .P = c->yd.dim[2],
                        .Q = c->yd.dim[3] };
    p->pixels = (size_t)p->P * p->Q;
    p->taps = (size_t)p->C * p->R * p->S;
    most = p->pixels * p->K;
    most = c->pass == DNN_DATA && p->pixels * p->taps > most ? p->pixels * p->taps : most;
    most = c->pass == DNN_FILTER && p->taps * p->K > most ? p->taps * p->K : most;
    p->windows = room(p->pixels * p->taps, sizeof(float));
    p->filter = room(p->K * p->taps, sizeof(float));
    p->y = room(p->pixels * p->K, sizeof(float));
    p->sum = room(most > x * p->C ? most : x * p->C, sizeof(double));
}

static void part_close(struct part *p)
{
    free(p->windows);
    free(p->filter);
    free(p->y);
    free(p->sum);
}

/* Where tap (c, r, s) of the group's filter k is in memory. */
static size_t filter_at(const struct part *p, int k, int c, int r, int s)
{
    size_t row = (size_t)(p->group * p->K + k);

    if (p->c->cd.mode == CUDNN_CONVOLUTION) { /* turned by half */
        r = p->R - 1 - r;
        s = p->S - 1 - s;
    }
    if (p->c->wd.format == CUDNN_TENSOR_NHWC)
        return ((row * p->R + r) * p->S + s) * p->C + c;
    return ((row * p->C + c) * p->R + r) * p->S + s;
}

static size_t tensor_at(const struct cudnnTensorStruct *t, int n, int c, int h, int w)
{
    return (size_t)n * t->stride[0] + (size_t)c * t->stride[1] +
           (size_t)h * t->stride[2] + (size_t)w * t->stride[3];
}

/* The row of x that output row p sees through tap row r; -1: it is padding. */
static int seen(const struct part *part, int i, int p, int r)
{
    const struct cudnnConvolutionStruct *cd = &part->c->cd;
    int h = p * cd->stride[i] - cd->pad[i] + r * cd->dilation[i];

    return h >= 0 && h < part->c->xd.dim[2 + i] ? h : -1;
}

static void take_filter(struct part *p)
{
    for (int k = 0; k < p->K; k++)
        for (int r = 0; r < p->R; r++)
            for (int s = 0; s < p->S; s++)
                for (int c = 0; c < p->C; c++)
                    p->filter[k * p->taps + ((size_t)r * p->S + s) * p->C + c] =
                        p->c->w[filter_at(p, k, c, r, s)];
}

static void take_y(struct part *p)
{
    const struct cudnnTensorStruct *t = &p->c->yd;

    for (size_t i = 0; i < p->pixels; i++)
        for (int k = 0; k < p->K; k++)
            p->y[i * p->K + k] = p->c->y[tensor_at(t, p->n, p->group * p->K + k,
                                                   (int)(i / p->Q), (int)(i % p->Q))];
}

static void take_windows(struct part *p)
{
    const struct cudnnTensorStruct *t = &p->c->xd;
    float *to = p->windows;

    for (size_t i = 0; i < p->pixels; i++) {
        for (int r = 0; r < p->R; r++) {
            for (int s = 0; s < p->S; s++) {
                int h = seen(p, 0, (int)(i / p->Q), r),
                    w = seen(p, 1, (int)(i % p->Q), s);
                const float *x = p->c->x;
                if (h >= 0 && w >= 0)
                    x += tensor_at(t, p->n, p->group * p->C, h, w);
                for (int c = 0; c < p->C; c++)
                    *to++ = h < 0 || w < 0 ? 0 : x[(size_t)c * t->stride[1]];
            }
        }
    }
}

/* Of an algorithm that does not repeat itself: the last bit of some values. */
static float unsteady(const struct dnn_conv *c, float v)
{
    static unsigned turn;

    turn = turn * 1664525u + 1013904223u;
    return c->unsteady && turn >> 30 == 0 ? nextafterf(v, INFINITY) : v;
}

static void give(const struct dnn_conv *c, size_t at, double v)
{
    v *= (double)c->alpha;
    if (c->beta != 0) /* else it may hold what is no number */
        v += (double)c->beta * (double)c->to[at];
    c->to[at] = unsteady(c, (float)v);
}

static void zero(double *sum, size_t n)
{
    memset(sum, 0, n * sizeof *sum);
}

static void forward(struct part *p)
{
    struct matrix a = { p->windows, (ptrdiff_t)p->taps, 1 };
    struct matrix b = { p->filter, 1, (ptrdiff_t)p->taps };

    take_filter(p);
    for (p->n = 0; p->n < p->c->xd.dim[0]; p->n++) {
        take_windows(p);
        zero(p->sum, p->pixels * p->K);
        product_add(p->sum, p->pixels, p->K, p->taps, a, b, p->c->coarse);
        for (size_t i = 0; i < p->pixels; i++)
            for (int k = 0; k < p->K; k++)
                give(p->c,
                     tensor_at(&p->c->yd, p->n, p->group * p->K + k, (int)(i / p->Q),
                               (int)(i % p->Q)),
                     p->sum[i * p->K + k]);
    }
}

/* Adds what each window got back to the picture: H W x C. */
static void scatter(struct part *p, const double *windows, double *x)
{
    for (size_t i = 0; i < p->pixels; i++) {
        for (int r = 0; r < p->R; r++) {
            for (int s = 0; s < p->S; s++) {
                int h = seen(p, 0, (int)(i / p->Q), r),
                    w = seen(p, 1, (int)(i % p->Q), s);
                for (int c = 0; c < p->C && h >= 0 && w >= 0; c++)
                    x[((size_t)h * p->c->xd.dim[3] + w) * p->C + c] += windows[c];
                windows += p->C;
            }
        }
    }
}

static void backward_data(struct part *p)
{
    int H = p->c->xd.dim[2], W = p->c->xd.dim[3];
    double *x = room((size_t)H * W * p->C, sizeof *x);
    struct matrix a = { p->y, p->K, 1 }, b = { p->filter, (ptrdiff_t)p->taps, 1 };

    take_filter(p);
    for (p->n = 0; p->n < p->c->xd.dim[0]; p->n++) {
        take_y(p);
        zero(p->sum, p->pixels * p->taps);
        product_add(p->sum, p->pixels, p->taps, p->K, a, b, p->c->coarse);
        zero(x, (size_t)H * W * p->C);
        scatter(p, p->sum, x);
        for (int i = 0; i < H * W; i++)
            for (int c = 0; c < p->C; c++)
                give(p->c, tensor_at(&p->c->xd, p->n, p->group * p->C + c, i / W, i % W),
                     x[(size_t)i * p->C + c]);
    }
    free(x);
}

static void backward_filter(struct part *p)
{
    struct matrix a = { p->y, 1, p->K }, b = { p->windows, (ptrdiff_t)p->taps, 1 };

    zero(p->sum, p->K * p->taps);
    for (p->n = 0; p->n < p->c->xd.dim[0]; p->n++) {
        take_y(p);
        take_windows(p);
        product_add(p->sum, p->K, p->taps, p->pixels, a, b, p->c->coarse);
    }
    for (int k = 0; k < p->K; k++)
        for (int r = 0; r < p->R; r++)
            for (int s = 0; s < p->S; s++)
                for (int c = 0; c < p->C; c++)
                    give(p->c, filter_at(p, k, c, r, s),
                         p->sum[k * p->taps + ((size_t)r * p->S + s) * p->C + c]);
}

void dnn_run(void *payload)
{
    const struct dnn_conv *c = payload;
    struct part p;

    memory_poison(c->work, c->n_work); /* nothing may be expected there, nor kept */
    part_open(&p, c);
    for (p.group = 0; p.group < c->cd.groups; p.group++) {
        if (c->pass == DNN_FORWARD)
            forward(&p);
        else if (c->pass == DNN_DATA)
            backward_data(&p);
        else
            backward_filter(&p);
    }
    part_close(&p);
}
