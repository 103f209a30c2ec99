#include "nn/init.h"

#include <math.h>
#include <stdbool.h>

#include "kit/draws.h"
#include "larder/banned.h"

static void fill(struct tensor *x, const struct graph_op *op, long fan_in, uint64_t seed)
{
    bool weight = x->n_dims > 1;
    double bound = 1 / sqrt((double)fan_in);
    double std = op->init == INIT_HE ? sqrt(2.0 / (double)fan_in) : op->init_std;
    struct draws d;

    draws_init(&d, "init", "", x->name, seed);
    if (op->init == INIT_UNIFORM) {
        for (size_t i = 0; i < x->n; i++)
            x->value[i] = (float)draws_uniform(&d, 0, i, -bound, bound);
    } else if (weight) {
        for (size_t i = 0; i < x->n; i++)
            x->value[i] = (float)(std * draws_normal(&d, 0, i));
    }
}

void init_parameters(const struct graph *g, uint64_t seed, struct tensors *t)
{
    struct tensor *weight;
    long fan_in;
    size_t k = 0;

    graph_tensors(g, t);
    for (size_t i = 0; i < g->n_ops; i++) {
        if (!graph_has_parameters(&g->op[i]))
            continue;
        weight = &t->tensor[k];
        fan_in = (long)(weight->n / (size_t)weight->dim[0]);
        fill(&t->tensor[k++], &g->op[i], fan_in, seed);
        fill(&t->tensor[k++], &g->op[i], fan_in, seed);
    }
}
