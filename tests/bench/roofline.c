/*
 * roofline - what a network costs, operator by operator: floating-point operations, and
 * bytes that must move between the GPU's memory and its processors.
 *
 *     roofline ARCH SIZE BATCH
 *
 * The operators are those that a backend runs: the network of nn/arch.h as a program of
 * nn/fuse.h, in evaluation and in training. Rows, tab-separated, one a pass of an
 * operator: phase, times (how often the phase makes that pass), operator, kind, pass (y,
 * dx, dw, sum, or what is no operator's), matrix (1: a product of matrices, which tensor
 * cores can compute), FLOPs, bytes; all of them for the whole batch, in one lane.
 *
 * Bytes: each operand of a pass is read once and each result written once, of 4 bytes a
 * value, whatever a cache or an algorithm makes of it. So they are the least for a pass,
 * as long as the passes are apart. Of what a convolution's strides pass over nothing is
 * read. A ReLU that an operator has taken along costs nothing forward; backward y is read
 * beside dy. Where several operators read one output, their gradients are added: a pass
 * `sum`.
 * FLOPs: a multiply-add is two, padding counts; others by the formulas below. Direct
 * convolution is counted; Winograd's transform and the like need fewer.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/arch.h"
#include "nn/fuse.h"

#include "larder/banned.h"

enum { FLOAT = 4, PGD_STEPS = 7 };

/* What a phase repeats. */
struct phase {
    const char *name;
    int times;
};

struct cost {
    double flops, values; /* values: floats that are read or written */
};

static const char *const kind_name[NN_KINDS] = {
    [NN_NORMALISE] = "normalise", [NN_CONV] = "conv",
    [NN_RELU] = "relu",           [NN_MAXPOOL] = "maxpool",
    [NN_LINEAR] = "linear",       [NN_BATCHNORM] = "batchnorm",
    [NN_AVGPOOL] = "avgpool",     [NN_DROPOUT] = "dropout",
    [NN_CONCAT] = "concat",       [NN_ADD] = "add",
};

/* ---- sizes of an operator -----------------------------------------------------------
 */

static double values_y(const struct nn_op_desc *d)
{
    return (double)d->N * d->P * d->Q * d->K;
}

/* Of the first input, or of input j of several. */
static double values_x(const struct nn_op_desc *d, int j)
{
    return (double)d->N * d->H * d->W * (d->inputs > 1 ? d->channels[j] : d->C);
}

static double all_values_x(const struct nn_op_desc *d)
{
    double sum = 0;

    for (int j = 0; j < (d->inputs > 1 ? d->inputs : 1); j++)
        sum += values_x(d, j);
    return sum;
}

/* Of x, what a convolution looks at: with stride 2, a kernel of 1 passes over the rest.
 */
static double values_seen(const struct nn_op_desc *d)
{
    double taken = (double)d->N * d->P * d->Q * d->kernel * d->kernel * d->C;

    return d->kind == NN_CONV && taken < values_x(d, 0) ? taken : values_x(d, 0);
}

static bool is_product(const struct nn_op_desc *d)
{
    return d->kind == NN_CONV || d->kind == NN_LINEAR;
}

/* Multiply-adds for one value of y. */
static double features(const struct nn_op_desc *d)
{
    return d->kind == NN_CONV ? (double)d->C * d->kernel * d->kernel
                              : (double)d->C * d->H * d->W;
}

static double weights(const struct nn_op_desc *d)
{
    return is_product(d) ? d->K * (features(d) + d->bias) : 2.0 * d->K;
}

/* ---- a pass -------------------------------------------------------------------------
 */

static struct cost forward(const struct nn_op_desc *d)
{
    double x = all_values_x(d), y = values_y(d), relu = d->relu ? y : 0;

    switch (d->kind) {
    case NN_CONV:
    case NN_LINEAR:
        return (struct cost){ 2 * y * features(d) + (d->bias ? y : 0) + relu,
                              values_seen(d) + weights(d) + y };
    case NN_BATCHNORM: /* mean, variance, then x a + b */
        return (struct cost){ (d->training ? 5 : 2) * y + relu, x + y + weights(d) };
    case NN_MAXPOOL: /* and the place of each maximum, in 4 bytes */
        return (struct cost){ y * ((double)d->kernel * d->kernel - 1), x + 2 * y };
    case NN_AVGPOOL:
        return (struct cost){ x + y, x + y };
    case NN_NORMALISE:
        return (struct cost){ 2 * y, x + y };
    case NN_DROPOUT: /* and the factor of each value */
        return (struct cost){ y, x + 2 * y };
    case NN_ADD:
        return (struct cost){ (d->inputs - 1) * y + relu, x + y };
    case NN_CONCAT:
        return (struct cost){ 0, x + y };
    case NN_RELU:
        return (struct cost){ y, x + y };
    default:
        assert(!"an operator that these networks do not have");
        return (struct cost){ 0, 0 };
    }
}

/* y is read beside dy where dy is made 0 where y is. */
static double gate(const struct nn_op_desc *d)
{
    return d->relu && !d->gated ? values_y(d) : 0;
}

/* The gradient with respect to the weights; with_dx: that of x was made in the same pass,
 * which a batch norm does. */
static struct cost backward_weights(const struct nn_op_desc *d, bool with_dx)
{
    double y = values_y(d);

    if (!is_product(d))
        return with_dx ? (struct cost){ 0, weights(d) }
                       : (struct cost){ 4 * y + gate(d), 2 * y + gate(d) + weights(d) };
    return (struct cost){ 2 * y * features(d) + (d->bias ? y : 0) + gate(d),
                          values_seen(d) + y + gate(d) + weights(d) };
}

/* The gradient with respect to those inputs of which it is wanted, dx values in all. */
static struct cost backward_input(const struct nn_op_desc *d, double dx)
{
    double y = values_y(d);

    switch (d->kind) {
    case NN_CONV:
    case NN_LINEAR:
        return (struct cost){ 2 * y * features(d) + gate(d),
                              y + gate(d) + d->K * features(d) + dx };
    case NN_BATCHNORM: /* sums of dy and of dy x, then dx = a dy + b x + c */
        return (struct cost){ (d->training ? 8 : 1) * y + gate(d),
                              y + (d->training ? y : 0) + gate(d) + dx };
    case NN_MAXPOOL: /* dy goes to the place of the maximum */
        return (struct cost){ y, 2 * y + dx + (d->gate ? dx : 0) };
    case NN_AVGPOOL:
        return (struct cost){ dx, y + dx };
    case NN_NORMALISE:
        return (struct cost){ y, y + dx };
    case NN_DROPOUT:
        return (struct cost){ y, 2 * y + dx };
    case NN_ADD:
        return (struct cost){ gate(d), y + gate(d) + dx };
    case NN_CONCAT:
        return (struct cost){ 0, 2 * dx };
    case NN_RELU:
        return (struct cost){ y, 2 * y + dx };
    default:
        assert(!"an operator that these networks do not have");
        return (struct cost){ 0, 0 };
    }
}

/* ---- rows ---------------------------------------------------------------------------
 */

static void row(const struct phase *ph, const char *name, const char *kind,
                const char *pass, bool matrix, struct cost c)
{
    printf("%s\t%d\t%s\t%s\t%s\t%d\t%.0f\t%.0f\n", ph->name, ph->times, name, kind, pass,
           matrix, c.flops, c.values * FLOAT);
}

static void row_of(const struct phase *ph, const struct graph *g, const struct fused *o,
                   const char *pass, struct cost c)
{
    row(ph, g->op[o->from].name, kind_name[o->d.kind], pass, is_product(&o->d), c);
}

/* All operators forward. */
static void run_forward(const struct phase *ph, const struct graph *g,
                        const struct program *p)
{
    for (size_t i = 0; i < p->n; i++)
        row_of(ph, g, &p->op[i], "y", forward(&p->op[i].d));
}

/* Softmax cross-entropy and its gradient: maximum, exponential, sum, quotient, and the 1
 * of the label. */
static void run_loss(const struct phase *ph, const struct graph *g,
                     const struct program *p)
{
    double values = (double)p->use.n * g->places * g->classes;

    for (int k = 0; k < p->n_out; k++)
        row(ph, "loss", "loss", "loss", false, (struct cost){ 5 * values, 2 * values });
}

/* As nn/lane.c: with `weights` those gradients that weights follow from, else all. */
static void backward_one(const struct phase *ph, const struct graph *g,
                         const struct program *p, size_t i, const bool *carries,
                         bool weights)
{
    const struct fused *o = &p->op[i];
    double dx = 0, sum = 0;

    for (int j = 0; j < o->n_in; j++) {
        int in = o->in[j];
        if (weights && (in < 0 || !carries[in]))
            continue;
        dx += values_x(&o->d, j);
        if (program_reader(p, in) > (int)i)
            sum += values_x(&o->d, j);
    }
    if (dx > 0)
        row_of(ph, g, o, "dx", backward_input(&o->d, dx));
    if (weights && o->d.weight_gradient)
        row_of(ph, g, o, "dw", backward_weights(&o->d, dx > 0));
    if (sum > 0)
        row(ph, g->op[o->from].name, "sum", "sum", false, (struct cost){ sum, 3 * sum });
}

static void run_backward(const struct phase *ph, const struct graph *g,
                         const struct program *p, bool weights)
{
    bool *carries = calloc(p->n, sizeof *carries);

    for (size_t i = 0; i < p->n; i++) {
        carries[i] = p->op[i].d.weight_gradient;
        for (int j = 0; j < p->op[i].n_in; j++)
            if (p->op[i].in[j] >= 0 && carries[p->op[i].in[j]])
                carries[i] = true;
    }
    for (size_t i = p->n; i-- > 0;)
        if (!weights || carries[i])
            backward_one(ph, g, p, i, carries, weights);
    free(carries);
}

/* v = m v + g + wd w; w -= lr v. */
static void run_update(const struct phase *ph, const struct graph *g)
{
    double n = (double)graph_parameters(g);

    row(ph, "update", "update", "update", false, (struct cost){ 6 * n, 5 * n });
}

/* The weights of evaluation from those of training, batch norms folded in. */
static void run_fold(const struct phase *ph, const struct graph *g,
                     const struct program *p)
{
    for (size_t i = 0; i < p->n; i++)
        if (graph_has_parameters(&g->op[p->op[i].from]))
            row(ph, g->op[p->op[i].from].name, "fold", "fold", false,
                (struct cost){ p->op[i].norm > 0 ? weights(&p->op[i].d) : 0,
                               2 * weights(&p->op[i].d) });
}

static double pictures(const struct graph *g, int n)
{
    return (double)n * g->H * g->W * g->C;
}

/* Between places of the GPU's memory, or of each value by itself. */
static void run_copy(const char *phase, int times, const char *what, double values)
{
    row(&(struct phase){ phase, times }, what, "copy", "copy", false,
        (struct cost){ 0, 2 * values });
}

/* From the host, which is beside the computing: `link` bytes are no memory's. */
static void run_link(const char *phase, double values)
{
    row(&(struct phase){ phase, 1 }, "pictures", "link", "link", false,
        (struct cost){ 0, values });
}

/* ---- phases -------------------------------------------------------------------------
 */

struct network {
    const struct graph *g;
    struct program evaluation, training;
    bool two; /* training is another program (nn/net.c) */
    int n;
};

static void phase_forward(const struct network *w)
{
    const struct phase ph = { "forward", 1 };

    run_link(ph.name, pictures(w->g, w->n));
    run_forward(&ph, w->g, &w->evaluation);
    run_loss(&ph, w->g, &w->evaluation);
}

static void learn(const struct network *w, const char *phase)
{
    const struct phase ph = { phase, 1 };

    run_forward(&ph, w->g, &w->training);
    run_loss(&ph, w->g, &w->training);
    run_backward(&ph, w->g, &w->training, true);
    run_update(&ph, w->g);
}

static void phase_standard(const struct network *w)
{
    run_link("S step", pictures(w->g, w->n));
    run_copy("S step", 1, "take", pictures(w->g, w->n));
    learn(w, "S step");
}

/* nn/attack.c: a look at the iterate, its gradient, and the way along it; of an ascent x,
 * g and x0 are read and x written. */
static void pgd_steps(const struct network *w, const char *phase, int steps, int looks)
{
    const struct phase step = { phase, steps }, look = { phase, looks };
    double n = pictures(w->g, w->n);

    run_copy(phase, looks, "iterate", n);
    run_forward(&look, w->g, &w->evaluation);
    run_loss(&look, w->g, &w->evaluation);
    run_backward(&step, w->g, &w->evaluation, false);
    row(&step, "ascent", "ascent", "ascent", false, (struct cost){ 13 * n, 4 * n });
}

static void phase_pgd(const struct network *w)
{
    pgd_steps(w, "PGD step", 1, 1);
}

/* The best iterates are kept: all of them, at each look. */
static void phase_robust(const struct network *w)
{
    const struct phase ph = { "R step", 1 };
    double n = pictures(w->g, w->n);

    run_link(ph.name, n);
    run_copy(ph.name, 2, "take", n);
    if (w->two)
        run_fold(&ph, w->g, &w->evaluation);
    run_copy(ph.name, 1, "clamp", n);
    pgd_steps(w, ph.name, PGD_STEPS, PGD_STEPS + 1);
    run_copy(ph.name, PGD_STEPS + 1, "keep", n);
    run_copy(ph.name, 1, "take", n);
    learn(w, ph.name);
}

/* Another count of the same: the multiply-adds that nn/graph.h knows. */
static bool agrees(const struct network *w)
{
    double flops = 0;

    for (size_t i = 0; i < w->evaluation.n; i++) {
        const struct nn_op_desc *d = &w->evaluation.op[i].d;
        if (is_product(d))
            flops += 2 * values_y(d) * features(d);
    }
    return flops == 2.0 * (double)graph_multiplications(w->g) * w->n;
}

static bool has_modes(const struct graph *g)
{
    return graph_has(g, GRAPH_BATCHNORM) || graph_has(g, GRAPH_DROPOUT) || g->n_aux > 0;
}

int main(int argc, char **argv)
{
    struct error err = { 0 };
    struct network w = { 0 };
    struct graph *g;
    int status = 0;

    w.n = argc == 4 ? (int)strtol(argv[3], NULL, 10) : 0;
    if (w.n < 1) {
        fprintf(stderr, "usage: roofline ARCH SIZE BATCH\n");
        return 2;
    }
    if (net_arch(&g, argv[1], argv[2], 1000, &err) < 0) {
        fprintf(stderr, "roofline: %s\n", err.text);
        return 1;
    }
    w.g = g;
    w.two = has_modes(g);
    program_make(&w.evaluation, g,
                 &(struct fuse_use){ .n = w.n, .input_gradient = true });
    program_make(
        &w.training, g,
        &(struct fuse_use){ .n = w.n, .training = w.two, .weight_gradient = true });
    printf("phase\ttimes\toperator\tkind\tpass\tmatrix\tflops\tbytes\n");
    phase_forward(&w);
    phase_standard(&w);
    phase_pgd(&w);
    phase_robust(&w);
    if (!agrees(&w)) {
        fprintf(stderr, "roofline: nn/graph.h counts other multiplications\n");
        status = 1;
    }
    program_release(&w.training);
    program_release(&w.evaluation);
    graph_free(g);
    return status;
}
