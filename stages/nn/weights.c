#include "nn/weights.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/mem.h"
#include "nn/memory.h"

static const struct graph_op *op_of(const struct weights *s, const struct blocks *k,
                                    size_t i)
{
    return &s->graph->op[k->p->op[i].from];
}

static bool has_weights(const struct weights *s, const struct blocks *k, size_t i)
{
    return graph_has_parameters(op_of(s, k, i));
}

/* The operator that knows the layout of block i. */
static struct nn_op *layout(const struct weights *s, const struct blocks *k, size_t i)
{
    return lane_op(s->lane[0], k->number, i);
}

static size_t n_running(const struct weights *s, const struct blocks *k, size_t i)
{
    const struct graph_op *op = op_of(s, k, i);

    return op->kind == GRAPH_BATCHNORM ? (2 * (size_t)op->C + 15) / 16 * 16 : 0;
}

/* Gives out the memory; with base NULL only counts it, in bytes. */
static size_t place(const struct weights *s, struct blocks *k, float *base)
{
    size_t at = 0;

    for (size_t i = 0; i < k->p->n; i++) {
        if (!has_weights(s, k, i))
            continue;
        k->w[i] = base != NULL ? base + at : NULL;
        at += layout(s, k, i)->n_weights + layout(s, k, i)->n_derived;
        k->running[i] = base != NULL ? base + at : NULL;
        at += n_running(s, k, i);
        if (!k->p->use.weight_gradient)
            continue;
        k->v[i] = base != NULL ? base + at : NULL;
        at += layout(s, k, i)->n_weights;
    }
    return at * sizeof(float);
}

static int open_blocks(struct weights *s, struct blocks *k, struct error *err)
{
    int rc;

    k->w = xcalloc(k->p->n, sizeof *k->w);
    k->v = xcalloc(k->p->n, sizeof *k->v);
    k->running = xcalloc(k->p->n, sizeof *k->running);
    k->n_mem = place(s, k, NULL);
    rc = s->b->alloc(lane_device(s->lane[0]), k->n_mem, &k->mem, err);
    if (rc < 0)
        return rc;
    place(s, k, k->mem);
    for (size_t i = 0; i < k->p->n; i++)
        for (int lane = 0; lane < s->lanes; lane++)
            lane_set_weights(s->lane[lane], k->number, i, k->w[i], k->running[i]);
    return 0;
}

static void release_blocks(const struct weights *s, struct blocks *k)
{
    if (k->mem != NULL)
        s->b->free(lane_device(s->lane[0]), k->mem, k->n_mem);
    free(k->running);
    free(k->v);
    free(k->w);
}

static float *part(const struct graph_op *op, const char *what, const struct tensors *t)
{
    const struct tensor *x;
    char name[GRAPH_PARAMETER];

    snprintf(name, sizeof name, "%s.%s", op->name, what);
    x = tensors_find(t, name);
    return x != NULL ? x->value : NULL;
}

static struct parts find_parts(const struct graph_op *op, const struct tensors *t)
{
    return (struct parts){
        .weight = part(op, "weight", t),
        .bias = part(op, "bias", t),
        .mean = part(op, "running_mean", t),
        .var = part(op, "running_var", t),
        .tracked = part(op, "num_batches_tracked", t),
    };
}

static void open_host(struct weights *s)
{
    size_t most = 0;

    graph_tensors(s->graph, &s->host);
    s->parts = xcalloc(s->graph->n_ops, sizeof *s->parts);
    for (size_t i = 0; i < s->graph->n_ops; i++)
        if (graph_has_parameters(&s->graph->op[i]))
            s->parts[i] = find_parts(&s->graph->op[i], &s->host);
    for (size_t i = 0; i < s->host.n; i++)
        if (s->host.tensor[i].n > most)
            most = s->host.tensor[i].n;
    s->scratch = xcalloc(2 * most, sizeof *s->scratch);
}

/* Bytes; with step given, tells where in it everything is. */
static size_t place_step(struct weights *s)
{
    char *base = s->step;
    size_t size = 0, rates = memory_reserve(&size, sizeof *s->rates);
    size_t squares = memory_reserve(&size, sizeof *s->squares);
    size_t zero = memory_reserve(&size, sizeof *s->zero);

    if (base != NULL) {
        s->rates = (struct nn_rates *)(base + rates);
        s->squares = (double *)(base + squares);
        s->zero = (double *)(base + zero);
    }
    return size;
}

static int open_step(struct weights *s, struct error *err)
{
    int rc = s->b->alloc(lane_device(s->lane[0]), place_step(s), &s->step, err);

    if (rc == 0)
        place_step(s);
    return rc;
}

int weights_open(struct weights *s, struct error *err)
{
    int rc = 0;

    if (s->folded.p != NULL) {
        open_host(s);
        rc = open_blocks(s, &s->folded, err);
    }
    if (rc < 0 || s->home.p == NULL)
        return rc;
    s->g = xcalloc(s->home.p->n * (size_t)s->lanes, sizeof *s->g);
    rc = open_blocks(s, &s->home, err);
    if (rc == 0 && s->home.p->use.weight_gradient)
        rc = open_step(s, err);
    for (size_t i = 0; i < s->home.p->n; i++)
        for (int k = 0; k < s->lanes; k++)
            s->g[i * (size_t)s->lanes + (size_t)k] =
                lane_gradient(s->lane[k], s->home.number, i);
    return rc;
}

void weights_release(struct weights *s)
{
    if (s->step != NULL)
        s->b->free(lane_device(s->lane[0]), s->step, place_step(s));
    release_blocks(s, &s->home);
    release_blocks(s, &s->folded);
    free(s->scratch);
    free(s->parts);
    tensors_release(&s->host);
    free(s->g);
    *s = (struct weights){ 0 };
}

static int check_shape(const struct tensor *have, const struct tensor *want,
                       struct error *err)
{
    char text[2][80];
    const struct tensor *x[2] = { have, want };

    if (have->n_dims == want->n_dims &&
        memcmp(have->dim, want->dim, (size_t)want->n_dims * sizeof want->dim[0]) == 0)
        return 0;
    for (int i = 0; i < 2; i++) {
        int at = 0;
        text[i][0] = '\0';
        for (int d = 0; d < x[i]->n_dims && at < 60; d++)
            at += snprintf(text[i] + at, sizeof text[i] - (size_t)at, "%s%ld",
                           d > 0 ? "x" : "", x[i]->dim[d]);
    }
    return error_set(err, E_INPUT, "parameter %s is %s, the network's is %s", have->name,
                     text[0], text[1]);
}

/* Every tensor of want is in t, in its shape, and nothing else is; counts may be absent,
 * as they are in files of before PyTorch 0.4.1. */
static int check_tensors(const struct graph *g, const struct tensors *want,
                         const struct tensors *t, struct error *err)
{
    int rc = 0;

    for (size_t i = 0; i < want->n && rc == 0; i++) {
        const struct tensor *x = tensors_find(t, want->tensor[i].name);
        if (x != NULL)
            rc = check_shape(x, &want->tensor[i], err);
        else if (!want->tensor[i].integer)
            rc = error_set(err, E_INPUT, "parameter %s of network %s is missing",
                           want->tensor[i].name, g->name);
    }
    for (size_t i = 0; i < t->n && rc == 0; i++)
        if (tensors_find(want, t->tensor[i].name) == NULL)
            rc = error_set(err, E_INPUT, "network %s has no parameter %s", g->name,
                           t->tensor[i].name);
    return rc;
}

/* Running statistics of operator i of k: from host memory, or into it. */
static int upload_running(const struct weights *s, const struct blocks *k, size_t i,
                          const struct parts *from, struct error *err)
{
    size_t n = (size_t)op_of(s, k, i)->C;
    int rc;

    if (from->mean == NULL)
        return 0;
    rc = s->b->upload(lane_device(s->lane[0]), k->running[i], from->mean,
                      n * sizeof(float), err);
    return rc < 0 ? rc
                  : s->b->upload(lane_device(s->lane[0]), k->running[i] + n, from->var,
                                 n * sizeof(float), err);
}

static int download_running(const struct weights *s, const struct blocks *k, size_t i,
                            const struct parts *to, struct error *err)
{
    size_t n = (size_t)op_of(s, k, i)->C;
    int rc;

    if (to->mean == NULL)
        return 0;
    rc = s->b->download(lane_device(s->lane[0]), to->mean, k->running[i],
                        n * sizeof(float), err);
    return rc < 0 ? rc
                  : s->b->download(lane_device(s->lane[0]), to->var, k->running[i] + n,
                                   n * sizeof(float), err);
}

/* of is k->w or k->v; parts are those of each operator in t. */
static int pack_all(const struct weights *s, const struct blocks *k, float **of,
                    const struct tensors *t, struct error *err)
{
    int rc = 0;

    for (size_t i = 0; i < k->p->n && rc == 0; i++) {
        struct parts x;
        if (!has_weights(s, k, i))
            continue;
        x = find_parts(op_of(s, k, i), t);
        rc = s->b->pack(layout(s, k, i), of[i], x.weight, x.bias, lane_work(s->lane[0]),
                        err);
        if (rc == 0)
            rc = upload_running(s, k, i, &x, err);
    }
    return rc;
}

/* parts: of each operator of the graph, or NULL: found in t. */
static int unpack_all(const struct weights *s, const struct blocks *k, float **of,
                      const struct parts *parts, const struct tensors *t,
                      struct error *err)
{
    int rc = 0;

    for (size_t i = 0; i < k->p->n && rc == 0; i++) {
        struct parts x;
        if (!has_weights(s, k, i))
            continue;
        x = parts != NULL ? parts[k->p->op[i].from] : find_parts(op_of(s, k, i), t);
        rc = s->b->unpack(layout(s, k, i), of[i], x.weight, x.bias, lane_work(s->lane[0]),
                          err);
        if (rc == 0)
            rc = download_running(s, k, i, &x, err);
    }
    return rc;
}

/* Whatever follows from the weights is made again. */
static int refresh(const struct weights *s, const struct blocks *k, struct error *err)
{
    int rc = 0;

    for (size_t i = 0; i < k->p->n && rc == 0; i++)
        if (has_weights(s, k, i))
            rc = s->b->refresh(layout(s, k, i), k->w[i], lane_work(s->lane[0]), err);
    return rc;
}

/* w' = w scale, b' = beta + (b - mean) scale, with scale = gamma / sqrt(var + eps). */
static int fold_norm(struct weights *s, size_t i, struct error *err)
{
    const struct fused *o = &s->folded.p->op[i];
    const struct parts *x = &s->parts[o->from], *norm = &s->parts[o->norm];
    const struct nn_op_desc *d = &o->d;
    size_t n = (size_t)d->C * d->kernel * d->kernel;
    float *weight = s->scratch, *bias = weight + (size_t)d->K * n;
    double eps = s->graph->op[o->norm].eps;

    for (size_t k = 0; k < (size_t)d->K; k++) {
        double scale = (double)norm->weight[k] / sqrt((double)norm->var[k] + eps);
        double b = x->bias != NULL ? (double)x->bias[k] : 0;
        for (size_t j = 0; j < n; j++)
            weight[k * n + j] = (float)(scale * (double)x->weight[k * n + j]);
        bias[k] = (float)((double)norm->bias[k] + (b - (double)norm->mean[k]) * scale);
    }
    return s->b->pack(layout(s, &s->folded, i), s->folded.w[i], weight, bias,
                      lane_work(s->lane[0]), err);
}

static int fold_one(struct weights *s, size_t i, struct error *err)
{
    const struct parts *x = &s->parts[s->folded.p->op[i].from];
    int rc;

    if (s->folded.p->op[i].norm > 0)
        return fold_norm(s, i, err);
    rc = s->b->pack(layout(s, &s->folded, i), s->folded.w[i], x->weight, x->bias,
                    lane_work(s->lane[0]), err);
    return rc < 0 ? rc : upload_running(s, &s->folded, i, x, err);
}

/* The operator of home that stands for this one of the graph. */
static size_t home_of(const struct weights *s, size_t from)
{
    size_t i = 0;

    while (s->home.p->op[i].from != from)
        i++;
    return i;
}

static int fold_on_device(struct weights *s, size_t i, struct error *err)
{
    const struct fused *o = &s->folded.p->op[i];
    size_t from = home_of(s, o->from);
    size_t norm = o->norm > 0 ? home_of(s, (size_t)o->norm) : from;
    const struct nn_norm n = { .w = s->home.w[norm],
                               .running = s->home.running[norm],
                               .eps = s->graph->op[o->norm].eps };
    int rc =
        s->b->fold(layout(s, &s->folded, i), s->folded.w[i], layout(s, &s->home, from),
                   s->home.w[from], o->norm > 0 ? &n : NULL, err);

    if (rc < 0 || n_running(s, &s->folded, i) == 0)
        return rc;
    return s->b->copy(lane_device(s->lane[0]), s->folded.running[i],
                      s->home.running[from], n_running(s, &s->folded, i) * sizeof(float),
                      err);
}

int weights_fold(struct weights *s, struct error *err)
{
    bool here = s->home.p != NULL && s->b->fold != NULL;
    int rc = 0;

    if (s->folded.p == NULL || !s->stale)
        return 0;
    if (s->home.p != NULL && !here)
        rc = unpack_all(s, &s->home, s->home.w, s->parts, NULL, err);
    for (size_t i = 0; i < s->folded.p->n && rc == 0; i++)
        if (has_weights(s, &s->folded, i))
            rc = here ? fold_on_device(s, i, err) : fold_one(s, i, err);
    if (rc == 0)
        rc = refresh(s, &s->folded, err);
    s->stale = rc < 0;
    return rc;
}

void weights_stale(struct weights *s)
{
    s->stale = true;
}

void weights_moved(struct weights *s)
{
    weights_stale(s);
    for (size_t i = 0; s->parts != NULL && i < s->graph->n_ops; i++)
        if (s->parts[i].tracked != NULL && *s->parts[i].tracked < TENSOR_COUNT_MAX)
            ++*s->parts[i].tracked;
}

/* What t has goes into host, and counts that it has not become 0. */
static void copy_to_host(struct weights *s, const struct tensors *t)
{
    for (size_t i = 0; i < s->host.n; i++) {
        struct tensor *to = &s->host.tensor[i];
        const struct tensor *from = tensors_find(t, to->name);
        if (from != NULL)
            memcpy(to->value, from->value, to->n * sizeof *to->value);
        else
            memset(to->value, 0, to->n * sizeof *to->value);
    }
}

int weights_set(struct weights *s, const struct tensors *t, struct error *err)
{
    struct tensors want = { 0 };
    int rc;

    graph_tensors(s->graph, &want);
    rc = check_tensors(s->graph, &want, t, err);
    tensors_release(&want);
    if (rc == 0 && t->plain_input != s->graph->plain_input)
        rc = error_set(err, E_INPUT, "these weights are of a network %s transform_input",
                       t->plain_input ? "without" : "with");
    if (rc < 0)
        return rc;
    if (s->folded.p != NULL)
        copy_to_host(s, t);
    s->stale = true;
    if (s->home.p == NULL)
        return 0;
    rc = pack_all(s, &s->home, s->home.w, t, err);
    return rc < 0 ? rc : refresh(s, &s->home, err);
}

int weights_get(struct weights *s, struct tensors *t, struct error *err)
{
    int rc = 0;

    assert(t->n == 0);
    graph_tensors(s->graph, t);
    for (size_t i = 0; i < s->host.n; i++)
        memcpy(t->tensor[i].value, s->host.tensor[i].value,
               t->tensor[i].n * sizeof(float));
    if (s->home.p != NULL)
        rc = unpack_all(s, &s->home, s->home.w, NULL, t, err);
    return rc;
}

int weights_set_momentum(struct weights *s, const struct tensors *t, struct error *err)
{
    struct tensors want = { 0 };
    int rc;

    graph_parameter_tensors(s->graph, &want);
    rc = check_tensors(s->graph, &want, t, err);
    tensors_release(&want);
    return rc < 0 ? rc : pack_all(s, &s->home, s->home.v, t, err);
}

int weights_get_momentum(struct weights *s, struct tensors *t, struct error *err)
{
    assert(t->n == 0);
    graph_parameter_tensors(s->graph, t);
    return unpack_all(s, &s->home, s->home.v, NULL, t, err);
}

/* The length of all gradients together, squared. */
static int sum_squares(const struct weights *s, struct nn_update *u, struct error *err)
{
    int rc =
        s->b->copy(lane_device(s->lane[0]), s->squares, s->zero, sizeof *s->zero, err);

    for (size_t i = 0; i < s->home.p->n && rc == 0; i++) {
        if (!has_weights(s, &s->home, i))
            continue;
        u->g = s->g + i * (size_t)s->lanes;
        rc = s->b->norm(lane_device(s->lane[0]), u, layout(s, &s->home, i)->n_weights,
                        s->squares, err);
    }
    return rc;
}

int weights_set_rates(struct weights *s, const struct sgd *sgd, struct error *err)
{
    struct nn_rates rates = { .lr = (float)sgd->lr,
                              .momentum = (float)sgd->momentum,
                              .weight_decay = (float)sgd->weight_decay,
                              .clip = sgd->clip };

    return s->b->upload(lane_device(s->lane[0]), s->rates, &rates, sizeof rates, err);
}

int weights_share_running(struct weights *s, struct error *err)
{
    int rc = 0;

    for (size_t i = 0; i < s->home.p->n && s->ranks > 1 && rc == 0; i++)
        if (has_weights(s, &s->home, i) && n_running(s, &s->home, i) > 0)
            rc = s->b->share(lane_device(s->lane[0]), s->home.running[i],
                             n_running(s, &s->home, i), err);
    return rc;
}

static int clear(const struct weights *s, float *values, size_t n, struct error *err)
{
    float *zeros = xcalloc(n, sizeof *zeros);
    int rc = s->b->upload(lane_device(s->lane[0]), values, zeros, n * sizeof *zeros, err);

    free(zeros);
    return rc;
}

/* Those of the first `lanes` here, which may be none, and of all ranks go into those of
 * the first lane. */
static int reduce(const struct weights *s, int lanes, struct error *err)
{
    struct nn_device *dev = lane_device(s->lane[0]);
    size_t n;
    float *sum = lane_gradients(s->lane[0], s->home.number, &n);
    int rc = lanes == 0 ? clear(s, sum, n, err) : 0;

    for (int k = 1; k < lanes && rc == 0; k++)
        rc = s->b->add(dev, sum, lane_gradients(s->lane[k], s->home.number, &n), n, err);
    return rc < 0 ? rc : s->b->reduce(dev, sum, n, err);
}

int weights_update(struct weights *s, bool clips, int n, struct error *err)
{
    struct nn_update u = { .lanes = n, .rates = s->rates, .squares = s->squares };
    int rc = 0;

    if (s->ranks > 1) {
        rc = reduce(s, n, err);
        u.lanes = 1;
    }
    if (rc == 0 && clips)
        rc = sum_squares(s, &u, err);
    for (size_t i = 0; i < s->home.p->n && rc == 0; i++) {
        if (!has_weights(s, &s->home, i))
            continue;
        u.w = s->home.w[i];
        u.v = s->home.v[i];
        u.g = s->g + i * (size_t)s->lanes;
        rc = s->b->update(lane_device(s->lane[0]), &u, layout(s, &s->home, i)->n_weights,
                          err);
    }
    s->stale = true;
    return rc < 0 ? rc : refresh(s, &s->home, err);
}
