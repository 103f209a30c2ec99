#include "dissect/field.h"

#include <string.h>

#include "larder/mem.h"

#include "larder/banned.h"

/* Both; size 0 swallows all. */
static struct field join(struct field a, struct field b)
{
    int end_a = a.start + a.size, end_b = b.start + b.size;
    int start = a.start < b.start ? a.start : b.start;
    int end = end_a > end_b ? end_a : end_b;

    if (a.size == 0 || b.size == 0)
        return (struct field){ .jump = a.jump };
    return (struct field){ end - start, start, a.jump };
}

static struct field after(const struct graph_op *op, struct field f)
{
    switch (op->kind) {
    case GRAPH_CONV:
    case GRAPH_MAXPOOL: {
        int reach = (op->dilation > 1 ? op->dilation : 1) * (op->kernel - 1);

        if (f.size > 0) {
            f.size += reach * f.jump;
            f.start -= op->pad * f.jump;
        }
        f.jump *= op->stride;
        return f;
    }
    case GRAPH_NORMALISE:
    case GRAPH_RELU:
    case GRAPH_BATCHNORM:
    case GRAPH_DROPOUT:
    case GRAPH_CONCAT:
    case GRAPH_ADD:
        return f;
    default: /* what mixes all of a map */
        return (struct field){ .jump = f.jump };
    }
}

struct field field_of(const struct graph *g, const char *tap)
{
    struct field *f = xcalloc(g->n_ops, sizeof *f), found = { 0 };

    for (size_t i = 0; i < g->n_ops; i++) {
        const struct graph_op *op = &g->op[i];
        struct field in = { 0 };

        for (int k = 0; k < op->n_in; k++) {
            struct field one =
                op->in[k] == GRAPH_PICTURES ? (struct field){ 1, 0, 1 } : f[op->in[k]];
            in = k == 0 ? one : join(in, one);
        }
        f[i] = after(op, in);
        if (strcmp(op->tap, tap) == 0)
            found = f[i];
    }
    free(f);
    return found;
}
