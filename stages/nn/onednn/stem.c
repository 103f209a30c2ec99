#include "nn/onednn/stem.h"

#include <string.h>

#include "larder/banned.h"
#include "larder/mem.h"
#include "nn/onednn/desc.h"
#include "nn/onednn/prim.h"

struct stem {
    struct nn_device *dev;
    struct nn_op_desc d; /* the convolution as asked for */
    struct desc desc;    /* the one over blocks */
    struct prim data, pack;
    int shift;      /* rows that the kernel grew at its top */
    size_t scratch; /* bytes of the primitives */
};

/* Rows: p stride - pad + i is block p - first + (i + shift) / stride, with first blocks
 * of padding and shift = first stride - pad. */
static struct desc blocks(const struct nn_op_desc *d, int *shift)
{
    int s = d->stride, first = (d->pad + s - 1) / s;
    struct desc b = { .N = d->N,
                      .K = d->K,
                      .P = d->P,
                      .Q = d->Q,
                      .stride = 1,
                      .dilation = 1,
                      .training = true };

    *shift = first * s - d->pad;
    b.C = (s * s * d->C + 15) / 16 * 16;
    b.H = (d->H + s - 1) / s;
    b.W = (d->W + s - 1) / s;
    b.kernel = (d->kernel + *shift + s - 1) / s;
    b.top = b.left = first;
    b.bottom = d->P + b.kernel - 1 - first - b.H;
    b.right = d->Q + b.kernel - 1 - first - b.W;
    return b;
}

bool stem_suits(const struct nn_op_desc *d)
{
    int shift;
    struct desc b;

    if (d->kind != NN_CONV || d->C > 4 || d->stride < 2 || d->stride > 4 ||
        d->dilation != 1)
        return false;
    b = blocks(d, &shift);
    return b.bottom >= 0 && b.right >= 0;
}

int stem_open(struct stem **s, struct nn_device *dev, const struct nn_op_desc *d,
              struct error *err)
{
    static const int args[] = { DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_SRC,
                                0 };
    struct stem *t = xcalloc(1, sizeof *t);
    dnnl_memory_desc_t plain;
    dnnl_primitive_desc_t pd;
    int rc;

    t->dev = dev;
    t->d = *d;
    t->desc = blocks(d, &t->shift);
    rc = desc_data(&pd, dev, &t->desc, err);
    if (rc < 0)
        goto out;
    rc = prim_open(&t->data, dev, pd, args, err);
    if (rc < 0)
        goto out;
    desc_plain_weights(&plain, &t->desc);
    rc = prim_open_reorder(&t->pack, dev, &plain, prim_layout(&t->data, DNNL_ARG_WEIGHTS),
                           err);
    t->scratch =
        t->data.n_scratch > t->pack.n_scratch ? t->data.n_scratch : t->pack.n_scratch;
    t->scratch = (t->scratch + 63) / 64 * 64;
out:
    if (rc < 0) {
        stem_close(t);
        t = NULL;
    }
    *s = t;
    return rc;
}

void stem_close(struct stem *s)
{
    if (s == NULL)
        return;
    prim_close(&s->pack);
    prim_close(&s->data);
    free(s);
}

size_t stem_derived(const struct stem *s)
{
    size_t n = dnnl_memory_desc_get_size(prim_layout(&s->data, DNNL_ARG_WEIGHTS));

    return (n / sizeof(float) + 15) / 16 * 16;
}

static size_t n_weight(const struct stem *s)
{
    return (size_t)s->desc.K * s->desc.C * s->desc.kernel * s->desc.kernel;
}

static size_t n_blocks(const struct stem *s)
{
    return (size_t)s->desc.N * s->desc.H * s->desc.W * s->desc.C;
}

size_t stem_work(const struct stem *s)
{
    size_t n = n_blocks(s) > n_weight(s) ? n_blocks(s) : n_weight(s);

    return s->scratch + n * sizeof(float);
}

const char *stem_impl(const struct stem *s)
{
    return s->data.impl;
}

int stem_refresh(struct stem *s, float *derived, const float *weight, void *work,
                 struct error *err)
{
    float *blocked = (float *)((char *)work + s->scratch);
    int stride = s->d.stride, size = s->d.kernel, C = s->d.C, B = s->desc.kernel;

    memset(blocked, 0, n_weight(s) * sizeof *blocked);
    for (int k = 0; k < s->d.K; k++) {
        for (int c = 0; c < C; c++) {
            for (int i = 0; i < size; i++) {
                for (int j = 0; j < size; j++) {
                    int h = i + s->shift, w = j + s->shift;
                    int channel = (h % stride * stride + w % stride) * C + c;
                    blocked[(((size_t)k * s->desc.C + channel) * B + h / stride) * B +
                            w / stride] = *weight++;
                }
            }
        }
    }
    prim_bind(&s->pack, DNNL_ARG_FROM, blocked);
    prim_bind(&s->pack, DNNL_ARG_TO, derived);
    prim_bind(&s->pack, DNNL_ARG_SCRATCHPAD, work);
    return prim_run(&s->pack, s->dev, err);
}

/* One row of pixels out of a row of blocks: run values from each. */
static void copy_row(float *to, const float *from, int step, int run, int n)
{
    int i = 0;

    if (run == 6) /* stride 2 on three channels: a copy of known size is two moves */
        for (; i + run <= n; i += 6, from += step)
            memcpy(to + i, from, 6 * sizeof *to);
    for (; i < n; i += run, from += step)
        memcpy(to + i, from, (size_t)(n - i < run ? n - i : run) * sizeof *to);
}

int stem_backward(struct stem *s, const float *derived, const float *dy, float *dx,
                  void *work, struct error *err)
{
    float *blocked = (float *)((char *)work + s->scratch);
    int H = s->d.H, W = s->d.W, C = s->d.C, stride = s->d.stride, rc;
    const struct desc *b = &s->desc;

    prim_bind(&s->data, DNNL_ARG_DIFF_DST, dy);
    prim_bind(&s->data, DNNL_ARG_WEIGHTS, derived);
    prim_bind(&s->data, DNNL_ARG_DIFF_SRC, blocked);
    prim_bind(&s->data, DNNL_ARG_SCRATCHPAD, work);
    rc = prim_run(&s->data, s->dev, err);
    if (rc < 0)
        return rc;
    for (int n = 0; n < b->N; n++)
        for (int h = 0; h < H; h++)
            copy_row(dx + ((size_t)n * H + h) * W * C,
                     blocked + ((size_t)n * b->H + h / stride) * b->W * b->C +
                         h % stride * stride * C,
                     b->C, stride * C, W * C);
    return 0;
}
