#include "nn/lane.h"

#include <assert.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/mem.h"
#include "nn/loss.h"
#include "nn/memory.h"

struct lane {
    const struct nn_backend *b;
    const struct graph *graph;
    const struct fused *f;
    size_t n_fused;
    int index, N; /* its number; pictures it has room for */
    int first, count, batch;
    struct nn_device *dev;
    struct nn_op **op;    /* n_fused */
    struct nn_args *args; /* n_fused: where everything is */
    void *mem, *host;     /* one block on the device, one in host memory */
    size_t n_mem, n_host;
    float *x, *dx; /* device: the pictures, N x H x W x C; their gradient */
    float *logits, *dlogits, *zero, *scratch, *losses; /* host */
};

static size_t picture_values(const struct lane *l)
{
    return (size_t)l->graph->H * l->graph->W * l->graph->C;
}

static size_t output_values(const struct nn_op_desc *d)
{
    return (size_t)d->N * d->P * d->Q * d->K;
}

/* Where each array is in a block: planned with base NULL, then given out. */
struct block {
    char *base;
    size_t size;
};

static void *place(struct block *p, size_t floats)
{
    size_t at = memory_reserve(&p->size, floats * sizeof(float));

    return p->base != NULL ? p->base + at : NULL;
}

/* Outputs stay until the backward pass; two buffers take turns for gradients. */
static size_t place_device(struct lane *l, char *base)
{
    struct block p = { .base = base };
    size_t largest = l->N * picture_values(l), work = 0;
    float *gradient[2];
    void *scratch;

    for (size_t i = 0; i < l->n_fused; i++) {
        const struct nn_op *op = l->op[i];
        if (output_values(&op->d) > largest)
            largest = output_values(&op->d);
        if (op->n_work > work)
            work = op->n_work;
    }
    l->x = place(&p, l->N * picture_values(l));
    gradient[0] = place(&p, largest);
    gradient[1] = place(&p, largest);
    scratch = place(&p, work / sizeof(float) + 1);
    for (size_t i = 0; i < l->n_fused; i++) {
        struct nn_args *a = &l->args[i];
        a->x = i == 0 ? l->x : l->args[i - 1].y;
        a->y = place(&p, output_values(&l->op[i]->d));
        a->dy = gradient[i % 2];
        a->dx = gradient[(i + 1) % 2];
        a->dw = l->op[i]->d.weight_gradient ? place(&p, l->op[i]->n_weights) : NULL;
        a->work = scratch;
    }
    l->dx = gradient[1];
    return p.size;
}

static size_t place_host(struct lane *l, char *base)
{
    struct block p = { .base = base };
    size_t classes = (size_t)l->graph->classes;

    l->logits = place(&p, l->N * classes);
    l->dlogits = place(&p, l->N * classes);
    l->zero = place(&p, picture_values(l));
    l->scratch = place(&p, 2 * l->N * picture_values(l));
    l->losses = place(&p, 2 * (size_t)l->N);
    return p.size;
}

static int open_operators(struct lane *l, struct error *err)
{
    int rc = 0;

    for (size_t i = 0; i < l->n_fused && rc == 0; i++) {
        rc = l->b->prepare(l->dev, &l->f[i].d, &l->op[i], err);
        if (rc < 0)
            error_context(err, "preparing %s", l->graph->op[l->f[i].from].name);
    }
    return rc;
}

int lane_open(struct lane **lane, const struct nn_backend *backend, int index,
              const struct graph *graph, const struct fused *f, size_t n_fused, int n,
              struct error *err)
{
    struct lane *l = xcalloc(1, sizeof *l);
    int rc;

    *l = (struct lane){
        .b = backend, .graph = graph, .f = f, .n_fused = n_fused, .index = index, .N = n
    };
    l->op = xcalloc(n_fused, sizeof *l->op);
    l->args = xcalloc(n_fused, sizeof *l->args);
    rc = backend->open(&l->dev, index, err);
    if (rc == 0)
        rc = open_operators(l, err);
    if (rc < 0)
        goto out;
    l->n_mem = place_device(l, NULL);
    rc = backend->alloc(l->dev, l->n_mem, &l->mem, err);
    if (rc < 0)
        goto out;
    place_device(l, l->mem);
    l->n_host = place_host(l, NULL);
    rc = memory_map(&l->host, l->n_host, err);
    if (rc < 0)
        goto out;
    place_host(l, l->host);
out:
    if (rc < 0) {
        lane_close(l);
        l = NULL;
    }
    *lane = l;
    return rc;
}

void lane_close(struct lane *l)
{
    if (l == NULL)
        return;
    memory_unmap(l->host, l->n_host);
    for (size_t i = 0; i < l->n_fused; i++)
        if (l->op[i] != NULL)
            l->b->discard(l->op[i]);
    if (l->mem != NULL)
        l->b->free(l->dev, l->mem, l->n_mem);
    l->b->close(l->dev);
    free(l->args);
    free(l->op);
    free(l);
}

struct nn_device *lane_device(struct lane *l)
{
    return l->dev;
}

struct nn_op *lane_op(struct lane *l, size_t i)
{
    return l->op[i];
}

void *lane_work(struct lane *l)
{
    return l->args[0].work;
}

void lane_set_weights(struct lane *l, size_t i, const float *w)
{
    l->args[i].w = w;
}

const float *lane_gradient(const struct lane *l, size_t i)
{
    return l->args[i].dw;
}

int lane_first(const struct lane *l)
{
    return l->first;
}

int lane_count(const struct lane *l)
{
    return l->count;
}

void lane_share(struct lane *l, int batch)
{
    int rest = batch - l->index * l->N;

    l->batch = batch;
    l->first = l->index * l->N;
    l->count = rest < 0 ? 0 : rest < l->N ? rest : l->N;
}

const float *lane_logits(const struct lane *l)
{
    return l->logits;
}

float *lane_scratch(struct lane *l)
{
    return l->scratch;
}

float *lane_losses(struct lane *l)
{
    return l->losses;
}

int lane_forward(struct lane *l, const float *pixels, struct error *err)
{
    size_t n = picture_values(l);
    int rc;

    rc = l->b->upload(l->dev, l->x, pixels, l->count * n * sizeof *pixels, err);
    for (int i = l->count; i < l->N && rc == 0; i++)
        rc = l->b->upload(l->dev, l->x + i * n, l->zero, n * sizeof *l->zero, err);
    for (size_t i = 0; i < l->n_fused && rc == 0; i++)
        rc = l->b->forward(l->op[i], &l->args[i], err);
    if (rc < 0)
        return rc;
    return l->b->download(l->dev, l->logits, l->args[l->n_fused - 1].y,
                          (size_t)l->count * l->graph->classes * sizeof *l->logits, err);
}

int lane_loss(struct lane *l, const int32_t *label, float *loss, struct error *err)
{
    int classes = l->graph->classes;
    float scale = 1.f / (float)l->batch;

    for (int i = 0; i < l->count; i++) {
        if (label[i] < 0 || label[i] >= classes)
            return error_set(err, E_INPUT, "label %d of a network with %d classes",
                             (int)label[i], classes);
        loss[i] = loss_cross_entropy(l->logits + (size_t)i * classes, classes, label[i],
                                     scale, l->dlogits + (size_t)i * classes);
    }
    memset(l->dlogits + (size_t)l->count * classes, 0,
           (size_t)(l->N - l->count) * classes * sizeof *l->dlogits);
    return 0;
}

/* From the last operator down to operator first. */
static int backward(struct lane *l, size_t first, bool weights, struct error *err)
{
    size_t i = l->n_fused;
    int rc;

    rc = l->b->upload(l->dev, l->args[i - 1].dy, l->dlogits,
                      (size_t)l->N * l->graph->classes * sizeof *l->dlogits, err);
    while (i-- > first && rc == 0) {
        struct nn_args a = l->args[i];
        if (!weights)
            a.dw = NULL;
        else if (i == first)
            a.dx = NULL;
        rc = l->b->backward(l->op[i], &a, err);
    }
    return rc;
}

int lane_backward_input(struct lane *l, float *gradient, struct error *err)
{
    int rc = backward(l, 0, false, err);

    if (rc < 0)
        return rc;
    return l->b->download(l->dev, gradient, l->dx,
                          l->count * picture_values(l) * sizeof *gradient, err);
}

int lane_backward_weights(struct lane *l, struct error *err)
{
    size_t first = 0;

    while (first < l->n_fused && l->op[first]->n_weights == 0)
        first++;
    return backward(l, first, true, err);
}

int lane_tap(struct lane *l, size_t i, float *values, struct error *err)
{
    size_t n = output_values(&l->op[i]->d) / l->N * l->count;

    return l->b->download(l->dev, values, l->args[i].y, n * sizeof *values, err);
}
