#include "nn/graph.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/mem.h"
#include "nn/tensors.h"

struct graph *graph_new(const char *name, int C, int H, int W)
{
    struct graph *g = xcalloc(1, sizeof *g);

    assert(C >= 1 && C <= GRAPH_CHANNELS && H >= 1 && W >= 1);
    snprintf(g->name, sizeof g->name, "%s", name);
    g->C = C;
    g->H = H;
    g->W = W;
    return g;
}

void graph_free(struct graph *g)
{
    if (g == NULL)
        return;
    free(g->op);
    free(g);
}

void graph_input(const struct graph *g, size_t i, int *C, int *H, int *W)
{
    *C = i == 0 ? g->C : g->op[i - 1].C;
    *H = i == 0 ? g->H : g->op[i - 1].H;
    *W = i == 0 ? g->W : g->op[i - 1].W;
}

/* A new operator whose output has the shape of its input. */
static struct graph_op *add(struct graph *g, enum graph_kind kind, const char *name)
{
    struct graph_op *op;
    int C, H, W;

    assert(strlen(name) < GRAPH_NAME);
    graph_input(g, g->n_ops, &C, &H, &W);
    GROW(g->op, g->n_ops + 1, g->cap);
    op = &g->op[g->n_ops++];
    *op = (struct graph_op){ .kind = kind, .C = C, .H = H, .W = W };
    snprintf(op->name, sizeof op->name, "%s", name);
    g->classes = C * H * W;
    return op;
}

struct graph_op *graph_normalise(struct graph *g, const float *mean, const float *std)
{
    struct graph_op *op = add(g, GRAPH_NORMALISE, "normalise");

    assert(op->C <= GRAPH_CHANNELS);
    memcpy(op->mean, mean, op->C * sizeof *mean);
    memcpy(op->std, std, op->C * sizeof *std);
    return op;
}

struct graph_op *graph_conv(struct graph *g, const char *name, int out, int kernel,
                            int stride, int pad)
{
    struct graph_op *op = add(g, GRAPH_CONV, name);

    op->C = out;
    op->kernel = kernel;
    op->stride = stride;
    op->pad = pad;
    op->H = (op->H + 2 * pad - kernel) / stride + 1;
    op->W = (op->W + 2 * pad - kernel) / stride + 1;
    assert(op->H >= 1 && op->W >= 1);
    g->classes = op->C * op->H * op->W;
    return op;
}

struct graph_op *graph_relu(struct graph *g, const char *name, const char *tap)
{
    struct graph_op *op = add(g, GRAPH_RELU, name);

    snprintf(op->tap, sizeof op->tap, "%s", tap);
    return op;
}

/* With ceil_mode one more window where it still starts inside the input or its left
 * padding (torch.nn.MaxPool2d). */
static int pooled(int n, int kernel, int stride, int pad, bool ceil_mode)
{
    int out = (n + 2 * pad - kernel + (ceil_mode ? stride - 1 : 0)) / stride + 1;

    return ceil_mode && (out - 1) * stride >= n + pad ? out - 1 : out;
}

struct graph_op *graph_maxpool(struct graph *g, const char *name, int kernel, int stride,
                               int pad, bool ceil_mode)
{
    struct graph_op *op = add(g, GRAPH_MAXPOOL, name);

    assert(pad <= kernel / 2); /* so that no window lies in the padding alone */
    op->kernel = kernel;
    op->stride = stride;
    op->pad = pad;
    op->ceil_mode = ceil_mode;
    op->H = pooled(op->H, kernel, stride, pad, ceil_mode);
    op->W = pooled(op->W, kernel, stride, pad, ceil_mode);
    assert(op->H >= 1 && op->W >= 1);
    g->classes = op->C * op->H * op->W;
    return op;
}

struct graph_op *graph_flatten(struct graph *g, const char *name)
{
    struct graph_op *op = add(g, GRAPH_FLATTEN, name);

    op->C = op->C * op->H * op->W;
    op->H = op->W = 1;
    return op;
}

struct graph_op *graph_linear(struct graph *g, const char *name, int out)
{
    struct graph_op *op = add(g, GRAPH_LINEAR, name);

    assert(op->H == 1 && op->W == 1); /* flatten first */
    op->C = out;
    g->classes = out;
    return op;
}

const struct graph_op *graph_tap(const struct graph *g, const char *tap)
{
    for (size_t i = 0; i < g->n_ops; i++)
        if (tap[0] != '\0' && strcmp(g->op[i].tap, tap) == 0)
            return &g->op[i];
    return NULL;
}

bool graph_has_parameters(const struct graph_op *op)
{
    return op->kind == GRAPH_CONV || op->kind == GRAPH_LINEAR;
}

/* Weights of one output value: the fan in. */
static long fan_in(const struct graph *g, size_t i)
{
    int C, H, W;

    graph_input(g, i, &C, &H, &W);
    return g->op[i].kind == GRAPH_CONV ? (long)C * g->op[i].kernel * g->op[i].kernel : C;
}

long graph_parameters(const struct graph *g)
{
    long n = 0;

    for (size_t i = 0; i < g->n_ops; i++)
        if (graph_has_parameters(&g->op[i]))
            n += g->op[i].C * (fan_in(g, i) + 1);
    return n;
}

long graph_multiplications(const struct graph *g)
{
    long n = 0;

    for (size_t i = 0; i < g->n_ops; i++) {
        const struct graph_op *op = &g->op[i];
        if (graph_has_parameters(op))
            n += fan_in(g, i) * op->C * op->H * op->W;
    }
    return n;
}

void graph_tensors(const struct graph *g, struct tensors *t)
{
    char name[GRAPH_NAME + 8];
    int C, H, W;

    for (size_t i = 0; i < g->n_ops; i++) {
        const struct graph_op *op = &g->op[i];
        if (!graph_has_parameters(op))
            continue;
        graph_input(g, i, &C, &H, &W);
        snprintf(name, sizeof name, "%s.weight", op->name);
        tensors_add(t, name, op->kind == GRAPH_CONV ? 4 : 2,
                    (const long[]){ op->C, C, op->kernel, op->kernel });
        snprintf(name, sizeof name, "%s.bias", op->name);
        tensors_add(t, name, 1, (const long[]){ op->C });
    }
}
