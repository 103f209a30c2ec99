/*
 * prepared - see prepared.h.
 *
 * Moments: operator i runs forward at i and backward at 2 n - 1 - i, for n operators; 2 n
 * is the end. Where gradients may be asked for, outputs stay to the end; else those with
 * a tap and the logits do, and the others go with their last reader. A gradient comes
 * with the first operator that writes it, and goes with the one whose output it is of.
 */
#include "nn/prepared.h"

#include <string.h>

#include "larder/banned.h"
#include "larder/mem.h"
#include "nn/memory.h"
#include "nn/spans.h"

size_t prepared_values(const struct prepared *q, int i)
{
    const struct nn_op_desc *d = &q->p->op[i < 0 ? 0 : i].d;

    return i < 0 ? (size_t)d->N * d->H * d->W * d->C : (size_t)d->N * d->P * d->Q * d->K;
}

static bool is_output(const struct program *p, int i)
{
    for (int k = 0; k < p->n_out; k++)
        if (p->out[k] == i)
            return true;
    return false;
}

static int backward_at(const struct program *p, int i)
{
    return 2 * (int)p->n - 1 - i;
}

static bool any_gradient(const struct program *p)
{
    return p->use.weight_gradient || p->use.input_gradient;
}

static void add_span(struct prepared *q, size_t size, int from, int to)
{
    q->span[q->n_spans++] = (struct span){ .size = size, .from = from, .to = to };
}

static void add_output(struct prepared *q, const struct graph *g, int i)
{
    const struct program *p = q->p;
    int end = 2 * (int)p->n, to = program_reader(p, i);

    if (any_gradient(p) || is_output(p, i) || g->op[p->op[i].to - 1].tap[0] != '\0')
        to = end;
    add_span(q, i != p->out[0] ? prepared_values(q, i) * sizeof(float) : 0, i, to);
    add_span(q, q->op[i]->n_state, i, end);
}

/* Of the output of operator i, or of the pictures. */
static void add_gradient(struct prepared *q, int i, bool wanted)
{
    const struct program *p = q->p;
    int from = backward_at(p, program_reader(p, i));

    if (is_output(p, i))
        from = (int)p->n;
    add_span(q, wanted ? prepared_values(q, i) * sizeof(float) : 0, from,
             backward_at(p, i < 0 ? GRAPH_PICTURES : i));
}

/* Whether input j of operator i is read by a later one too, which writes its gradient
 * first. */
static bool comes_later(const struct program *p, int i, int j)
{
    int in = p->op[i].in[j];

    for (int k = j + 1; k < p->op[i].n_in; k++)
        if (p->op[i].in[k] == in)
            return true;
    return program_reader(p, in) > i;
}

static void add_sum(struct prepared *q, int i, int j)
{
    const struct fused *o = &q->p->op[i];
    bool needed = o->d.input_gradient && j < o->n_in && comes_later(q->p, i, j);
    int at = backward_at(q->p, i);

    add_span(q, needed ? prepared_values(q, o->in[j]) * sizeof(float) : 0, at, at);
}

static void plan(struct prepared *q, const struct graph *g)
{
    const struct program *p = q->p;
    int n = (int)p->n;

    q->span = xcalloc(p->n * (3 + GRAPH_INPUTS) + 1, sizeof *q->span);
    add_gradient(q, GRAPH_PICTURES, p->use.input_gradient);
    for (int i = 0; i < n; i++) {
        add_output(q, g, i);
        add_gradient(q, i, any_gradient(p));
        if (p->op[i].d.weight_gradient)
            memory_reserve(&q->n_weights, q->op[i]->n_weights * sizeof(float));
        for (int j = 0; j < GRAPH_INPUTS; j++)
            add_sum(q, i, j);
    }
    q->size = spans_place(q->span, q->n_spans);
}

static void find_carriers(struct prepared *q)
{
    const struct program *p = q->p;

    for (size_t i = 0; i < p->n; i++) {
        q->carries[i] = p->op[i].d.weight_gradient;
        for (int j = 0; j < p->op[i].n_in; j++)
            if (p->op[i].in[j] >= 0 && q->carries[p->op[i].in[j]])
                q->carries[i] = true;
    }
}

int prepared_open(struct prepared *q, const struct nn_backend *b, struct nn_device *dev,
                  const struct program *p, const struct graph *g, struct error *err)
{
    int rc = 0;

    *q = (struct prepared){ .b = b, .p = p };
    q->op = xcalloc(p->n, sizeof *q->op);
    q->args = xcalloc(p->n, sizeof *q->args);
    q->sum = xcalloc(p->n, sizeof *q->sum);
    q->carries = xcalloc(p->n, sizeof *q->carries);
    for (size_t i = 0; i < p->n && rc == 0; i++) {
        rc = b->prepare(dev, &p->op[i].d, &q->op[i], err);
        if (rc < 0)
            return error_context(err, "preparing %s", g->op[p->op[i].from].name);
        if (q->op[i]->n_work > q->n_work)
            q->n_work = q->op[i]->n_work;
    }
    find_carriers(q);
    plan(q, g);
    return 0;
}

void prepared_close(struct prepared *q)
{
    for (size_t i = 0; q->op != NULL && i < q->p->n; i++)
        if (q->op[i] != NULL)
            q->b->discard(q->op[i]);
    free(q->span);
    free(q->carries);
    free(q->sum);
    free(q->args);
    free(q->op);
    *q = (struct prepared){ 0 };
}

/* The next span in the order of plan(). */
static void *next(const struct prepared *q, size_t *k, char *block)
{
    const struct span *s = &q->span[(*k)++];

    return s->size > 0 ? block + s->at : NULL;
}

static void connect(struct prepared *q, size_t i)
{
    const struct fused *o = &q->p->op[i];
    struct nn_args *a = &q->args[i];

    for (int j = 0; j < o->n_in; j++) {
        int in = o->in[j];
        a->xs[j] = in < 0 ? q->x : q->args[in].y;
        a->dxs[j] = in < 0 ? q->dx : q->args[in].dy;
        if (!o->d.input_gradient)
            a->dxs[j] = NULL;
    }
    a->x = a->xs[0];
    a->dx = a->dxs[0];
}

void prepared_place(struct prepared *q, const struct prepared_room *room)
{
    size_t k = 0, at = 0;

    q->x = room->x;
    q->dx = next(q, &k, room->block);
    for (size_t i = 0; i < q->p->n; i++) {
        struct nn_args *a = &q->args[i];
        a->y = next(q, &k, room->block);
        a->state = next(q, &k, room->block);
        a->dy = next(q, &k, room->block);
        if (q->p->op[i].d.weight_gradient)
            a->dw = (float *)(room->weights +
                              memory_reserve(&at, q->op[i]->n_weights * sizeof(float)));
        for (int j = 0; j < GRAPH_INPUTS; j++)
            q->sum[i][j] = next(q, &k, room->block);
        a->work = room->work;
    }
    q->args[q->p->out[0]].y = room->y;
    for (size_t i = 0; i < q->p->n; i++)
        connect(q, i);
}
