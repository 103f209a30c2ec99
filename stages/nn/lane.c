#include "nn/lane.h"

#include <assert.h>
#include <stdlib.h>

#include "kit/draws.h"
#include "larder/banned.h"
#include "larder/mem.h"
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
    struct desk {
        char *block; /* activations: the programs take turns in them */
        float *work; /* scratch */
        size_t size, n_work;
    } desk; /* needed while it computes; its own, unless it was opened beside another */
    void *mem; /* one block on the device, where all that is its own is */
    size_t n_mem;
    float *x, *y;                    /* the pictures; what comes out */
    float *gradients[LANE_PROGRAMS]; /* of the weights */
    int32_t *label;
    float *loss, *place_loss; /* of each picture; of each of its places */
    struct draws *draws;      /* of each picture, */
    uint64_t *epoch;          /* and part of them */
    struct lane_attack attack;
    struct waiting {
        float *pixels;
        int32_t *label;
        struct draws *draws;
        uint64_t *epoch;
    } waiting[2];
    float *zero; /* of the host: values of a picture that are 0 */
};

/* Where each array is in a block: planned with base NULL, then given out. */
struct block {
    char *base;
    size_t size;
};

static void *place(struct block *p, size_t bytes)
{
    size_t at = memory_reserve(&p->size, bytes);

    return p->base != NULL ? p->base + at : NULL;
}

static void place_attack(struct lane *l, struct block *p)
{
    size_t pictures = (size_t)l->N * graph_picture(l->graph) * sizeof(float);

    l->attack.x0 = place(p, pictures);
    l->attack.x = place(p, pictures);
    l->attack.best = place(p, pictures);
    l->attack.best_loss = place(p, (size_t)l->N * sizeof(float));
    l->attack.reach = place(p, sizeof *l->attack.reach);
}

static void place_losses(struct lane *l, struct block *p)
{
    size_t places = (size_t)l->N * (size_t)l->graph->places;

    l->label = place(p, places * sizeof *l->label);
    l->place_loss = place(p, places * sizeof *l->place_loss);
    l->loss = place(p, (size_t)l->N * sizeof *l->loss);
    l->draws = place(p, (size_t)l->N * sizeof *l->draws);
    l->epoch = place(p, sizeof *l->epoch);
}

static void place_waiting(struct lane *l, struct block *p)
{
    size_t n = (size_t)l->N;

    for (int k = 0; k < 2; k++) {
        struct waiting *w = &l->waiting[k];

        w->pixels = place(p, n * graph_picture(l->graph) * sizeof *w->pixels);
        w->label = place(p, n * (size_t)l->graph->places * sizeof *w->label);
        w->draws = place(p, n * sizeof *w->draws);
        w->epoch = place(p, sizeof *w->epoch);
    }
}

static void measure_desk(struct lane *l)
{
    struct desk *d = &l->desk;

    for (int k = 0; k < l->n_programs; k++) {
        const struct prepared *q = &l->prepared[k];
        d->size = q->size > d->size ? q->size : d->size;
        d->n_work = q->n_work > d->n_work ? q->n_work : d->n_work;
    }
}

static void place_desk(struct lane *l, struct block *p)
{
    l->desk.block = place(p, l->desk.size);
    l->desk.work = place(p, l->desk.n_work + sizeof(float));
}

/* Of the program that gives more. */
static size_t values_given(const struct lane *l)
{
    size_t most = 0;

    for (int k = 0; k < l->n_programs; k++) {
        const struct prepared *q = &l->prepared[k];
        size_t n = prepared_values(q, q->p->out[0]);
        most = n > most ? n : most;
    }
    return most;
}

/* Returns the bytes of all. */
static size_t place_all(struct lane *l, const struct lane *beside, char *base)
{
    struct block p = { .base = base };

    if (beside == NULL)
        place_desk(l, &p);
    l->x = place(&p, (size_t)l->N * graph_picture(l->graph) * sizeof *l->x);
    l->y = place(&p, values_given(l) * sizeof *l->y);
    for (int k = 0; k < l->n_programs; k++)
        l->gradients[k] = place(&p, l->prepared[k].n_weights);
    place_losses(l, &p);
    if (l->prepared[0].p->op[0].d.input_gradient)
        place_attack(l, &p);
    if (l->prepared[l->n_programs - 1].p->use.weight_gradient)
        place_waiting(l, &p);
    return p.size;
}

static void place_programs(struct lane *l)
{
    for (int k = 0; k < l->n_programs; k++)
        prepared_place(&l->prepared[k],
                       &(struct prepared_room){ .block = l->desk.block,
                                                .x = l->x,
                                                .y = l->y,
                                                .weights = (char *)l->gradients[k],
                                                .work = l->desk.work });
}

static int take_memory(struct lane *l, const struct lane *beside, struct error *err)
{
    int rc;

    measure_desk(l);
    if (beside != NULL) { /* the same operators need the same */
        assert(l->desk.size == beside->desk.size);
        assert(l->desk.n_work == beside->desk.n_work);
        l->desk = beside->desk;
    }
    l->n_mem = place_all(l, beside, NULL);
    rc = l->b->alloc(l->dev, l->n_mem, &l->mem, err);
    if (rc < 0)
        return rc;
    place_all(l, beside, l->mem);
    place_programs(l);
    return 0;
}

int lane_open(struct lane **lane, const struct nn_backend *backend, int index,
              const struct graph *graph, const struct program *p, int n_programs, int n,
              const struct lane *beside, struct error *err)
{
    struct lane *l = xcalloc(1, sizeof *l);
    int rc;

    assert(n_programs >= 1 && n_programs <= LANE_PROGRAMS);
    *l = (struct lane){ .b = backend, .graph = graph, .index = index, .N = n };
    rc = backend->open(&l->dev, index, err);
    for (int k = 0; k < n_programs && rc == 0; k++)
        rc = prepared_open(&l->prepared[l->n_programs++], backend, l->dev, &p[k], graph,
                           err);
    if (rc == 0)
        rc = take_memory(l, beside, err);
    if (rc < 0)
        goto out;
    l->zero = xcalloc(graph_picture(l->graph), sizeof *l->zero);
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
    free(l->zero);
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
    return l->desk.work;
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

struct lane_part lane_part(const struct lane *like, int index, int batch, int lanes,
                           bool even)
{
    int each = even ? (batch + lanes - 1) / lanes : like->N, rest = batch - index * each;

    return (struct lane_part){ .first = index * each,
                               .count = rest < 0      ? 0
                                        : rest < each ? rest
                                                      : each };
}

void lane_share(struct lane *l, int batch, int lanes, bool even)
{
    struct lane_part p = lane_part(l, l->index, batch, lanes, even);

    l->batch = batch;
    l->first = p.first;
    l->count = p.count;
}

float *lane_gradients(const struct lane *l, int k, size_t *n)
{
    *n = l->prepared[k].n_weights / sizeof(float);
    return l->gradients[k];
}

struct lane_attack lane_attack(const struct lane *l)
{
    return l->attack;
}

int lane_logits(struct lane *l, float *logits, struct error *err)
{
    return l->b->download(l->dev, logits, l->y,
                          (size_t)l->count * graph_logits(l->graph) * sizeof *logits,
                          err);
}

/* Fills an array, of so many values a picture, behind the lane's pictures. */
static int fill(struct lane *l, float *array, size_t values, struct error *err)
{
    size_t at = l->count * values, end = l->N * values, zeros = graph_picture(l->graph);
    int rc = 0;

    for (size_t n; at < end && rc == 0; at += n) {
        n = end - at < zeros ? end - at : zeros;
        rc = l->b->upload(l->dev, array + at, l->zero, n * sizeof *l->zero, err);
    }
    return rc;
}

static int run_from(struct lane *l, size_t first, bool moves, struct error *err)
{
    struct prepared *q = l->run;
    int rc = 0;

    for (size_t i = first; i < q->p->n && rc == 0; i++) {
        struct nn_args a = q->args[i];
        a.count = l->count;
        a.moves = moves;
        a.draws = l->draws;
        a.epoch = l->epoch;
        rc = l->b->forward(q->op[i], &a, err);
    }
    return rc;
}

static int upload_draws(struct lane *l, const struct lane_pass *pass, struct error *err)
{
    int rc;

    if (pass == NULL || pass->draws == NULL)
        return 0;
    rc = l->b->upload(l->dev, l->draws, pass->draws, l->count * sizeof *l->draws, err);
    return rc < 0 ? rc
                  : l->b->upload(l->dev, l->epoch, &pass->epoch, sizeof *l->epoch, err);
}

/* The pictures lie in the network's first array, but for the filling. */
static int pass_forward(struct lane *l, const struct lane_pass *pass, struct error *err)
{
    int rc = fill(l, l->run->x, graph_picture(l->graph), err);

    if (rc == 0)
        rc = upload_draws(l, pass, err);
    return rc < 0 ? rc : run_from(l, 0, pass != NULL && pass->moves, err);
}

int lane_resume(struct lane *l, int i, const float *values, struct error *err)
{
    size_t n = prepared_values(l->run, i) / l->N;
    float *y = l->run->args[i].y;
    int rc = l->b->upload(l->dev, y, values, l->count * n * sizeof *values, err);

    if (rc == 0)
        rc = fill(l, y, n, err);
    return rc < 0 ? rc : run_from(l, (size_t)i + 1, false, err);
}

static size_t pictures_size(const struct lane *l)
{
    return l->count * graph_picture(l->graph) * sizeof(float);
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

static int check_labels(const struct lane *l, const int32_t *label, size_t n,
                        struct error *err)
{
    int classes = l->graph->classes, least = l->graph->places > 1 ? -1 : 0;

    assert(l->graph->n_outputs == 0);
    for (size_t i = 0; i < n; i++)
        if (label[i] < least || label[i] >= classes)
            return error_set(err, E_INPUT, "label %d of a network with %d classes",
                             (int)label[i], classes);
    return 0;
}

int lane_set_labels(struct lane *l, const int32_t *label, struct error *err)
{
    size_t n = (size_t)l->count * (size_t)l->graph->places;
    int rc = check_labels(l, label, n, err);

    return rc < 0 ? rc : l->b->upload(l->dev, l->label, label, n * sizeof *label, err);
}

/* The losses of the auxiliary heads are added, weighted. */
int lane_loss_at(struct lane *l, float **loss, struct error *err)
{
    const struct program *p = l->run->p;
    int rc = 0;

    *loss = l->loss;
    for (int k = 0; k < p->n_out && rc == 0; k++) {
        double weight = k == 0 ? 1 : l->graph->aux_weight;
        const struct nn_args *out = &l->run->args[p->out[k]];

        rc = l->b->loss(
            l->dev,
            &(struct nn_loss){ .logits = out->y,
                               .label = l->label,
                               .loss = l->loss,
                               .dlogits = out->dy,
                               .work = l->place_loss,
                               .n = l->count,
                               .room = l->N,
                               .places = l->graph->places,
                               .classes = l->graph->classes,
                               .adds = k > 0,
                               .weight = (float)weight,
                               .scale = (float)(weight / l->batch / l->graph->places) },
            err);
    }
    return rc;
}

int lane_losses(struct lane *l, float *loss, struct error *err)
{
    return l->b->download(l->dev, loss, l->loss, l->count * sizeof *loss, err);
}

int lane_loss(struct lane *l, const int32_t *label, float *loss, struct error *err)
{
    float *at;
    int rc = lane_set_labels(l, label, err);

    if (rc == 0)
        rc = lane_loss_at(l, &at, err);
    return rc < 0 ? rc : lane_losses(l, loss, err);
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

/* From the gradients of the outputs. */
static int backward(struct lane *l, bool weights, struct error *err)
{
    int rc = 0;

    for (size_t i = l->run->p->n; i-- > 0 && rc == 0;)
        if (!weights || l->run->carries[i])
            rc = backward_one(l, i, weights, err);
    return rc;
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
        rc = backward(l, false, err);
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

/* To a place in the network's memory. */
static int take_pictures(struct lane *l, float *to, const float *from, bool clamped,
                         struct error *err)
{
    return clamped ? l->b->clamp(l->dev, to, from, l->N * graph_picture(l->graph), err)
                   : l->b->copy(l->dev, to, from, pictures_size(l), err);
}

int lane_put(struct lane *l, int k, const struct lane_batch *b, struct error *err)
{
    const struct waiting *w = &l->waiting[k];
    size_t places = (size_t)l->N * (size_t)l->graph->places;
    int rc = check_labels(l, b->label, places, err);

    if (rc == 0)
        rc = l->b->send(l->dev, w->pixels, b->pixels,
                        l->N * graph_picture(l->graph) * sizeof *w->pixels, err);
    if (rc == 0)
        rc = l->b->send(l->dev, w->label, b->label, places * sizeof *w->label, err);
    if (rc == 0 && b->draws != NULL)
        rc = l->b->send(l->dev, w->draws, b->draws, l->N * sizeof *w->draws, err);
    return rc < 0 ? rc : l->b->send(l->dev, w->epoch, &b->epoch, sizeof b->epoch, err);
}

int lane_take(struct lane *l, int k, const struct lane_step *s, struct error *err)
{
    const struct waiting *w = &l->waiting[k];
    size_t places = (size_t)l->N * (size_t)l->graph->places;
    int rc = l->b->arrive(l->dev, err);

    if (rc == 0 && s->attacked)
        rc = take_pictures(l, l->attack.x0, w->pixels, false, err);
    if (rc == 0 && s->attacked)
        rc = take_pictures(l, l->attack.x, w->pixels, false, err);
    if (rc == 0 && !s->attacked)
        rc = take_pictures(l, l->prepared[l->n_programs - 1].x, w->pixels, s->clamped,
                           err);
    if (rc == 0)
        rc = l->b->copy(l->dev, l->label, w->label, places * sizeof *l->label, err);
    if (rc == 0)
        rc = l->b->copy(l->dev, l->draws, w->draws, l->N * sizeof *l->draws, err);
    return rc < 0 ? rc : l->b->copy(l->dev, l->epoch, w->epoch, sizeof *l->epoch, err);
}

int lane_forward_training_at(struct lane *l, const struct lane_step *s, struct error *err)
{
    int rc = 0;

    if (s->attacked)
        rc = take_pictures(l, l->run->x, l->attack.best, s->clamped, err);
    return rc < 0 ? rc : run_from(l, 0, s->moves, err);
}
