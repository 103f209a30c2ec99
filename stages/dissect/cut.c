#include "dissect/cut.h"

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

/* What the last operator reads is looked at, too, before it is flat; without a tap it is
 * the activations themselves. */
static void mark_reads(struct graph *head)
{
    int i = (int)head->n_ops - 2;

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

static int find_op(const struct graph *g, const char *tap)
{
    return (int)(graph_tap(g, tap) - g->op);
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

/* weight is out x in x kernel x kernel, or of a dense layer out x (in H W). */
static void pack_weight(struct cut *c, const struct tensor *t)
{
    int places = c->dense ? c->in_H * c->in_W : c->kernel * c->kernel;

    c->weight =
        xcalloc((size_t)c->C * (size_t)places * (size_t)c->out_C, sizeof *c->weight);
    for (int o = 0; o < c->out_C; o++)
        for (int k = 0; k < c->C; k++)
            for (int p = 0; p < places; p++)
                c->weight[((size_t)k * (size_t)places + (size_t)p) * (size_t)c->out_C +
                          (size_t)o] =
                    t->value[((size_t)o * (size_t)c->C + (size_t)k) * (size_t)places +
                             (size_t)p];
}

static int open_linear(struct cut *c, const struct graph *g,
                       const struct tensors *weights, int layer,
                       const struct cut_options *o, struct error *err)
{
    int at = linear_after(g, layer), reads = at - 1, last = (int)g->n_ops - 1;
    const struct graph_op *op;
    char name[GRAPH_PARAMETER];
    int rc;

    if (at < 0)
        return error_set(err, E_INPUT,
                         "%s: what follows %s is no convolution or dense layer; run it "
                         "with method=rest",
                         g->name, g->op[layer].tap);
    op = &g->op[at];
    while (reads > layer &&
           (g->op[reads].kind == GRAPH_FLATTEN || g->op[reads].kind == GRAPH_DROPOUT))
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
    snprintf(name, sizeof name, "%s.weight", op->name);
    pack_weight(c, tensors_find(weights, name));
    rc = graph_piece(&c->head_graph, g, layer, at, err);
    if (rc < 0)
        return rc;
    mark_reads(c->head_graph);
    rc = open_net(&c->head, c->head_graph, weights, o, err);
    if (rc < 0 || at == last)
        return rc;
    rc = graph_piece(&c->tail_graph, g, at, last, err);
    return rc < 0 ? rc : open_net(&c->tail, c->tail_graph, weights, o, err);
}

int cut_open(struct cut *c, const struct graph *g, const struct tensors *weights,
             const char *tap, const struct cut_options *o, struct error *err)
{
    int layer = find_op(g, tap), rc;

    *c = (struct cut){ .C = g->op[layer].C,
                       .H = g->op[layer].H,
                       .W = g->op[layer].W,
                       .weights = weights,
                       .batch = o->batch,
                       .lanes = o->lanes };
    rc = graph_piece(&c->rest_graph, g, layer, (int)g->n_ops - 1, err);
    return rc == 0 && o->linear ? open_linear(c, g, weights, layer, o, err) : rc;
}

void cut_close(struct cut *c)
{
    net_close(c->rest);
    net_close(c->head);
    net_close(c->tail);
    graph_free(c->rest_graph);
    graph_free(c->head_graph);
    graph_free(c->tail_graph);
    free(c->weight);
    *c = (struct cut){ 0 };
}

int cut_rest(struct cut *c, const float *activations, int n, float *logits,
             struct error *err)
{
    const struct cut_options o = { c->batch, c->lanes, false };
    int rc = c->rest == NULL ? open_net(&c->rest, c->rest_graph, c->weights, &o, err) : 0;

    return rc == 0 ? net_forward(c->rest, activations, n, logits, err) : rc;
}

int cut_head(struct cut *c, const float *activations, int n, float *reads, float *gives,
             struct error *err)
{
    bool ends = c->tail == NULL; /* in logits */
    int rc = net_forward(c->head, activations, n, ends ? gives : NULL, err);

    if (rc == 0 && !ends)
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

int cut_tail(struct cut *c, const float *gives, int n, float *logits, struct error *err)
{
    if (c->tail != NULL)
        return net_forward(c->tail, gives, n, logits, err);
    memcpy(logits, gives, (size_t)n * (size_t)c->out_C * sizeof *logits);
    return 0;
}
