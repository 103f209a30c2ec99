#include "nn/resnet50.h"

#include <stdio.h>
#include <string.h>

#include "larder/banned.h"

/* How the two sizes differ. */
struct shape {
    int stem, width;     /* channels of conv1; of layer1 within a block */
    int pool_stride;     /* of the maximum after conv1 */
    double eps;          /* of the norms behind conv1 and the first two of a block */
    bool last_norm_zero; /* the last norm of a block starts at 0 */
    enum graph_init fc;
};

enum { EXPANSION = 4 };

static const double last_eps = 1e-5; /* of the third norm of a block and its shortcut */

static void add_conv(struct graph *g, const char *name, int out, int kernel, int stride)
{
    struct graph_op *op = graph_conv(g, name, out, kernel, stride, kernel / 2);

    op->bias = false;
    op->init = INIT_HE_OUT;
}

/* Convolution `in` and norm number i of the block called name, and a ReLU. */
static void add_step(struct graph *g, const char *name, int i, int out, int kernel,
                     int stride, double eps)
{
    char text[GRAPH_PARAMETER];

    snprintf(text, sizeof text, "%s.conv%d", name, i);
    add_conv(g, text, out, kernel, stride);
    snprintf(text, sizeof text, "%s.bn%d", name, i);
    graph_batchnorm(g, text, eps);
    snprintf(text, sizeof text, "%s.relu%d", name, i);
    if (i < 3)
        graph_relu(g, text, "");
}

static int add_shortcut(struct graph *g, const char *name, int out, int stride)
{
    char text[GRAPH_PARAMETER];

    snprintf(text, sizeof text, "%s.downsample.0", name);
    add_conv(g, text, out, 1, stride);
    snprintf(text, sizeof text, "%s.downsample.1", name);
    graph_batchnorm(g, text, last_eps);
    return graph_here(g);
}

static void add_block(struct graph *g, const struct shape *s, const char *name, int width,
                      int stride, bool first, const char *tap)
{
    int in = graph_here(g), main, shortcut = in;
    char text[GRAPH_PARAMETER];

    add_step(g, name, 1, width, 1, 1, s->eps);
    add_step(g, name, 2, width, 3, stride, s->eps);
    add_step(g, name, 3, EXPANSION * width, 1, 1, last_eps);
    main = graph_here(g);
    if (s->last_norm_zero)
        g->op[main].init = INIT_ZERO;
    if (first) {
        graph_read(g, in);
        shortcut = add_shortcut(g, name, EXPANSION * width, stride);
    }
    snprintf(text, sizeof text, "%s.add", name);
    graph_add(g, text, main, shortcut);
    snprintf(text, sizeof text, "%s.relu", name);
    graph_relu(g, text, tap);
}

static void add_stem(struct graph *g, const struct shape *s)
{
    add_conv(g, "conv1", s->stem, 7, 2);
    snprintf(g->op[graph_here(g)].tap, GRAPH_NAME, "conv1.raw");
    graph_batchnorm(g, "bn1", s->eps);
    graph_relu(g, "relu", "conv1");
    graph_maxpool(g, "maxpool", 3, s->pool_stride, 1, false);
}

static void add_layers(struct graph *g, const struct shape *s)
{
    static const int blocks[] = { 3, 4, 6, 3 };
    char name[GRAPH_NAME], tap[GRAPH_NAME];

    for (int layer = 1; layer <= 4; layer++) {
        int width = s->width << (layer - 1), n = blocks[layer - 1];
        snprintf(tap, sizeof tap, "layer%d", layer);
        for (int i = 0; i < n; i++) {
            snprintf(name, sizeof name, "layer%d.%d", layer, i);
            add_block(g, s, name, width, i == 0 && layer > 1 ? 2 : 1, i == 0,
                      i == n - 1 ? tap : "");
        }
    }
}

static struct graph *build(const char *name, int side, const float *mean,
                           const float *std, const struct shape *s, int classes)
{
    struct graph *g = graph_new(name, 3, side, side);

    graph_normalise(g, mean, std);
    add_stem(g, s);
    add_layers(g, s);
    graph_avgpool(g, "avgpool", 1, 1);
    graph_flatten(g, "flatten");
    graph_linear(g, "fc", classes)->init = s->fc;
    return g;
}

struct graph *resnet50_full(int classes)
{
    static const float mean[] = { .485f, .456f, .406f }, std[] = { .229f, .224f, .225f };
    static const struct shape s = {
        .stem = 64, .width = 64, .pool_stride = 2, .eps = 1e-5, .fc = INIT_UNIFORM
    };

    return build("resnet50-full", 224, mean, std, &s, classes);
}

struct graph *resnet50_mini(int classes)
{
    static const float mean[] = { .5f, .5f, .5f }, std[] = { .25f, .25f, .25f };
    static const struct shape s = { .stem = 16,
                                    .width = 8,
                                    .pool_stride = 1,
                                    .eps = 1e-3,
                                    .last_norm_zero = true,
                                    .fc = INIT_HE };

    return build("resnet50-mini", 32, mean, std, &s, classes);
}
