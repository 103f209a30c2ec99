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

    assert(C >= 1 && H >= 1 && W >= 1);
    snprintf(g->name, sizeof g->name, "%s", name);
    g->C = C;
    g->H = H;
    g->W = W;
    g->places = 1;
    g->here = GRAPH_PICTURES;
    return g;
}

void graph_free(struct graph *g)
{
    if (g == NULL)
        return;
    free(g->op);
    free(g);
}

static void shape_of(const struct graph *g, int i, int *C, int *H, int *W)
{
    *C = i < 0 ? g->C : g->op[i].C;
    *H = i < 0 ? g->H : g->op[i].H;
    *W = i < 0 ? g->W : g->op[i].W;
}

void graph_input(const struct graph *g, size_t i, int *C, int *H, int *W)
{
    shape_of(g, g->op[i].in[0], C, H, W);
}

int graph_here(const struct graph *g)
{
    return g->here;
}

void graph_read(struct graph *g, int op)
{
    assert(op >= GRAPH_PICTURES && op < (int)g->n_ops);
    g->here = op;
}

void graph_auxiliary(struct graph *g, double weight)
{
    assert(g->n_aux < GRAPH_AUX && g->here >= 0);
    g->aux[g->n_aux++] = g->here;
    g->aux_weight = weight;
}

/* A new operator whose output has the shape of its input. */
static struct graph_op *add(struct graph *g, enum graph_kind kind, const char *name)
{
    struct graph_op *op;
    int C, H, W;

    assert(strlen(name) < GRAPH_NAME);
    shape_of(g, g->here, &C, &H, &W);
    GROW(g->op, g->n_ops + 1, g->cap);
    op = &g->op[g->n_ops];
    *op = (struct graph_op){
        .kind = kind, .n_in = 1, .in = { g->here }, .C = C, .H = H, .W = W
    };
    snprintf(op->name, sizeof op->name, "%s", name);
    g->here = (int)g->n_ops++;
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
    return graph_conv_dilated(g, name, out, kernel, stride, pad, 1);
}

struct graph_op *graph_conv_dilated(struct graph *g, const char *name, int out,
                                    int kernel, int stride, int pad, int dilation)
{
    struct graph_op *op = add(g, GRAPH_CONV, name);
    int reach = dilation * (kernel - 1) + 1;

    op->C = out;
    op->bias = true;
    op->kernel = kernel;
    op->stride = stride;
    op->pad = pad;
    op->dilation = dilation;
    assert(op->H + 2 * pad >= reach && op->W + 2 * pad >= reach);
    op->H = (op->H + 2 * pad - reach) / stride + 1;
    op->W = (op->W + 2 * pad - reach) / stride + 1;
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
    op->bias = true;
    g->classes = out;
    return op;
}

struct graph_op *graph_batchnorm(struct graph *g, const char *name, double eps)
{
    struct graph_op *op = add(g, GRAPH_BATCHNORM, name);

    op->eps = eps;
    return op;
}

struct graph_op *graph_avgpool(struct graph *g, const char *name, int H, int W)
{
    struct graph_op *op = add(g, GRAPH_AVGPOOL, name);

    assert(H >= 1 && H <= op->H && W >= 1 && W <= op->W);
    op->H = H;
    op->W = W;
    g->classes = op->C * H * W;
    return op;
}

struct graph_op *graph_dropout(struct graph *g, const char *name, double drop)
{
    struct graph_op *op = add(g, GRAPH_DROPOUT, name);

    assert(drop >= 0 && drop < 1);
    assert(g->op[op->in[0]].kind != GRAPH_FLATTEN); /* it flattens what was dropped */
    op->drop = drop;
    return op;
}

struct graph_op *graph_reflect(struct graph *g, const char *name, int pad)
{
    struct graph_op *op = add(g, GRAPH_REFLECT, name);

    assert(pad >= 0 && pad < op->H && pad < op->W);
    op->pad = pad;
    op->H += 2 * pad;
    op->W += 2 * pad;
    g->classes = op->C * op->H * op->W;
    return op;
}

struct graph_op *graph_upsample(struct graph *g, const char *name, int factor)
{
    struct graph_op *op = add(g, GRAPH_UPSAMPLE, name);

    assert(factor >= 1);
    op->stride = factor;
    op->H *= factor;
    op->W *= factor;
    g->classes = op->C * op->H * op->W;
    return op;
}

struct graph_op *graph_gram(struct graph *g, const char *name)
{
    struct graph_op *op = add(g, GRAPH_GRAM, name);

    op->C *= op->C;
    op->H = op->W = 1;
    g->classes = op->C;
    return op;
}

void graph_dense(struct graph *g)
{
    const struct graph_op *op = &g->op[g->n_ops - 1];

    g->classes = op->C;
    g->places = op->H * op->W;
}

void graph_output(struct graph *g)
{
    assert(g->n_outputs < GRAPH_OUTPUTS && g->here >= 0);
    g->output[g->n_outputs++] = g->here;
}

/* An operator that reads those in `in`, all of one height and width. */
static struct graph_op *join(struct graph *g, enum graph_kind kind, const char *name,
                             const int *in, int n)
{
    struct graph_op *op;

    assert(n >= 2 && n <= GRAPH_INPUTS);
    graph_read(g, in[0]);
    op = add(g, kind, name);
    op->n_in = n;
    for (int i = 0; i < n; i++) {
        assert(in[i] >= 0 && g->op[in[i]].H == op->H && g->op[in[i]].W == op->W);
        op->in[i] = in[i];
    }
    return op;
}

struct graph_op *graph_concat(struct graph *g, const char *name, const char *tap,
                              const int *in, int n)
{
    struct graph_op *op = join(g, GRAPH_CONCAT, name, in, n);

    snprintf(op->tap, sizeof op->tap, "%s", tap);
    op->C = 0;
    for (int i = 0; i < n; i++)
        op->C += g->op[in[i]].C;
    g->classes = op->C * op->H * op->W;
    return op;
}

struct graph_op *graph_add(struct graph *g, const char *name, int a, int b)
{
    struct graph_op *op = join(g, GRAPH_ADD, name, (const int[]){ a, b }, 2);

    assert(g->op[a].C == g->op[b].C);
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
    return op->kind == GRAPH_CONV || op->kind == GRAPH_LINEAR ||
           op->kind == GRAPH_BATCHNORM;
}

bool graph_has(const struct graph *g, enum graph_kind kind)
{
    for (size_t i = 0; i < g->n_ops; i++)
        if (g->op[i].kind == kind)
            return true;
    return false;
}

void graph_needed(const struct graph *g, bool aux, bool *needed)
{
    memset(needed, 0, g->n_ops * sizeof *needed);
    needed[g->n_ops - 1] = true;
    for (int i = 0; i < g->n_outputs; i++)
        needed[g->output[i]] = true;
    for (int i = 0; aux && i < g->n_aux; i++)
        needed[g->aux[i]] = true;
    for (size_t i = g->n_ops; i-- > 0;)
        for (int k = 0; needed[i] && k < g->op[i].n_in; k++)
            if (g->op[i].in[k] >= 0)
                needed[g->op[i].in[k]] = true;
}

/* Weights of one output value: the fan in. */
static long fan_in(const struct graph *g, size_t i)
{
    int C, H, W;

    graph_input(g, i, &C, &H, &W);
    if (g->op[i].kind == GRAPH_BATCHNORM)
        return 1;
    return g->op[i].kind == GRAPH_CONV ? (long)C * g->op[i].kernel * g->op[i].kernel : C;
}

static bool has_bias(const struct graph_op *op)
{
    return op->bias || op->kind == GRAPH_BATCHNORM;
}

size_t graph_picture(const struct graph *g)
{
    return (size_t)g->H * (size_t)g->W * (size_t)g->C;
}

size_t graph_logits(const struct graph *g)
{
    return (size_t)g->places * (size_t)g->classes;
}

long graph_parameters(const struct graph *g)
{
    long n = 0;

    for (size_t i = 0; i < g->n_ops; i++)
        if (graph_has_parameters(&g->op[i]))
            n += g->op[i].C * (fan_in(g, i) + has_bias(&g->op[i]));
    return n;
}

/* Those of a batch norm are not counted: in evaluation it has none of its own. */
long graph_multiplications(const struct graph *g)
{
    bool *needed = xcalloc(g->n_ops, sizeof *needed);
    long n = 0;

    graph_needed(g, false, needed);
    for (size_t i = 0; i < g->n_ops; i++) {
        const struct graph_op *op = &g->op[i];
        if (needed[i] && (op->kind == GRAPH_CONV || op->kind == GRAPH_LINEAR))
            n += fan_in(g, i) * op->C * op->H * op->W;
    }
    free(needed);
    return n;
}

static struct tensor *add_tensor(struct tensors *t, const struct graph_op *op,
                                 const char *what, int n_dims, const long *dim)
{
    char name[GRAPH_PARAMETER];

    snprintf(name, sizeof name, "%s.%s", op->name, what);
    return tensors_add(t, name, n_dims, dim);
}

static void add_parameters(const struct graph *g, size_t i, struct tensors *t)
{
    static const int dims[] = {
        [GRAPH_CONV] = 4, [GRAPH_LINEAR] = 2, [GRAPH_BATCHNORM] = 1
    };
    const struct graph_op *op = &g->op[i];
    int C, H, W;

    graph_input(g, i, &C, &H, &W);
    add_tensor(t, op, "weight", dims[op->kind],
               (const long[]){ op->C, C, op->kernel, op->kernel });
    if (has_bias(op))
        add_tensor(t, op, "bias", 1, (const long[]){ op->C });
}

void graph_tensors(const struct graph *g, struct tensors *t)
{
    t->plain_input = g->plain_input;
    for (size_t i = 0; i < g->n_ops; i++) {
        const struct graph_op *op = &g->op[i];
        if (!graph_has_parameters(op))
            continue;
        add_parameters(g, i, t);
        if (op->kind != GRAPH_BATCHNORM)
            continue;
        add_tensor(t, op, "running_mean", 1, (const long[]){ op->C });
        add_tensor(t, op, "running_var", 1, (const long[]){ op->C });
        add_tensor(t, op, "num_batches_tracked", 0, NULL)->integer = true;
    }
}

void graph_parameter_tensors(const struct graph *g, struct tensors *t)
{
    for (size_t i = 0; i < g->n_ops; i++)
        if (graph_has_parameters(&g->op[i]))
            add_parameters(g, i, t);
}
