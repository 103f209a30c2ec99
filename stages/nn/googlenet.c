#include "nn/googlenet.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "larder/banned.h"

/* Channels of an inception block: of the 1 x 1; of the 1 x 1 before the 3 x 3, and the
 * 3 x 3; the same again (the 5 x 5 of the paper is a 3 x 3 in torchvision); of the 1 x 1
 * behind the pool. */
struct block {
    const char *name; /* "3a" */
    int one, before_a, a, before_b, b, pool;
    bool pool_behind; /* a maximum that halves the sides follows */
};

struct shape {
    int stem[3]; /* channels of conv1 to conv3 */
    bool pool1;  /* a maximum behind conv1 */
    int pad;     /* of the maxima that halve */
    bool ceil_mode;
    int last_pool; /* kernel of the maximum behind 4e */
    struct block block[9];
    enum graph_init init;
};

static const struct shape full = {
    .stem = { 64, 64, 192 },
    .pool1 = true,
    .ceil_mode = true,
    .last_pool = 2,
    .block = { { "3a", 64, 96, 128, 16, 32, 32, false },
               { "3b", 128, 128, 192, 32, 96, 64, true },
               { "4a", 192, 96, 208, 16, 48, 64, false },
               { "4b", 160, 112, 224, 24, 64, 64, false },
               { "4c", 128, 128, 256, 24, 64, 64, false },
               { "4d", 112, 144, 288, 32, 64, 64, false },
               { "4e", 256, 160, 320, 32, 128, 128, true },
               { "5a", 256, 160, 320, 32, 128, 128, false },
               { "5b", 384, 192, 384, 48, 128, 128, false } },
    .init = INIT_TRUNCATED,
};

static const struct shape mini = {
    .stem = { 16, 16, 48 },
    .pad = 1,
    .last_pool = 3,
    .block = { { "3a", 16, 24, 32, 4, 8, 8, false },
               { "3b", 32, 32, 48, 8, 24, 16, true },
               { "4a", 48, 24, 52, 4, 12, 16, false },
               { "4b", 40, 28, 56, 8, 16, 16, false },
               { "4c", 32, 32, 64, 8, 16, 16, false },
               { "4d", 28, 36, 72, 8, 16, 16, false },
               { "4e", 64, 40, 80, 8, 32, 32, true },
               { "5a", 64, 40, 80, 8, 32, 32, false },
               { "5b", 96, 48, 96, 12, 32, 32, false } },
    .init = INIT_HE,
};

static void start(struct graph_op *op, const struct shape *s)
{
    op->init = s->init;
    op->init_std = .01;
}

/* torchvision's BasicConv2d; returns the operator that ends it. */
static int add_conv(struct graph *g, const struct shape *s, const char *name, int out,
                    int kernel, int stride, const char *tap)
{
    char text[GRAPH_PARAMETER];
    struct graph_op *op;

    snprintf(text, sizeof text, "%s.conv", name);
    op = graph_conv(g, text, out, kernel, stride, kernel / 2);
    op->bias = false;
    start(op, s);
    snprintf(text, sizeof text, "%s.bn", name);
    graph_batchnorm(g, text, 1e-3);
    snprintf(text, sizeof text, "%s.relu", name);
    graph_relu(g, text, tap);
    return graph_here(g);
}

/* One convolution of a branch of the block. */
static int add_branch(struct graph *g, const struct shape *s, const char *block,
                      const char *branch, int out, int kernel)
{
    char text[GRAPH_NAME];

    snprintf(text, sizeof text, "inception%s.%s", block, branch);
    return add_conv(g, s, text, out, kernel, 1, "");
}

/* Reads x; returns the ends of the four branches in end. */
static void add_branches(struct graph *g, const struct shape *s, const struct block *b,
                         int *end)
{
    int x = graph_here(g);
    char text[GRAPH_NAME];

    end[0] = add_branch(g, s, b->name, "branch1", b->one, 1);
    graph_read(g, x);
    add_branch(g, s, b->name, "branch2.0", b->before_a, 1);
    end[1] = add_branch(g, s, b->name, "branch2.1", b->a, 3);
    graph_read(g, x);
    add_branch(g, s, b->name, "branch3.0", b->before_b, 1);
    end[2] = add_branch(g, s, b->name, "branch3.1", b->b, 3);
    graph_read(g, x);
    snprintf(text, sizeof text, "inception%s.branch4.0", b->name);
    graph_maxpool(g, text, 3, 1, 1, s->ceil_mode);
    end[3] = add_branch(g, s, b->name, "branch4.1", b->pool, 1);
}

/* Returns the operator that ends the block. */
static int add_block(struct graph *g, const struct shape *s, const struct block *b)
{
    char text[GRAPH_NAME];
    int end[4], here;

    add_branches(g, s, b, end);
    snprintf(text, sizeof text, "inception%s", b->name);
    graph_concat(g, text, b->name, end, 4);
    here = graph_here(g);
    if (b->pool_behind) {
        int kernel = b->name[0] == '4' ? s->last_pool : 3;
        snprintf(text, sizeof text, "maxpool%c", b->name[0]);
        graph_maxpool(g, text, kernel, 2, s->pad, s->ceil_mode);
    }
    return here;
}

static void add_stem(struct graph *g, const struct shape *s)
{
    add_conv(g, s, "conv1", s->stem[0], 7, 2, "conv1");
    if (s->pool1)
        graph_maxpool(g, "maxpool1", 3, 2, s->pad, s->ceil_mode);
    add_conv(g, s, "conv2", s->stem[1], 1, 1, "conv2");
    add_conv(g, s, "conv3", s->stem[2], 3, 1, "conv3");
    graph_maxpool(g, "maxpool2", 3, 2, s->pad, s->ceil_mode);
}

/* Head number i on what operator `on` gives. */
static void add_head(struct graph *g, const struct shape *s, int i, int on, int classes)
{
    char text[GRAPH_NAME];

    graph_read(g, on);
    snprintf(text, sizeof text, "aux%d.pool", i);
    graph_avgpool(g, text, 4, 4);
    snprintf(text, sizeof text, "aux%d.conv", i);
    add_conv(g, s, text, 128, 1, 1, "");
    snprintf(text, sizeof text, "aux%d.flatten", i);
    graph_flatten(g, text);
    snprintf(text, sizeof text, "aux%d.fc1", i);
    start(graph_linear(g, text, 1024), s);
    snprintf(text, sizeof text, "aux%d.relu", i);
    graph_relu(g, text, "");
    snprintf(text, sizeof text, "aux%d.dropout", i);
    graph_dropout(g, text, .7);
    snprintf(text, sizeof text, "aux%d.fc2", i);
    start(graph_linear(g, text, classes), s);
    graph_auxiliary(g, .3);
}

static struct graph *build(const char *name, int side, const struct shape *s, int classes,
                           bool heads, double drop)
{
    static const float half[] = { .5f, .5f, .5f }, quarter[] = { .25f, .25f, .25f };
    struct graph *g = graph_new(name, 3, side, side);
    int end[9], last;

    graph_normalise(g, half, s == &mini ? quarter : half);
    add_stem(g, s);
    for (int i = 0; i < 9; i++)
        end[i] = add_block(g, s, &s->block[i]);
    last = graph_here(g);
    if (heads) {
        add_head(g, s, 1, end[2], classes);
        add_head(g, s, 2, end[5], classes);
    }
    graph_read(g, last);
    graph_avgpool(g, "avgpool", 1, 1);
    if (drop > 0)
        graph_dropout(g, "dropout", drop);
    graph_flatten(g, "flatten");
    start(graph_linear(g, "fc", classes), s);
    return g;
}

struct graph *googlenet_full(int classes)
{
    return build("googlenet-full", 224, &full, classes, true, .2);
}

struct graph *googlenet_headless(int classes)
{
    return build("googlenet-headless", 224, &full, classes, false, .2);
}

struct graph *googlenet_mini(int classes)
{
    return build("googlenet-mini", 32, &mini, classes, false, 0);
}

void googlenet_transform_input(struct graph *g, bool on)
{
    static const float mean[2][3] = { { .485f, .456f, .406f }, { .5f, .5f, .5f } };
    static const float std[2][3] = { { .229f, .224f, .225f }, { .5f, .5f, .5f } };

    assert(g->op[0].kind == GRAPH_NORMALISE);
    memcpy(g->op[0].mean, mean[on], sizeof mean[on]);
    memcpy(g->op[0].std, std[on], sizeof std[on]);
    g->plain_input = !on;
}
