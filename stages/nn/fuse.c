#include "nn/fuse.h"

#include <assert.h>
#include <string.h>

#include "larder/banned.h"

static enum nn_kind kind_of(enum graph_kind kind)
{
    switch (kind) {
    case GRAPH_NORMALISE:
        return NN_NORMALISE;
    case GRAPH_CONV:
        return NN_CONV;
    case GRAPH_MAXPOOL:
        return NN_MAXPOOL;
    case GRAPH_LINEAR:
        return NN_LINEAR;
    default:
        return NN_RELU;
    }
}

static bool is(const struct graph *g, size_t i, enum graph_kind kind)
{
    return i < g->n_ops && g->op[i].kind == kind;
}

/* The operator of the graph at i, reading the output of i - 1; before a linear, what was
 * flattened is read as it lies. */
static struct nn_op_desc describe(const struct graph *g, size_t i, int n)
{
    const struct graph_op *op = &g->op[i];
    struct nn_op_desc d = { .kind = kind_of(op->kind),
                            .N = n,
                            .K = op->C,
                            .P = op->H,
                            .Q = op->W,
                            .kernel = op->kernel,
                            .stride = op->stride,
                            .pad = op->pad };

    graph_input(g, i > 0 && is(g, i - 1, GRAPH_FLATTEN) ? i - 1 : i, &d.C, &d.H, &d.W);
    assert(op->kind == GRAPH_LINEAR || i == 0 || !is(g, i - 1, GRAPH_FLATTEN));
    memcpy(d.mean, op->mean, sizeof d.mean);
    memcpy(d.std, op->std, sizeof d.std);
    return d;
}

size_t fuse_graph(struct fused *f, const struct graph *g, int n, bool weight_gradient,
                  bool input_gradient)
{
    bool before = input_gradient; /* whether a gradient is wanted of what comes before */
    size_t k = 0;

    for (size_t i = 0; i < g->n_ops; i++) {
        if (g->op[i].kind == GRAPH_FLATTEN)
            continue;
        f[k] = (struct fused){ .d = describe(g, i, n), .from = i, .to = i + 1 };
        f[k].d.input_gradient = before;
        if (graph_has_parameters(&g->op[i])) {
            f[k].d.weight_gradient = weight_gradient;
            f[k].d.relu = is(g, i + 1, GRAPH_RELU) && g->op[i].tap[0] == '\0';
            f[k].d.gated = f[k].d.relu && is(g, i + 2, GRAPH_MAXPOOL);
            before = before || weight_gradient;
        }
        if (k > 0)
            f[k].d.gate = f[k - 1].d.gated;
        if (f[k].d.relu)
            f[k].to = ++i + 1;
        k++;
    }
    return k;
}
