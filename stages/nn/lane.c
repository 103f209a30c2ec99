#include "nn/lane.h"

#include <assert.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/mem.h"
#include "nn/loss.h"
#include "nn/memory.h"
#include "nn/prepared.h"

enum { LANE_PROGRAMS = 2 };

struct lane {
    const struct nn_backend *b;
    const struct graph *graph;
    struct prepared prepared[LANE_PROGRAMS];
    int n_programs;
    struct prepared *run; /* the one under way */
    int index, N;         /* its number; pictures it has room for */
    int first, count, batch;
    struct nn_device *dev;
    void *mem, *host; /* one block on the device, one in host memory */
    size_t n_mem, n_host;
    float *work;                             /* device scratch */
    struct lane_attack attack;               /* device */
    float *logits, *dlogits, *zero, *losses; /* host */
};

static size_t picture_values(const struct lane *l)
{
    return (size_t)l->graph->H * l->graph->W * l->graph->C;
}

/* Of one output that gives logits: values of a picture, and of all. */
static size_t logits_each(const struct lane *l)
{
    return (size_t)l->graph->places * l->graph->classes;
}

static size_t logits_size(const struct lane *l)
{
    return (size_t)l->N * logits_each(l);
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

/* The programs take turns in the same memory; behind it lie the gradients of weights, and
 * the scratch. */
static void place_device(struct lane *l, char *base)
{
    size_t size = 0, work = 0, weights[LANE_PROGRAMS], attack[3];
    bool attacked = l->prepared[0].p->op[0].d.input_gradient;

    for (int k = 0; k < l->n_programs; k++) {
        const struct prepared *q = &l->prepared[k];
        size = q->size > size ? q->size : size;
        work = q->n_work > work ? q->n_work : work;
    }
    l->n_mem = size;
    for (int k = 0; k < l->n_programs; k++)
        weights[k] = memory_reserve(&l->n_mem, l->prepared[k].n_weights);
    work = memory_reserve(&l->n_mem, work + sizeof(float));
    for (int k = 0; k < 3 && attacked; k++)
        attack[k] = memory_reserve(&l->n_mem, l->N * picture_values(l) * sizeof(float));
    if (base == NULL)
        return;
    l->work = (float *)(base + work);
    if (attacked)
        l->attack = (struct lane_attack){ (float *)(base + attack[0]),
                                          (float *)(base + attack[1]),
                                          (float *)(base + attack[2]) };
    for (int k = 0; k < l->n_programs; k++)
        prepared_place(&l->prepared[k], base, base + weights[k], l->work);
}

static size_t place_host(struct lane *l, char *base)
{
    struct block p = { .base = base };
    size_t outs = 1 + (size_t)l->graph->n_aux;

    l->logits = place(&p, outs * logits_size(l));
    l->dlogits = place(&p, outs * logits_size(l));
    l->zero = place(&p, picture_values(l));
    l->losses = place(&p, 2 * (size_t)l->N);
    return p.size;
}

int lane_open(struct lane **lane, const struct nn_backend *backend, int index,
              const struct graph *graph, const struct program *p, int n_programs, int n,
              struct error *err)
{
    struct lane *l = xcalloc(1, sizeof *l);
    int rc;

    assert(n_programs >= 1 && n_programs <= LANE_PROGRAMS);
    *l = (struct lane){ .b = backend, .graph = graph, .index = index, .N = n };
    rc = backend->open(&l->dev, index, err);
    for (int k = 0; k < n_programs && rc == 0; k++)
        rc = prepared_open(&l->prepared[l->n_programs++], backend, l->dev, &p[k], graph,
                           err);
    if (rc < 0)
        goto out;
    place_device(l, NULL);
    rc = backend->alloc(l->dev, l->n_mem, &l->mem, err);
    if (rc < 0)
        goto out;
    place_device(l, l->mem);
    l->n_host = place_host(l, NULL);
    rc = memory_map(&l->host, l->n_host, err);
    if (rc < 0)
        goto out;
    place_host(l, l->host);
    lane_run(l, 0);
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
    for (int k = 0; k < l->n_programs; k++)
        prepared_close(&l->prepared[k]);
    if (l->mem != NULL)
        l->b->free(l->dev, l->mem, l->n_mem);
    l->b->close(l->dev);
    free(l);
}

struct nn_device *lane_device(struct lane *l)
{
    return l->dev;
}

const struct nn_backend *lane_backend(const struct lane *l)
{
    return l->b;
}

struct nn_op *lane_op(struct lane *l, int k, size_t i)
{
    return l->prepared[k].op[i];
}

void *lane_work(struct lane *l)
{
    return l->work;
}

void lane_set_weights(struct lane *l, int k, size_t i, const float *w, float *running)
{
    l->prepared[k].args[i].w = w;
    l->prepared[k].args[i].running = running;
}

const float *lane_gradient(const struct lane *l, int k, size_t i)
{
    return l->prepared[k].args[i].dw;
}

void lane_run(struct lane *l, int k)
{
    l->run = &l->prepared[k];
}

int lane_first(const struct lane *l)
{
    return l->first;
}

int lane_count(const struct lane *l)
{
    return l->count;
}

void lane_share(struct lane *l, int batch, int lanes, bool even)
{
    int each = even ? (batch + lanes - 1) / lanes : l->N, rest = batch - l->index * each;

    l->batch = batch;
    l->first = l->index * each;
    l->count = rest < 0 ? 0 : rest < each ? rest : each;
}

const float *lane_logits(const struct lane *l)
{
    return l->logits;
}

struct lane_attack lane_attack(const struct lane *l)
{
    return l->attack;
}

float *lane_losses(struct lane *l)
{
    return l->losses;
}

static int download_logits(struct lane *l, struct error *err)
{
    const struct program *p = l->run->p;
    int rc = 0;

    if (l->graph->n_outputs > 0)
        return 0;
    for (int k = 0; k < p->n_out && rc == 0; k++)
        rc = l->b->download(l->dev, l->logits + (size_t)k * logits_size(l),
                            l->run->args[p->out[k]].y,
                            (size_t)l->count * logits_each(l) * sizeof *l->logits, err);
    return rc;
}

/* Fills an array, of so many values a picture, behind the lane's pictures. */
static int fill(struct lane *l, float *array, size_t values, struct error *err)
{
    size_t at = l->count * values, end = l->N * values, zeros = picture_values(l);
    int rc = 0;

    for (size_t n; at < end && rc == 0; at += n) {
        n = end - at < zeros ? end - at : zeros;
        rc = l->b->upload(l->dev, array + at, l->zero, n * sizeof *l->zero, err);
    }
    return rc;
}

static int run_from(struct lane *l, size_t first, const struct lane_pass *pass,
                    struct error *err)
{
    struct prepared *q = l->run;
    int rc = 0;

    for (size_t i = first; i < q->p->n && rc == 0; i++) {
        struct nn_args a = q->args[i];
        a.count = l->count;
        if (pass != NULL) {
            a.moves = pass->moves;
            a.draws = pass->draws;
            a.epoch = pass->epoch;
        }
        rc = l->b->forward(q->op[i], &a, err);
    }
    return rc < 0 ? rc : download_logits(l, err);
}

/* The pictures lie in the network's first array, but for the filling. */
static int pass_forward(struct lane *l, const struct lane_pass *pass, struct error *err)
{
    int rc = fill(l, l->run->x, picture_values(l), err);

    return rc < 0 ? rc : run_from(l, 0, pass, err);
}

int lane_resume(struct lane *l, int i, const float *values, struct error *err)
{
    size_t n = prepared_values(l->run, i) / l->N;
    float *y = l->run->args[i].y;
    int rc = l->b->upload(l->dev, y, values, l->count * n * sizeof *values, err);

    if (rc == 0)
        rc = fill(l, y, n, err);
    return rc < 0 ? rc : run_from(l, (size_t)i + 1, NULL, err);
}

static size_t pictures_size(const struct lane *l)
{
    return l->count * picture_values(l) * sizeof(float);
}

int lane_forward(struct lane *l, const float *pixels, const struct lane_pass *pass,
                 struct error *err)
{
    int rc = l->b->upload(l->dev, l->run->x, pixels, pictures_size(l), err);

    return rc < 0 ? rc : pass_forward(l, pass, err);
}

int lane_forward_at(struct lane *l, const float *pixels, struct error *err)
{
    int rc = l->b->copy(l->dev, l->run->x, pixels, pictures_size(l), err);

    return rc < 0 ? rc : pass_forward(l, NULL, err);
}

/* The mean loss of a picture's places; a place without a label (-1) adds 0. */
static float picture_loss(struct lane *l, size_t at, const int32_t *label, double weight)
{
    int classes = l->graph->classes, places = l->graph->places;
    float scale = (float)(weight / l->batch / places);
    double sum = 0;

    for (int p = 0; p < places; p++, at += (size_t)classes) {
        if (label[p] >= 0)
            sum += (double)loss_cross_entropy(l->logits + at, classes, label[p], scale,
                                              l->dlogits + at);
        else
            memset(l->dlogits + at, 0, (size_t)classes * sizeof *l->dlogits);
    }
    return (float)(sum / places);
}

/* Of one output: its loss is added to loss, weighted. */
static void add_losses(struct lane *l, int out, const int32_t *label, float *loss)
{
    size_t at = (size_t)out * logits_size(l), n = logits_each(l);
    double weight = out == 0 ? 1 : l->graph->aux_weight;

    for (int i = 0; i < l->count; i++, at += n) {
        float one = picture_loss(l, at, label + (size_t)i * l->graph->places, weight);
        loss[i] = out == 0 ? one : loss[i] + (float)weight * one;
    }
    memset(l->dlogits + at, 0, (size_t)(l->N - l->count) * n * sizeof *l->dlogits);
}

int lane_loss(struct lane *l, const int32_t *label, float *loss, struct error *err)
{
    int classes = l->graph->classes, least = l->graph->places > 1 ? -1 : 0;

    assert(l->graph->n_outputs == 0);
    for (int i = 0; i < l->count * l->graph->places; i++)
        if (label[i] < least || label[i] >= classes)
            return error_set(err, E_INPUT, "label %d of a network with %d classes",
                             (int)label[i], classes);
    for (int k = 0; k < l->run->p->n_out; k++)
        add_losses(l, k, label, loss);
    return 0;
}

static int upload_dlogits(struct lane *l, struct error *err)
{
    const struct program *p = l->run->p;
    int rc = 0;

    for (int k = 0; k < p->n_out && rc == 0; k++)
        rc = l->b->upload(l->dev, l->run->args[p->out[k]].dy,
                          l->dlogits + (size_t)k * logits_size(l),
                          logits_size(l) * sizeof *l->dlogits, err);
    return rc;
}

/* Whether the gradient with respect to what operator `in` gives is to be made. */
static bool wanted(const struct prepared *q, int in, bool weights)
{
    return !weights ? true : in >= 0 && q->carries[in];
}

/* Operator i: where another has written an input's gradient, its own is added. */
static int backward_one(struct lane *l, size_t i, bool weights, struct error *err)
{
    struct prepared *q = l->run;
    const struct fused *o = &q->p->op[i];
    struct nn_args a = q->args[i];
    int rc;

    a.count = l->count;
    if (!weights)
        a.dw = NULL;
    for (int j = 0; j < o->n_in; j++) {
        if (!wanted(q, o->in[j], weights))
            a.dxs[j] = NULL;
        else if (q->sum[i][j] != NULL)
            a.dxs[j] = q->sum[i][j];
    }
    a.dx = a.dxs[0];
    rc = l->b->backward(q->op[i], &a, err);
    for (int j = 0; j < o->n_in && rc == 0; j++)
        if (a.dxs[j] != NULL && q->sum[i][j] != NULL)
            rc = l->b->add(l->dev, q->args[i].dxs[j], a.dxs[j],
                           prepared_values(q, o->in[j]), err);
    return rc;
}

/* The gradients of the outputs lie in the device's memory. */
static int backward_from_outputs(struct lane *l, bool weights, struct error *err)
{
    int rc = 0;

    for (size_t i = l->run->p->n; i-- > 0 && rc == 0;)
        if (!weights || l->run->carries[i])
            rc = backward_one(l, i, weights, err);
    return rc;
}

static int backward(struct lane *l, bool weights, struct error *err)
{
    int rc = upload_dlogits(l, err);

    return rc < 0 ? rc : backward_from_outputs(l, weights, err);
}

int lane_backward_outputs(struct lane *l, const float *const *dy, float *gradient,
                          struct error *err)
{
    const struct program *p = l->run->p;
    int rc = 0;

    for (int k = 0; k < p->n_out && rc == 0; k++) {
        size_t each = prepared_values(l->run, p->out[k]) / l->N;

        rc = l->b->upload(l->dev, l->run->args[p->out[k]].dy, dy[k] + l->first * each,
                          l->count * each * sizeof *dy[k], err);
    }
    if (rc == 0)
        rc = backward_from_outputs(l, false, err);
    return rc < 0 ? rc
                  : l->b->download(l->dev, gradient, l->run->dx, pictures_size(l), err);
}

int lane_backward_input(struct lane *l, float *gradient, struct error *err)
{
    int rc = backward(l, false, err);

    if (rc < 0)
        return rc;
    return l->b->download(l->dev, gradient, l->run->dx, pictures_size(l), err);
}

int lane_backward_input_at(struct lane *l, float **gradient, struct error *err)
{
    *gradient = l->run->dx;
    return backward(l, false, err);
}

int lane_backward_weights(struct lane *l, struct error *err)
{
    return backward(l, true, err);
}

int lane_tap(struct lane *l, int i, float *values, struct error *err)
{
    size_t n = prepared_values(l->run, i) / l->N * l->count;

    return l->b->download(l->dev, values, l->run->args[i].y, n * sizeof *values, err);
}
