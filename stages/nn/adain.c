#include "nn/adain.h"

#include <stdio.h>

#include "larder/banned.h"

/* A convolution of 3 x 3 behind a reflected edge, the module of this number, and what
 * follows its ReLU. */
struct module {
    int number, out;
    char then; /* 'p': maximum pooling, 'u': enlarged twice, '.': no ReLU even, 0 */
};

static void add_modules(struct graph *g, const struct module *m, int n)
{
    char name[GRAPH_NAME];

    for (int i = 0; i < n; i++, m++) {
        snprintf(name, sizeof name, "pad%d", m->number);
        graph_reflect(g, name, 1);
        snprintf(name, sizeof name, "%d", m->number);
        graph_conv(g, name, m->out, 3, 1, 0)->init = INIT_HE;
        snprintf(name, sizeof name, "relu%d", m->number);
        if (m->then != '.')
            graph_relu(g, name, "");
        snprintf(name, sizeof name, "then%d", m->number);
        if (m->then == 'p')
            graph_maxpool(g, name, 2, 2, 0, true);
        else if (m->then == 'u')
            graph_upsample(g, name, 2);
    }
}

static void name_tap(struct graph *g, const char *tap)
{
    snprintf(g->op[graph_here(g)].tap, GRAPH_NAME, "%s", tap);
}

struct graph *adain_encoder(int H, int W)
{
    static const struct module modules[] = {
        { 2, 64, 0 },     { 5, 64, 'p' },   { 9, 128, 0 },
        { 12, 128, 'p' }, { 16, 256, 0 },   { 19, 256, 0 },
        { 22, 256, 0 },   { 25, 256, 'p' }, { 29, 512, 0 },
    };
    struct graph *g = graph_new("adain-encoder", 3, H, W);

    graph_conv(g, "0", 3, 1, 1, 0)->init = INIT_HE;
    add_modules(g, modules, sizeof modules / sizeof modules[0]);
    name_tap(g, "relu4_1");
    return g;
}

struct graph *adain_decoder(int h, int w)
{
    static const struct module modules[] = {
        { 1, 256, 'u' }, { 5, 256, 0 },   { 8, 256, 0 }, { 11, 256, 0 }, { 14, 128, 'u' },
        { 18, 128, 0 },  { 21, 64, 'u' }, { 25, 64, 0 }, { 28, 3, '.' },
    };
    struct graph *g = graph_new("adain-decoder", ADAIN_CHANNELS, h, w);

    add_modules(g, modules, sizeof modules / sizeof modules[0]);
    name_tap(g, "picture");
    return g;
}
