#include "nn/deeplab.h"

#include <stdio.h>

#include "larder/banned.h"

enum { LAYERS = 4, EXPANSION = 4, RATES = 4 };

/* How the two sizes differ. */
struct shape {
    const char *name;
    float mean[3], std[3];
    int stem, stem_kernel, stem_stride; /* of layer1 */
    bool pool;                          /* layer1 ends in a maximum */
    int width[LAYERS], depth[LAYERS];   /* of layer2 to layer5: within a block, blocks */
    int stride[LAYERS], dilation[LAYERS];
    int rate[RATES]; /* dilations of the pyramid */
};

static void add_step(struct graph *g, const char *name, int out, int kernel, int stride,
                     int dilation, bool relu)
{
    char text[2 * GRAPH_NAME];
    struct graph_op *op;

    snprintf(text, sizeof text, "%s.conv", name);
    op = graph_conv_dilated(g, text, out, kernel, stride,
                            kernel > 1 ? dilation * (kernel / 2) : 0, dilation);
    op->bias = false;
    op->init = INIT_HE;
    snprintf(text, sizeof text, "%s.bn", name);
    graph_batchnorm(g, text, 1e-5);
    snprintf(text, sizeof text, "%s.relu", name);
    if (relu)
        graph_relu(g, text, "");
}

/* The stride is that of `reduce`, and of the shortcut. */
static void add_block(struct graph *g, const char *name, int width, int stride,
                      int dilation, bool first)
{
    int in = graph_here(g), main, shortcut = in;
    char text[GRAPH_PARAMETER];

    snprintf(text, sizeof text, "%s.reduce", name);
    add_step(g, text, width, 1, stride, 1, true);
    snprintf(text, sizeof text, "%s.conv3x3", name);
    add_step(g, text, width, 3, 1, dilation, true);
    snprintf(text, sizeof text, "%s.increase", name);
    add_step(g, text, EXPANSION * width, 1, 1, 1, false);
    main = graph_here(g);
    if (first) {
        graph_read(g, in);
        snprintf(text, sizeof text, "%s.shortcut", name);
        add_step(g, text, EXPANSION * width, 1, stride, 1, false);
        shortcut = graph_here(g);
    }
    snprintf(text, sizeof text, "%s.add", name);
    graph_add(g, text, main, shortcut);
    snprintf(text, sizeof text, "%s.relu", name);
    graph_relu(g, text, "");
}

static void add_layers(struct graph *g, const struct shape *s)
{
    char name[GRAPH_NAME];

    add_step(g, "base.layer1.conv1", s->stem, s->stem_kernel, s->stem_stride, 1, true);
    if (s->pool)
        graph_maxpool(g, "base.layer1.pool", 3, 2, 1, true);
    for (int l = 0; l < LAYERS; l++) {
        for (int i = 0; i < s->depth[l]; i++) {
            snprintf(name, sizeof name, "base.layer%d.block%d", l + 2, i + 1);
            add_block(g, name, s->width[l], i == 0 ? s->stride[l] : 1, s->dilation[l],
                      i == 0);
        }
    }
}

/* c0 + c1 + c2 + c3, from the left. */
static void add_pyramid(struct graph *g, const struct shape *s, int labels)
{
    int in = graph_here(g), sum = -1;
    char name[GRAPH_NAME];

    for (int i = 0; i < RATES; i++) {
        struct graph_op *op;

        graph_read(g, in);
        snprintf(name, sizeof name, "base.aspp.c%d", i);
        op = graph_conv_dilated(g, name, labels, 3, 1, s->rate[i], s->rate[i]);
        op->init = INIT_NORMAL;
        op->init_std = .01;
        snprintf(name, sizeof name, "base.aspp.sum%d", i);
        if (i > 0)
            graph_add(g, name, sum, graph_here(g));
        sum = graph_here(g);
    }
}

static struct graph *build(const struct shape *s, int labels, int H, int W)
{
    struct graph *g = graph_new(s->name, 3, H, W);

    graph_normalise(g, s->mean, s->std);
    add_layers(g, s);
    add_pyramid(g, s, labels);
    graph_dense(g);
    return g;
}

struct graph *deeplab_full(int labels, int H, int W)
{
    static const struct shape s = {
        .name = "deeplab-full",
        .mean = { 104.008f, 116.669f, 122.675f },
        .std = { 1, 1, 1 },
        .stem = 64,
        .stem_kernel = 7,
        .stem_stride = 2,
        .pool = true,
        .width = { 64, 128, 256, 512 },
        .depth = { 3, 4, 23, 3 },
        .stride = { 1, 2, 1, 1 },
        .dilation = { 1, 1, 2, 4 },
        .rate = { 6, 12, 18, 24 },
    };

    return build(&s, labels, H, W);
}

struct graph *deeplab_mini(int labels, int H, int W)
{
    static const struct shape s = {
        .name = "deeplab-mini",
        .mean = { 127.5f, 127.5f, 127.5f },
        .std = { 63.75f, 63.75f, 63.75f },
        .stem = 16,
        .stem_kernel = 5,
        .stem_stride = 2,
        .width = { 8, 16, 16, 24 },
        .depth = { 1, 1, 2, 1 },
        .stride = { 1, 1, 1, 1 },
        .dilation = { 1, 1, 2, 4 },
        .rate = { 1, 2, 4, 6 },
    };

    return build(&s, labels, H, W);
}
