#include "nn/piece.h"

#include <stdio.h>
#include <string.h>

#include "larder/mem.h"

#include "larder/banned.h"

static void shape_after(const struct graph *g, int op, int *C, int *H, int *W)
{
    *C = op < 0 ? g->C : g->op[op].C;
    *H = op < 0 ? g->H : g->op[op].H;
    *W = op < 0 ? g->W : g->op[op].W;
}

/* Copies an operator; its inputs are counted from the piece's beginning. */
static int add_op(struct graph *piece, const struct graph *g, int after, int i,
                  struct error *err)
{
    struct graph_op *op = &piece->op[piece->n_ops++];

    *op = g->op[i];
    for (int k = 0; k < op->n_in; k++) {
        if (op->in[k] < after)
            return error_set(err, E_INPUT,
                             "%s: %s reads more than what %s gives, so it cannot be cut "
                             "there",
                             g->name, op->name,
                             after < 0 ? "its pictures" : g->op[after].name);
        op->in[k] = op->in[k] == after ? GRAPH_PICTURES : op->in[k] - after - 1;
    }
    return 0;
}

int graph_piece(struct graph **piece, const struct graph *g, int after, int last,
                struct error *err)
{
    int C, H, W, rc = 0;
    struct graph *p;

    shape_after(g, after, &C, &H, &W);
    p = graph_new(g->name, C, H, W);
    p->cap = (size_t)(last - after);
    p->op = xcalloc(p->cap, sizeof *p->op);
    for (int i = after + 1; i <= last && rc == 0; i++)
        rc = add_op(p, g, after, i, err);
    if (rc < 0) {
        graph_free(p);
        return rc;
    }
    p->here = (int)p->n_ops - 1;
    p->plain_input = g->plain_input;
    p->classes = g->classes;
    p->places = g->places;
    if (last + 1 < (int)g->n_ops) {
        struct graph_op *end = &p->op[p->n_ops - 1];

        if (end->tap[0] == '\0')
            snprintf(end->tap, sizeof end->tap, "end");
        p->classes = end->C * end->H * end->W;
        p->places = 1;
        graph_output(p);
    }
    *piece = p;
    return 0;
}

int piece_tensors(const struct graph *piece, const struct tensors *all,
                  struct tensors *to, struct error *err)
{
    int rc = 0;

    graph_tensors(piece, to);
    for (size_t i = 0; i < to->n; i++) {
        struct tensor *t = &to->tensor[i];
        const struct tensor *from = tensors_find(all, t->name);

        free(t->value);
        t->value = from != NULL ? from->value : NULL;
        t->borrowed = true;
        if (rc == 0 && (from == NULL || from->n != t->n))
            rc = error_set(err, E_INPUT, "%s is missing or of another size", t->name);
    }
    if (rc < 0)
        tensors_release(to);
    return rc;
}
