#include "nn/vgg19.h"

#include <stdio.h>

#include "larder/banned.h"

enum { BLOCKS = 5 };

struct graph *vgg19(int H, int W)
{
    static const int width[BLOCKS] = { 64, 128, 256, 512, 512 };
    static const int depth[BLOCKS] = { 2, 2, 4, 4, 4 };
    struct graph *g = graph_new("vgg19", 3, H, W);
    char name[GRAPH_NAME];

    for (int i = 0; i < BLOCKS; i++) {
        for (int j = 1; j <= depth[i]; j++) {
            snprintf(name, sizeof name, "conv%d_%d", i + 1, j);
            graph_conv(g, name, width[i], 3, 1, 1)->init = INIT_HE;
            snprintf(name, sizeof name, "relu%d_%d", i + 1, j);
            graph_relu(g, name, name);
        }
        snprintf(name, sizeof name, "pool%d", i + 1);
        if (i + 1 < BLOCKS)
            graph_maxpool(g, name, 2, 2, 0, false);
    }
    return g;
}
