#include "nn/alexnet.h"

#include "larder/banned.h"

/* One of torchvision's numbered modules of `features`: a convolution, its ReLU, and where
 * pool is set a 3 x 3 maximum of stride 2. */
struct feature {
    int module, out, kernel, stride, pad;
    bool pool;
    const char *tap;
};

static void add_features(struct graph *g, const struct feature *s, int n, int pool_pad,
                         enum graph_init init)
{
    char name[GRAPH_NAME];

    for (int i = 0; i < n; i++, s++) {
        snprintf(name, sizeof name, "features.%d", s->module);
        graph_conv(g, name, s->out, s->kernel, s->stride, s->pad)->init = init;
        snprintf(name, sizeof name, "features.%d", s->module + 1);
        graph_relu(g, name, s->tap);
        if (s->pool) {
            snprintf(name, sizeof name, "features.%d", s->module + 2);
            graph_maxpool(g, name, 3, 2, pool_pad, false);
        }
    }
}

/* torchvision's classifier; modules 0 and 3 drop this share, where it is above 0. */
static void add_classifier(struct graph *g, int hidden, int classes, enum graph_init init,
                           double drop)
{
    struct graph_op *last;

    if (drop > 0)
        graph_dropout(g, "classifier.0", drop);
    graph_flatten(g, "flatten");
    graph_linear(g, "classifier.1", hidden)->init = init;
    graph_relu(g, "classifier.2", "fc6");
    if (drop > 0)
        graph_dropout(g, "classifier.3", drop);
    graph_linear(g, "classifier.4", hidden)->init = init;
    graph_relu(g, "classifier.5", "fc7");
    last = graph_linear(g, "classifier.6", classes);
    last->init = init == INIT_HE ? INIT_NORMAL : init;
    last->init_std = .01;
}

struct graph *alexnet_full(int classes)
{
    static const float mean[] = { .485f, .456f, .406f }, std[] = { .229f, .224f, .225f };
    static const struct feature features[] = {
        { 0, 64, 11, 4, 2, true, "conv1" },  { 3, 192, 5, 1, 2, true, "conv2" },
        { 6, 384, 3, 1, 1, false, "conv3" }, { 8, 256, 3, 1, 1, false, "conv4" },
        { 10, 256, 3, 1, 1, true, "conv5" },
    };
    struct graph *g = graph_new("alexnet-full", 3, 224, 224);

    graph_normalise(g, mean, std);
    add_features(g, features, 5, 0, INIT_UNIFORM);
    add_classifier(g, 4096, classes, INIT_UNIFORM, .5);
    return g;
}

struct graph *alexnet_mini(int classes)
{
    static const float mean[] = { .5f, .5f, .5f }, std[] = { .25f, .25f, .25f };
    static const struct feature features[] = {
        { 0, 24, 7, 2, 3, true, "conv1" },  { 3, 64, 5, 1, 2, true, "conv2" },
        { 6, 96, 3, 1, 1, false, "conv3" }, { 8, 64, 3, 1, 1, false, "conv4" },
        { 10, 64, 3, 1, 1, true, "conv5" },
    };
    struct graph *g = graph_new("alexnet-mini", 3, 32, 32);

    graph_normalise(g, mean, std);
    add_features(g, features, 5, 1, INIT_HE);
    add_classifier(g, 128, classes, INIT_HE, 0);
    return g;
}
