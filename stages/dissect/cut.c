#include "dissect/cut.h"

#include <math.h>
#include <string.h>

#include "kit/stage.h"
#include "larder/mem.h"
#include "nn/piece.h"

#include "larder/banned.h"

/* Operators that hand on a map as it is. */
static bool hands_on(const struct graph_op *op)
{
    return op->kind == GRAPH_FLATTEN || op->kind == GRAPH_DROPOUT;
}

/* What the linear operator reads is looked at, too, before it is flat; without a tap it
 * is the activations themselves. */
static void mark_reads(struct graph *head, int linear)
{
    int i = linear - 1;

    while (i >= 0 && hands_on(&head->op[i]))
        i--;
    if (i >= 0)
        snprintf(head->op[i].tap, sizeof head->op[i].tap, "reads");
}

static int open_net(struct net **net, const struct graph *piece,
                    const struct tensors *weights, const struct cut_options *o,
                    struct error *err)
{
    const struct net_options options = { .batch = o->batch,
                                         .lanes = o->lanes,
                                         .threads = stage_threads() };
    struct tensors t = { 0 };
    int rc = piece_tensors(piece, weights, &t, err);

    if (rc == 0)
        rc = net_open(net, piece, &options, err);
    if (rc == 0)
        rc = net_set_parameters(*net, &t, err);
    tensors_release(&t);
    return rc;
}

/* The convolution or dense layer that follows operator i with nothing between but what
 * looks at each channel alone; -1: none. */
static int linear_after(const struct graph *g, int i)
{
    for (int k = i + 1; k < (int)g->n_ops; k++)
        switch (g->op[k].kind) {
        case GRAPH_CONV:
        case GRAPH_LINEAR:
            return k;
        case GRAPH_MAXPOOL:
        case GRAPH_AVGPOOL:
        case GRAPH_FLATTEN:
        case GRAPH_DROPOUT:
            break;
        default:
            return -1;
        }
    return -1;
}

/* What follows an operator reads nothing that lies before it. */
static int check_alone(const struct graph *g, int op, struct error *err)
{
    struct graph *rest;
    int rc = graph_piece(&rest, g, op, (int)g->n_ops - 1, err);

    if (rc == 0)
        graph_free(rest);
    return rc;
}

static const float *values(const struct tensors *t, const struct graph_op *op,
                           const char *what)
{
    char name[GRAPH_PARAMETER];

    snprintf(name, sizeof name, "%s.%s", op->name, what);
    return tensors_find(t, name)->value;
}

/* What channel out is multiplied by: of the batch norm that is computed with operator at
 * of the graph, if one is. */
static float *scales(const struct cut *c, const struct graph *g, int at,
                     const struct tensors *weights)
{
    const struct graph_op *norm = at < c->at ? &g->op[at + 1] : NULL;
    float *scale = xcalloc((size_t)c->out_C, sizeof *scale);

    bool is_normed = norm != NULL && norm->kind == GRAPH_BATCHNORM;
    const float *gamma = is_normed ? values(weights, norm, "weight") : NULL,
                *var = is_normed ? values(weights, norm, "running_var") : NULL;

    for (int k = 0; k < c->out_C; k++)
        scale[k] =
            is_normed ? (float)((double)gamma[k] / sqrt((double)var[k] + norm->eps)) : 1;
    return scale;
}

enum { TILE = 32 };

/* A matrix of out x n becomes n x out, each row times its scale. */
static void turn(float *to, const float *from, const float *scale, size_t out, size_t n)
{
    for (size_t top = 0; top < out; top += TILE)
        for (size_t left = 0; left < n; left += TILE)
            for (size_t i = left; i < left + TILE && i < n; i++)
                for (size_t o = top; o < top + TILE && o < out; o++)
                    to[i * out + o] = scale[o] * from[o * n + i];
}

/* weight is out x in x kernel x kernel, or of a dense layer out x (in H W). */
static void pack_weight(struct cut *c, const struct graph *g, int at,
                        const struct tensors *weights)
{
    size_t out = (size_t)c->out_C,
           area = (size_t)(c->dense ? c->in_H * c->in_W : c->kernel * c->kernel),
           n = (size_t)c->C * area;
    float *scale = scales(c, g, at, weights);

    c->weight = xcalloc(n * out, sizeof *c->weight);
    mem_large(c->weight, n * out * sizeof *c->weight);
    turn(c->weight, values(weights, &g->op[at], "weight"), scale, out, n);
    free(scale);
}

/* Between the linear operator and the last that is computed with it there may be its
 * batch norm and a ReLU. */
static int check_end(struct cut *c, const struct graph *g, int at, struct error *err)
{
    int k = at + 1;

    if (k <= c->at && g->op[k].kind == GRAPH_BATCHNORM)
        k++;
    c->relu = k <= c->at && g->op[k].kind == GRAPH_RELU;
    k += c->relu;
    if (k > c->at)
        return 0;
    return error_set(err, E_INPUT, "%s: %s is computed with %s; run it with method=rest",
                     g->name, g->op[at].name, g->op[c->at].name);
}

static int open_linear(struct cut *c, const struct graph *g,
                       const struct tensors *weights, const struct cut_options *o,
                       struct error *err)
{
    int at = linear_after(g, c->layer), reads = at - 1, rc, last;
    const struct graph_op *op;

    if (at < 0)
        return error_set(err, E_INPUT,
                         "%s: what follows %s is no convolution or dense layer; run it "
                         "with method=rest",
                         g->name, g->op[c->layer].tap);
    op = &g->op[at];
    while (reads > c->layer && hands_on(&g->op[reads]))
        reads--;
    c->dense = op->kind == GRAPH_LINEAR;
    c->in_C = g->op[reads].C;
    c->in_H = g->op[reads].H;
    c->in_W = g->op[reads].W;
    c->out_C = op->C;
    c->out_H = op->H;
    c->out_W = op->W;
    c->kernel = op->kernel;
    c->stride = op->stride;
    c->pad = op->pad;
    c->at = net_ends(c->net, at);
    c->ends = c->at == (int)g->n_ops - 1;
    rc = check_end(c, g, at, err);
    if (rc == 0 && !c->ends)
        rc = check_alone(g, c->at, err);
    if (rc < 0)
        return rc;
    pack_weight(c, g, at, weights);
    last = c->at - c->relu;
    rc = graph_piece(&c->head_graph, g, c->layer, last, err);
    if (rc < 0)
        return rc;
    mark_reads(c->head_graph, at - c->layer - 1);
    return open_net(&c->head, c->head_graph, weights, o, err);
}

int cut_open(struct cut *c, struct net *net, const struct tensors *weights,
             const char *tap, const struct cut_options *o, struct error *err)
{
    const struct graph *g = net_graph(net);
    int layer = (int)(graph_tap(g, tap) - g->op), rc = check_alone(g, layer, err);

    *c = (struct cut){ .C = g->op[layer].C,
                       .H = g->op[layer].H,
                       .W = g->op[layer].W,
                       .net = net,
                       .layer = layer };
    return rc == 0 && o->linear ? open_linear(c, g, weights, o, err) : rc;
}

void cut_close(struct cut *c)
{
    net_close(c->head);
    graph_free(c->head_graph);
    free(c->weight);
    *c = (struct cut){ 0 };
}

int cut_rest(struct cut *c, const float *activations, int n, float *logits,
             struct error *err)
{
    return net_resume(c->net, c->layer, activations, n, logits, err);
}

int cut_head(struct cut *c, const float *activations, int n, float *reads, float *gives,
             struct error *err)
{
    bool logits = c->ends && !c->relu; /* the piece ends as the network does */
    int rc = net_forward(c->head, activations, n, logits ? gives : NULL, err);

    if (rc == 0 && !logits)
        rc = net_tap(c->head, "end", gives, err);
    if (rc == 0 && graph_tap(c->head_graph, "reads") != NULL)
        return net_tap(c->head, "reads", reads, err);
    memcpy(reads, activations,
           (size_t)n * (size_t)(c->in_H * c->in_W) * (size_t)c->C * sizeof *reads);
    return rc;
}

static void subtract(float *to, const float *weight, float by, int n)
{
    for (int o = 0; o < n; o++)
        to[o] -= by * weight[o];
}

/* What one place of the channel gives to the outputs that read it. */
static void spread(const struct cut *c, const float *weight, int y, int x, float value,
                   float *gives)
{
    for (int ky = 0; ky < c->kernel; ky++) {
        int top = y + c->pad - ky, row = top / c->stride;

        if (top < 0 || top % c->stride != 0 || row >= c->out_H)
            continue;
        for (int kx = 0; kx < c->kernel; kx++) {
            int left = x + c->pad - kx, column = left / c->stride;

            if (left < 0 || left % c->stride != 0 || column >= c->out_W)
                continue;
            subtract(gives + ((long)row * c->out_W + column) * c->out_C,
                     weight + ((long)ky * c->kernel + kx) * c->out_C, value, c->out_C);
        }
    }
}

bool cut_without(const struct cut *c, const float *reads, int channel, float *gives)
{
    int places = c->dense ? c->in_H * c->in_W : c->kernel * c->kernel;
    const float *weight = c->weight + (size_t)channel * (size_t)places * (size_t)c->out_C;
    bool any = false;

    for (int y = 0; y < c->in_H; y++)
        for (int x = 0; x < c->in_W; x++) {
            float value = reads[((long)y * c->in_W + x) * c->C + channel];

            if (value == 0)
                continue;
            any = true;
            if (c->dense)
                subtract(gives, weight + ((long)y * c->in_W + x) * c->out_C, value,
                         c->out_C);
            else
                spread(c, weight, y, x, value, gives);
        }
    return any;
}

int cut_tail(struct cut *c, float *gives, int n, float *logits, struct error *err)
{
    size_t size = (size_t)n * (size_t)(c->out_H * c->out_W) * (size_t)c->out_C;

    for (size_t i = 0; i < size && c->relu; i++)
        gives[i] = gives[i] > 0 ? gives[i] : 0;
    if (!c->ends)
        return net_resume(c->net, c->at, gives, n, logits, err);
    memcpy(logits, gives, size * sizeof *logits);
    return 0;
}
