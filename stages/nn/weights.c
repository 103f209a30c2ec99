#include "nn/weights.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/mem.h"

static bool has_weights(const struct weights *s, size_t i)
{
    return graph_has_parameters(&s->graph->op[s->f[i].from]);
}

/* The operator that knows the layout of block i. */
static struct nn_op *layout(const struct weights *s, size_t i)
{
    return lane_op(s->lane[0], i);
}

/* Gives out the memory; with base NULL only counts it, in bytes. */
static size_t place(struct weights *s, bool momentum, float *base)
{
    size_t at = 0;

    for (size_t i = 0; i < s->n_fused; i++) {
        if (!has_weights(s, i))
            continue;
        s->w[i] = base != NULL ? base + at : NULL;
        at += layout(s, i)->n_weights + layout(s, i)->n_derived;
        if (!momentum)
            continue;
        s->v[i] = base != NULL ? base + at : NULL;
        at += layout(s, i)->n_weights;
    }
    return at * sizeof(float);
}

int weights_open(struct weights *s, bool momentum, struct error *err)
{
    int rc;

    s->w = xcalloc(s->n_fused, sizeof *s->w);
    s->v = xcalloc(s->n_fused, sizeof *s->v);
    s->g = xcalloc(s->n_fused * (size_t)s->lanes, sizeof *s->g);
    s->n_mem = place(s, momentum, NULL);
    rc = s->b->alloc(lane_device(s->lane[0]), s->n_mem, &s->mem, err);
    if (rc < 0)
        return rc;
    place(s, momentum, s->mem);
    for (size_t i = 0; i < s->n_fused; i++) {
        for (int k = 0; k < s->lanes; k++) {
            lane_set_weights(s->lane[k], i, s->w[i]);
            s->g[i * (size_t)s->lanes + (size_t)k] = lane_gradient(s->lane[k], i);
        }
    }
    return 0;
}

void weights_release(struct weights *s)
{
    if (s->mem != NULL)
        s->b->free(lane_device(s->lane[0]), s->mem, s->n_mem);
    free(s->g);
    free(s->v);
    free(s->w);
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

/* Every parameter of the graph is in t, in its shape, and nothing else is. */
static int check_tensors(const struct graph *g, const struct tensors *t,
                         struct error *err)
{
    struct tensors want = { 0 };
    int rc = 0;

    graph_tensors(g, &want);
    for (size_t i = 0; i < want.n && rc == 0; i++) {
        const struct tensor *x = tensors_find(t, want.tensor[i].name);
        if (x == NULL)
            rc = error_set(err, E_INPUT, "parameter %s of network %s is missing",
                           want.tensor[i].name, g->name);
        else
            rc = check_shape(x, &want.tensor[i], err);
    }
    for (size_t i = 0; i < t->n && rc == 0; i++)
        if (tensors_find(&want, t->tensor[i].name) == NULL)
            rc = error_set(err, E_INPUT, "network %s has no parameter %s", g->name,
                           t->tensor[i].name);
    tensors_release(&want);
    return rc;
}

/* The weight and the bias of fused operator i in t. */
static void find_pair(const struct weights *s, size_t i, const struct tensors *t,
                      const struct tensor **weight, const struct tensor **bias)
{
    const char *name = s->graph->op[s->f[i].from].name;
    char text[GRAPH_NAME + 8];

    snprintf(text, sizeof text, "%s.weight", name);
    *weight = tensors_find(t, text);
    snprintf(text, sizeof text, "%s.bias", name);
    *bias = tensors_find(t, text);
}

/* Whatever follows from the weights is made again. */
static int refresh(struct weights *s, struct error *err)
{
    int rc = 0;

    for (size_t i = 0; i < s->n_fused && rc == 0; i++)
        if (has_weights(s, i))
            rc = s->b->refresh(layout(s, i), s->w[i], lane_work(s->lane[0]), err);
    return rc;
}

int weights_set(struct weights *s, float **of, const struct tensors *t, struct error *err)
{
    const struct tensor *weight, *bias;
    int rc = check_tensors(s->graph, t, err);

    for (size_t i = 0; i < s->n_fused && rc == 0; i++) {
        if (!has_weights(s, i))
            continue;
        find_pair(s, i, t, &weight, &bias);
        rc = s->b->pack(layout(s, i), of[i], weight->value, bias->value,
                        lane_work(s->lane[0]), err);
    }
    return rc < 0 || of != s->w ? rc : refresh(s, err);
}

int weights_get(const struct weights *s, float **of, struct tensors *t, struct error *err)
{
    const struct tensor *weight, *bias;
    int rc = 0;

    assert(t->n == 0);
    graph_tensors(s->graph, t);
    for (size_t i = 0; i < s->n_fused && rc == 0; i++) {
        if (!has_weights(s, i))
            continue;
        find_pair(s, i, t, &weight, &bias);
        rc = s->b->unpack(layout(s, i), of[i], weight->value, bias->value,
                          lane_work(s->lane[0]), err);
    }
    return rc;
}

/* The factor that brings all gradients together to the norm clip, as PyTorch's
 * clip_grad_norm_ has it; 1 when they are there already. */
static int clip_scale(const struct weights *s, struct nn_update *u, double clip,
                      struct error *err)
{
    double sum = 0, part = 0, scale;
    int rc = 0;

    for (size_t i = 0; i < s->n_fused && rc == 0; i++) {
        if (!has_weights(s, i))
            continue;
        u->g = s->g + i * (size_t)s->lanes;
        rc = s->b->norm(lane_device(s->lane[0]), u, layout(s, i)->n_weights, &part, err);
        sum += part;
    }
    scale = clip / (sqrt(sum) + 1e-6);
    u->scale = scale < 1 ? (float)scale : 1;
    return rc;
}

int weights_update(struct weights *s, const struct sgd *sgd, int n, struct error *err)
{
    struct nn_update u = { .lanes = n,
                           .scale = 1,
                           .lr = (float)sgd->lr,
                           .momentum = (float)sgd->momentum,
                           .weight_decay = (float)sgd->weight_decay };
    int rc = 0;

    if (sgd->clip > 0)
        rc = clip_scale(s, &u, sgd->clip, err);
    for (size_t i = 0; i < s->n_fused && rc == 0; i++) {
        if (!has_weights(s, i))
            continue;
        u.w = s->w[i];
        u.v = s->v[i];
        u.g = s->g + i * (size_t)s->lanes;
        rc = s->b->update(lane_device(s->lane[0]), &u, layout(s, i)->n_weights, err);
    }
    return rc < 0 ? rc : refresh(s, err);
}
