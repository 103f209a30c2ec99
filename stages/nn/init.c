#include "nn/init.h"

#include <math.h>
#include <stdbool.h>

#include "kit/draws.h"
#include "larder/banned.h"

static void fill_uniform(struct tensor *x, const struct draws *d, double bound)
{
    for (size_t i = 0; i < x->n; i++)
        x->value[i] = (float)draws_uniform(d, 0, i, -bound, bound);
}

static void fill_normal(struct tensor *x, const struct draws *d, double std)
{
    for (size_t i = 0; i < x->n; i++)
        x->value[i] = (float)(std * draws_normal(d, 0, i));
}

static void fill_truncated(struct tensor *x, const struct draws *d, double std)
{
    for (size_t i = 0; i < x->n; i++) {
        uint32_t stream = 0;
        double z;
        do
            z = draws_normal(d, stream++, i);
        while (fabs(z) > 2);
        x->value[i] = (float)(std * z);
    }
}

static void fill_constant(struct tensor *x, float value)
{
    for (size_t i = 0; i < x->n; i++)
        x->value[i] = value;
}

static void fill_weight(struct tensor *x, const struct graph_op *op, double fan_in,
                        const struct draws *d)
{
    switch (op->init) {
    case INIT_UNIFORM:
        fill_uniform(x, d, 1 / sqrt(fan_in));
        break;
    case INIT_HE:
        fill_normal(x, d, sqrt(2 / fan_in));
        break;
    case INIT_HE_OUT:
        fill_normal(x, d, sqrt(2 / ((double)op->kernel * op->kernel * op->C)));
        break;
    case INIT_TRUNCATED:
        fill_truncated(x, d, op->init_std);
        break;
    default:
        fill_normal(x, d, op->init_std);
    }
}

/* The tensors of a convolution or linear: t[0], and t[1] where there is a bias. */
static void fill(struct tensor *t, const struct graph_op *op, uint64_t seed)
{
    double fan_in = (double)(t->n / (size_t)t->dim[0]);
    struct draws d;

    draws_init(&d, "init", "", t[0].name, seed);
    fill_weight(&t[0], op, fan_in, &d);
    if (!op->bias || (op->init != INIT_UNIFORM && op->init != INIT_TRUNCATED))
        return;
    draws_init(&d, "init", "", t[1].name, seed);
    fill_uniform(&t[1], &d, 1 / sqrt(fan_in));
}

void init_parameters(const struct graph *g, uint64_t seed, struct tensors *t)
{
    size_t k = 0;

    graph_tensors(g, t);
    for (size_t i = 0; i < g->n_ops; i++) {
        const struct graph_op *op = &g->op[i];
        if (!graph_has_parameters(op))
            continue;
        if (op->kind == GRAPH_BATCHNORM) { /* weight, bias, mean, variance, count */
            fill_constant(&t->tensor[k], op->init == INIT_ZERO ? 0 : 1);
            fill_constant(&t->tensor[k + 3], 1);
            k += 5;
        } else {
            fill(&t->tensor[k], op, seed);
            k += 1 + op->bias;
        }
    }
}
