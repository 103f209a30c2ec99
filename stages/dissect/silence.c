#include "dissect/silence.h"

#include <stdio.h>
#include <string.h>

#include "larder/banned.h"

/* The operator whose weights give the channels of a layer; NULL: there is none. */
static const struct graph_op *source_of(const struct graph *g, const char *layer)
{
    const struct graph_op *op = graph_tap(g, layer), *from;

    if (op == NULL || op->kind != GRAPH_RELU || op->in[0] < 0)
        return NULL;
    from = &g->op[op->in[0]];
    return from->kind == GRAPH_BATCHNORM || (from->kind == GRAPH_CONV && from->bias)
               ? from
               : NULL;
}

int silence_unit(struct tensors *weights, const struct graph *g, const char *layer,
                 long unit, struct error *err)
{
    static const char *const parts[] = { "weight", "bias" };
    const struct graph_op *op = source_of(g, layer);

    if (op == NULL)
        return error_set(err, E_INPUT, "%s: no weights alone make the channels of %s",
                         g->name, layer);
    if (unit < 0 || unit >= op->C)
        return error_set(err, E_INPUT, "%s: %s has no channel %ld", g->name, layer, unit);
    for (size_t i = 0; i < 2; i++) {
        char name[GRAPH_PARAMETER];
        const struct tensor *t;
        size_t n;

        snprintf(name, sizeof name, "%s.%s", op->name, parts[i]);
        t = tensors_find(weights, name);
        if (t == NULL)
            return error_set(err, E_INPUT, "%s is missing", name);
        n = t->n / (size_t)op->C;
        memset(t->value + (size_t)unit * n, 0, n * sizeof *t->value);
    }
    return 0;
}
