#include "nn/fuse.h"

#include <assert.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/mem.h"

/* A graph on its way to a program. */
struct fusing {
    const struct graph *g;
    struct program *p;
    bool *needed; /* of each operator of the graph */
    int *readers; /* how many needed ones read it */
    int *place;   /* the operator of the program that gives its output */
    bool *carry;  /* of the program: a gradient of its output is wanted */
    uint32_t drops;
};

static enum nn_kind kind_of(enum graph_kind kind)
{
    static const enum nn_kind kinds[] = {
        [GRAPH_NORMALISE] = NN_NORMALISE, [GRAPH_CONV] = NN_CONV,
        [GRAPH_RELU] = NN_RELU,           [GRAPH_MAXPOOL] = NN_MAXPOOL,
        [GRAPH_LINEAR] = NN_LINEAR,       [GRAPH_BATCHNORM] = NN_BATCHNORM,
        [GRAPH_AVGPOOL] = NN_AVGPOOL,     [GRAPH_DROPOUT] = NN_DROPOUT,
        [GRAPH_CONCAT] = NN_CONCAT,       [GRAPH_ADD] = NN_ADD,
        [GRAPH_REFLECT] = NN_REFLECT,     [GRAPH_UPSAMPLE] = NN_UPSAMPLE,
        [GRAPH_GRAM] = NN_GRAM,
    };

    return kinds[kind];
}

/* Whether operator i + 1 is of this kind and the only one that reads operator i. */
static bool followed(const struct fusing *f, size_t i, enum graph_kind kind)
{
    const struct graph *g = f->g;

    return i + 1 < g->n_ops && f->needed[i + 1] && g->op[i + 1].kind == kind &&
           g->op[i + 1].in[0] == (int)i && f->readers[i] == 1;
}

/* Operators that move nothing are read through. */
static bool is_nothing(const struct fusing *f, const struct graph_op *op)
{
    return op->kind == GRAPH_FLATTEN ||
           (op->kind == GRAPH_DROPOUT && !f->p->use.training);
}

/* The operator whose output lies in memory as op reads it. */
static const struct graph_op *source(const struct fusing *f, const struct graph_op *op)
{
    const struct graph_op *from;

    while (op->in[0] >= 0) {
        from = &f->g->op[op->in[0]];
        if (!is_nothing(f, from))
            return from;
        op = from;
    }
    return NULL;
}

/* The operator of the graph at i; what was flattened is read as it lies. */
static struct nn_op_desc describe(struct fusing *f, size_t i)
{
    const struct graph_op *op = &f->g->op[i], *from = source(f, op);
    struct nn_op_desc d = { .kind = kind_of(op->kind),
                            .N = f->p->use.n,
                            .C = from != NULL ? from->C : f->g->C,
                            .H = from != NULL ? from->H : f->g->H,
                            .W = from != NULL ? from->W : f->g->W,
                            .K = op->C,
                            .P = op->H,
                            .Q = op->W,
                            .kernel = op->kernel,
                            .stride = op->stride,
                            .pad = op->pad,
                            .dilation = op->dilation,
                            .bias = op->bias,
                            .eps = op->eps,
                            .training = f->p->use.training,
                            .drop = op->drop,
                            .inputs = op->n_in };

    assert(op->kind == GRAPH_LINEAR || op->in[0] < 0 ||
           f->g->op[op->in[0]].kind != GRAPH_FLATTEN);
    memcpy(d.mean, op->mean, sizeof d.mean);
    memcpy(d.std, op->std, sizeof d.std);
    for (int k = 0; op->n_in > 1 && k < op->n_in; k++)
        d.channels[k] = f->g->op[op->in[k]].C;
    if (d.kind == NN_DROPOUT)
        d.stream = f->drops++;
    return d;
}

/* Takes along what follows operator i of the graph; returns the last one taken. */
static size_t take_along(struct fusing *f, struct fused *o, size_t i)
{
    const struct graph *g = f->g;
    enum nn_kind kind = o->d.kind;

    if (kind == NN_CONV && !f->p->use.training && followed(f, i, GRAPH_BATCHNORM) &&
        g->op[i].tap[0] == '\0') {
        o->norm = (int)++i;
        o->d.bias = true;
    }
    if (kind != NN_CONV && kind != NN_LINEAR && kind != NN_BATCHNORM && kind != NN_ADD)
        return i;
    o->d.relu = followed(f, i, GRAPH_RELU) && g->op[i].tap[0] == '\0';
    if (!o->d.relu)
        return i;
    i++;
    if (kind == NN_CONV || kind == NN_LINEAR)
        o->d.gated = followed(f, i, GRAPH_MAXPOOL);
    return i;
}

/* Adds operator i of the graph; returns the last one that it stands for. */
static size_t add(struct fusing *f, size_t i)
{
    const struct graph_op *op = &f->g->op[i];
    int k = (int)f->p->n++;
    struct fused *o = &f->p->op[k];
    bool before = false;

    *o = (struct fused){ .d = describe(f, i), .from = i, .n_in = op->n_in };
    for (int j = 0; j < op->n_in; j++) {
        int in = op->in[j] < 0 ? GRAPH_PICTURES : f->place[op->in[j]];
        o->in[j] = in;
        before = before || (in < 0 ? f->p->use.input_gradient : f->carry[in]);
        o->d.gate = o->d.kind == NN_MAXPOOL && in >= 0 && f->p->op[in].d.gated;
    }
    o->d.input_gradient = before;
    o->d.tf32 = f->p->use.tf32;
    o->d.weight_gradient = graph_has_parameters(op) && f->p->use.weight_gradient;
    f->carry[k] = before || o->d.weight_gradient;
    o->to = take_along(f, o, i) + 1;
    for (; i < o->to; i++)
        f->place[i] = k;
    return o->to - 1;
}

static void count_readers(struct fusing *f)
{
    const struct graph *g = f->g;

    for (size_t i = 0; i < g->n_ops; i++)
        for (int k = 0; f->needed[i] && k < g->op[i].n_in; k++)
            if (g->op[i].in[k] >= 0)
                f->readers[g->op[i].in[k]]++;
}

static void name_outputs(const struct fusing *f)
{
    struct program *p = f->p;

    for (int i = 0; i < f->g->n_outputs; i++)
        p->out[p->n_out++] = f->place[f->g->output[i]];
    if (p->n_out > 0)
        return;
    p->out[p->n_out++] = f->place[f->g->n_ops - 1];
    for (int i = 0; p->use.training && i < f->g->n_aux; i++)
        p->out[p->n_out++] = f->place[f->g->aux[i]];
}

void program_make(struct program *p, const struct graph *g, const struct fuse_use *use)
{
    struct fusing f = { .g = g, .p = p };

    *p = (struct program){ .use = *use, .op = xcalloc(g->n_ops, sizeof *p->op) };
    f.needed = xcalloc(g->n_ops, sizeof *f.needed);
    f.readers = xcalloc(g->n_ops, sizeof *f.readers);
    f.place = xcalloc(g->n_ops, sizeof *f.place);
    f.carry = xcalloc(g->n_ops, sizeof *f.carry);
    graph_needed(g, use->training, f.needed);
    count_readers(&f);
    for (size_t i = 0; i < g->n_ops; i++) {
        if (!f.needed[i])
            continue;
        if (is_nothing(&f, &g->op[i]))
            f.place[i] = g->op[i].in[0] < 0 ? GRAPH_PICTURES : f.place[g->op[i].in[0]];
        else
            i = add(&f, i);
    }
    name_outputs(&f);
    free(f.carry);
    free(f.place);
    free(f.readers);
    free(f.needed);
}

void program_release(struct program *p)
{
    free(p->op);
    *p = (struct program){ 0 };
}

int program_reader(const struct program *p, int i)
{
    for (size_t k = p->n; k-- > 0;)
        for (int j = 0; j < p->op[k].n_in; j++)
            if (p->op[k].in[j] == i)
                return (int)k;
    return -1;
}

int program_tap(const struct program *p, const struct graph *g, const char *tap)
{
    const struct graph_op *op = graph_tap(g, tap);

    for (size_t k = 0; op != NULL && k < p->n; k++)
        if (&g->op[p->op[k].to - 1] == op)
            return (int)k;
    return -1;
}
