#include "transfer/gatys.h"

#include <string.h>

#include "larder/mem.h"
#include "learn/network.h"
#include "nn/vgg19.h"

#include "larder/banned.h"

/* What a network is given: VGG-19 bytes in the order blue, green, red less a mean, others
 * RGB from 0 to 1. */
static const float vgg_mean[3] = { .40760392f * 255, .45795686f * 255, .48501961f * 255 };

/* Where the loss looks. The outputs of the graph are the products at the style layers and
 * then the content. */
struct layers {
    const char *style[GATYS_LAYERS], *content;
};

struct gatys {
    struct gatys_use o;
    struct graph *graph;
    struct net *net;
    bool vgg;
    size_t size;                     /* values of a picture */
    int channels[GATYS_LAYERS];      /* of the style layers */
    size_t values[GATYS_LAYERS + 1]; /* of each output, of one picture */
    float *target[GATYS_LAYERS + 1]; /* of a batch: what the outputs are to be */
    float *have[GATYS_LAYERS + 1];   /* what they are, then their gradients */
    float *x, *gradient;             /* of a batch, as the network is given them */
    struct lbfgs **lbfgs;            /* of each picture */
    double *loss;
};

static const char *const outputs[GATYS_LAYERS + 1] = { "gram1", "gram2", "gram3",
                                                       "gram4", "gram5", "content" };

static int find(const struct graph *g, const char *tap, struct error *err)
{
    const struct graph_op *op = graph_tap(g, tap);

    if (op == NULL)
        return error_set(err, E_INPUT, "network %s has no layer %s for style transfer",
                         g->name, tap);
    return (int)(op - g->op);
}

static void name_output(struct graph *g, int k)
{
    snprintf(g->op[graph_here(g)].tap, GRAPH_NAME, "%s", outputs[k]);
    graph_output(g);
}

static int add_outputs(struct gatys *g, const struct layers *l, struct error *err)
{
    struct graph *graph = g->graph;
    int at;

    for (int k = 0; k < GATYS_LAYERS; k++) {
        at = find(graph, l->style[k], err);
        if (at < 0)
            return at;
        g->channels[k] = graph->op[at].C;
        graph_read(graph, at);
        graph_gram(graph, outputs[k]);
        name_output(graph, k);
    }
    at = find(graph, l->content, err);
    if (at < 0)
        return at;
    graph_read(graph, at); /* windows of one pixel: a copy that nothing else reads */
    graph_avgpool(graph, outputs[GATYS_LAYERS], graph->op[at].H, graph->op[at].W);
    name_output(graph, GATYS_LAYERS);
    return 0;
}

static int make_graph(struct gatys *g, struct error *err)
{
    static const struct layers of_vgg = {
        { "relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1" }, "relu4_2"
    };
    static const struct layers of_alexnet = {
        { "conv1", "conv2", "conv3", "conv4", "conv5" }, "conv4"
    };
    int rc;

    g->vgg = tensors_find(g->o.weights, "conv1_1.weight") != NULL;
    if (g->vgg && (g->o.width < 16 || g->o.height < 16))
        return error_set(err, E_INPUT, "pictures of %d x %d: VGG-19 needs 16 a side",
                         g->o.width, g->o.height);
    if (g->vgg) {
        g->graph = vgg19(g->o.height, g->o.width);
        return add_outputs(g, &of_vgg, err);
    }
    rc = network_of(&g->graph, g->o.weights, err);
    if (rc < 0)
        return rc;
    if (g->graph->W != g->o.width || g->graph->H != g->o.height)
        return error_set(err, E_INPUT,
                         "pictures of %d x %d; the network %s reads %d x %d", g->o.width,
                         g->o.height, g->graph->name, g->graph->W, g->graph->H);
    return add_outputs(g, &of_alexnet, err);
}

static void take_memory(struct gatys *g)
{
    size_t n = (size_t)g->o.batch;

    g->size = (size_t)g->o.width * g->o.height * 3;
    for (int k = 0; k <= GATYS_LAYERS; k++) {
        const struct graph_op *op = graph_tap(g->graph, outputs[k]);

        g->values[k] = (size_t)op->C * op->H * op->W;
        g->target[k] = xcalloc(n * g->values[k], sizeof(float));
        g->have[k] = xcalloc(n * g->values[k], sizeof(float));
    }
    g->x = xcalloc(n * g->size, sizeof *g->x);
    g->gradient = xcalloc(n * g->size, sizeof *g->gradient);
    g->lbfgs = xcalloc(n, sizeof(struct lbfgs *));
    g->loss = xcalloc(n, sizeof *g->loss);
}

int gatys_open(struct gatys **result, const struct gatys_use *use, struct error *err)
{
    const struct net_options o = { .batch = use->batch,
                                   .lanes = use->lanes,
                                   .threads = use->threads,
                                   .input_gradient = true };
    struct gatys *g = xcalloc(1, sizeof *g);
    int rc;

    g->o = *use;
    rc = make_graph(g, err);
    if (rc == 0)
        rc = net_open(&g->net, g->graph, &o, err);
    if (rc == 0)
        rc = net_set_parameters(g->net, use->weights, err);
    if (rc < 0) {
        gatys_close(g);
        return rc;
    }
    take_memory(g);
    *result = g;
    return 0;
}

void gatys_close(struct gatys *g)
{
    if (g == NULL)
        return;
    for (int k = 0; k <= GATYS_LAYERS; k++) {
        free(g->target[k]);
        free(g->have[k]);
    }
    for (int i = 0; g->lbfgs != NULL && i < g->o.batch; i++)
        lbfgs_free(g->lbfgs[i]);
    free(g->lbfgs);
    free(g->loss);
    free(g->x);
    free(g->gradient);
    net_close(g->net);
    graph_free(g->graph);
    free(g);
}

static void enter(const struct gatys *g, float *x, const float *pixels, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < 3; c++)
            x[3 * i + c] =
                g->vgg ? pixels[3 * i + 2 - c] * 255 - vgg_mean[c] : pixels[3 * i + c];
}

static void leave(const struct gatys *g, float *pixels, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < 3; c++)
            pixels[3 * i + c] =
                g->vgg ? (x[3 * i + 2 - c] + vgg_mean[2 - c]) / 255 : x[3 * i + c];
}

/* The outputs of one pass over n pictures, from `from` to `to` - 1. */
static int look(struct gatys *g, const float *x, int n, float *const *values, int from,
                int to, struct error *err)
{
    int rc = net_forward(g->net, x, n, NULL, err);

    for (int k = from; k < to && rc == 0; k++)
        rc = net_tap(g->net, outputs[k], values[k], err);
    return rc;
}

static int find_targets(struct gatys *g, const float *content, const float *style, int n,
                        struct error *err)
{
    size_t pixels = (size_t)n * g->size / 3;
    int rc;

    enter(g, g->x, style, pixels);
    rc = look(g, g->x, n, g->target, 0, GATYS_LAYERS, err);
    if (rc < 0)
        return rc;
    enter(g, g->x, content, pixels);
    return look(g, g->x, n, g->target, GATYS_LAYERS, GATYS_LAYERS + 1, err);
}

/* weight mean (have - target)^2; have becomes its gradient. */
static double squares(float *have, const float *target, size_t n, double weight)
{
    float factor = (float)(2 * weight / (double)n);
    double sum = 0;

    for (size_t i = 0; i < n; i++) {
        float d = have[i] - target[i];
        sum += (double)d * (double)d;
        have[i] = factor * d;
    }
    return weight * sum / (double)n;
}

/* The losses of n pictures at x and their gradients. */
static int evaluate(struct gatys *g, int n, struct error *err)
{
    int rc = look(g, g->x, n, g->have, 0, GATYS_LAYERS + 1, err);

    if (rc < 0)
        return rc;
    for (int i = 0; i < n; i++) {
        g->loss[i] = 0;
        for (int k = 0; k <= GATYS_LAYERS; k++) {
            size_t at = (size_t)i * g->values[k];
            double C = k < GATYS_LAYERS ? g->channels[k] : 1;
            double weight = k < GATYS_LAYERS ? g->o.style_weight / (C * C) : 1;

            g->loss[i] +=
                squares(g->have[k] + at, g->target[k] + at, g->values[k], weight);
        }
    }
    return net_backward_outputs(g->net, (const float *const *)g->have, g->gradient, err);
}

/* Whether a picture was moved. */
static bool step(struct gatys *g, int n)
{
    bool moved = false;

    for (int i = 0; i < n; i++) {
        size_t at = (size_t)i * g->size;

        if (lbfgs_step(g->lbfgs[i], g->x + at, g->loss[i], g->gradient + at))
            moved = true;
    }
    return moved;
}

int gatys_run(struct gatys *g, const float *content, const float *style, int n,
              float *picture, double *loss, struct error *err)
{
    int rc = find_targets(g, content, style, n, err);

    for (int i = 0; i < n; i++) {
        lbfgs_free(g->lbfgs[i]);
        g->lbfgs[i] = lbfgs_new(g->size, &g->o.lbfgs);
    }
    for (int i = 0; i < g->o.evaluations && rc == 0; i++) {
        rc = evaluate(g, n, err);
        if (rc == 0 && !step(g, n))
            break;
    }
    if (rc < 0)
        return rc;
    leave(g, picture, g->x, (size_t)n * g->size / 3);
    if (loss != NULL)
        memcpy(loss, g->loss, (size_t)n * sizeof *loss);
    return 0;
}
