#include "segment/scales.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "larder/mem.h"
#include "nn/deeplab.h"
#include "segment/bilinear.h"

#include "larder/banned.h"

enum { MOST = 3 };

static const double factor[MOST] = { 1, .5, .75 };

/* One scale: its network, and room for a batch. */
struct scale {
    struct graph *graph;
    struct net *net;
    struct map_size in, out; /* pixels, logits */
    float *pixels, *logits;
};

struct scales {
    struct scales_use use;
    bool full;
    int labels, n; /* n: scales */
    int height, width;
    struct scale scale[MOST];
    float *fused; /* of a batch */
};

static size_t size_of(struct map_size m)
{
    return (size_t)m.height * m.width * m.values;
}

int scales_open(struct scales **result, const struct scales_use *use, struct error *err)
{
    const struct tensor *last = tensors_find(use->weights, "base.aspp.c0.bias");
    bool full =
        tensors_find(use->weights, "base.layer4.block23.reduce.conv.weight") != NULL;
    struct scales *s;

    if (last == NULL || last->n_dims != 1)
        return error_set(err, E_INPUT,
                         "not the weights of a DeepLab: there is no "
                         "base.aspp.c0.bias");
    s = xcalloc(1, sizeof *s);
    *s = (struct scales){ .use = *use,
                          .full = full,
                          .labels = (int)last->dim[0],
                          .n = use->several ? MOST : 1 };
    *result = s;
    return 0;
}

static void close_scales(struct scales *s)
{
    for (int k = 0; k < MOST; k++) {
        struct scale *v = &s->scale[k];

        net_close(v->net);
        graph_free(v->graph);
        free(v->pixels);
        free(v->logits);
        *v = (struct scale){ 0 };
    }
    free(s->fused);
    s->fused = NULL;
    s->height = s->width = 0;
}

void scales_close(struct scales *s)
{
    if (s == NULL)
        return;
    close_scales(s);
    free(s);
}

int scales_labels(const struct scales *s)
{
    return s->labels;
}

static int open_scale(struct scales *s, int k, struct error *err)
{
    const struct net_options o = { .batch = s->use.batch,
                                   .lanes = s->use.lanes,
                                   .threads = s->use.threads };
    struct scale *v = &s->scale[k];
    const struct graph_op *last;
    int rc;

    v->in = (struct map_size){ (int)floor(s->height * factor[k]),
                               (int)floor(s->width * factor[k]), 3 };
    if (v->in.height < 1 || v->in.width < 1)
        return error_set(err, E_INPUT, "a picture of %d x %d is too small for %g of it",
                         s->width, s->height, factor[k]);
    v->graph = s->full ? deeplab_full(s->labels, v->in.height, v->in.width)
                       : deeplab_mini(s->labels, v->in.height, v->in.width);
    last = &v->graph->op[v->graph->n_ops - 1];
    v->out = (struct map_size){ last->H, last->W, s->labels };
    rc = net_open(&v->net, v->graph, &o, err);
    if (rc == 0)
        rc = net_set_parameters(v->net, s->use.weights, err);
    v->pixels = xcalloc(s->use.batch * size_of(v->in), sizeof *v->pixels);
    v->logits = xcalloc(s->use.batch * size_of(v->out), sizeof *v->logits);
    return rc;
}

static int open_scales(struct scales *s, int height, int width, struct error *err)
{
    int rc = 0;

    if (s->height == height && s->width == width)
        return 0;
    close_scales(s);
    s->height = height;
    s->width = width;
    for (int k = 0; k < s->n && rc == 0; k++)
        rc = open_scale(s, k, err);
    s->fused = xcalloc(s->use.batch * size_of(s->scale[0].out), sizeof *s->fused);
    if (rc < 0)
        close_scales(s);
    return rc;
}

static int forward(struct scales *s, int k, const float *pixels, int n, struct error *err)
{
    struct scale *v = &s->scale[k];
    struct map_size in = s->scale[0].in;
    double step = s->use.by_factor ? 1 / factor[k] : 0;

    if (k == 0)
        return net_forward(v->net, pixels, n, v->logits, err);
    for (int i = 0; i < n; i++)
        bilinear_resize(pixels + i * size_of(in), in, v->pixels + i * size_of(v->in),
                        v->in, step);
    return net_forward(v->net, v->pixels, n, v->logits, err);
}

static void take_larger(float *to, const float *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = v[i] > to[i] ? v[i] : to[i];
}

/* The largest of each logit of picture i, into fused. */
static void fuse(struct scales *s, int i, float *room)
{
    struct map_size to = s->scale[0].out;
    float *fused = s->fused + i * size_of(to);

    memcpy(fused, s->scale[0].logits + i * size_of(to), size_of(to) * sizeof *fused);
    for (int k = 1; k < s->n; k++) {
        struct map_size from = s->scale[k].out;

        bilinear_resize(s->scale[k].logits + i * size_of(from), from, room, to, 0);
        take_larger(fused, room, size_of(to));
    }
}

int scales_run(struct scales *s, const float *pixels, int n, int height, int width,
               int *label, struct error *err)
{
    struct map_size image = { height, width, 1 }, out;
    float *room;
    int rc = open_scales(s, height, width, err);

    for (int k = 0; k < s->n && rc == 0; k++)
        rc = forward(s, k, pixels, n, err);
    if (rc < 0)
        return rc;
    out = s->scale[0].out;
    room = xcalloc(size_of(out), sizeof *room);
    for (int i = 0; i < n; i++) {
        fuse(s, i, room);
        bilinear_largest(s->fused + i * size_of(out), out,
                         label + (size_t)i * height * width, image);
    }
    free(room);
    return 0;
}

const float *scales_logits(const struct scales *s, int *h, int *w)
{
    *h = s->scale[0].out.height;
    *w = s->scale[0].out.width;
    return s->fused;
}
