#include "nodes.h"

#include <stdlib.h>

#include "call.h"
#include "capture.h"
#include "handle.h"
#include "told.h"

struct CUgraphExec_st {
    struct CUgraph_st *graph; /* its own copy */
    int device;
    struct work *last;        /* of the launch before: one runs after the other */
};

static void *grown(void *p, size_t n)
{
    p = realloc(p, n);
    if (p == NULL)
        told_stop("out of memory for the double itself");
    return p;
}

void places_add(struct places *to, int at)
{
    for (int i = 0; i < to->n; i++)
        if (to->at[i] == at)
            return;
    if (to->n == to->cap) {
        to->cap = 2 * to->cap + 4;
        to->at = grown(to->at, (size_t)to->cap * sizeof *to->at);
    }
    to->at[to->n++] = at;
}

void places_add_all(struct places *to, const struct places *from)
{
    for (int i = 0; i < from->n; i++)
        places_add(to, from->at[i]);
}

struct CUgraph_st *nodes_new(void)
{
    return handle_new(HANDLE_GRAPH, sizeof(struct CUgraph_st));
}

int nodes_add(struct CUgraph_st *g, struct deed *d, const struct places *after)
{
    if (g->n == g->cap) {
        g->cap = 2 * g->cap + 64;
        g->node = grown(g->node, (size_t)g->cap * sizeof *g->node);
    }
    g->node[g->n] = (struct node){ .deed = d };
    places_add_all(&g->node[g->n].after, after);
    return g->n++;
}

void nodes_free(struct CUgraph_st *g)
{
    for (int i = 0; i < g->n; i++) {
        deed_drop(g->node[i].deed);
        free(g->node[i].after.at);
    }
    free(g->node);
    handle_end(HANDLE_GRAPH, g);
}

bool nodes_reach(const struct CUgraph_st *g, const struct places *from,
                   const struct places *of)
{
    bool *seen = calloc((size_t)g->n + 1, sizeof *seen), all = true;

    for (int i = 0; i < from->n; i++)
        seen[from->at[i]] = true;
    for (int i = g->n - 1; i >= 0; i--)
        for (int k = 0; seen[i] && k < g->node[i].after.n; k++)
            seen[g->node[i].after.at[k]] = true;
    for (int i = 0; i < of->n; i++)
        all = all && seen[of->at[i]];
    free(seen);
    return all;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph,
                                 unsigned long long flags)
{
    cudaError_t e = call_enter(CALL_WORK, "cudaGraphInstantiate");
    struct CUgraphExec_st *x;

    handle_check(HANDLE_GRAPH, graph);
    if (e == cudaSuccess && (exec == NULL || flags != 0))
        e = cudaErrorInvalidValue;
    if (e == cudaSuccess)
        e = capture_allows_unsafe(false);
    if (e != cudaSuccess)
        return call_leave(e);
    x = handle_new(HANDLE_EXEC, sizeof *x);
    x->device = call_device();
    x->graph = nodes_new();
    for (int i = 0; i < graph->n; i++)
        nodes_add(x->graph, deed_ref(graph->node[i].deed), &graph->node[i].after);
    *exec = x;
    return call_leave(cudaSuccess);
}

/* Work for every node, between two pieces that only order. */
static void launch(struct CUgraphExec_st *x, struct CUstream_st *s)
{
    struct CUgraph_st *g = x->graph;
    struct work **of = calloc((size_t)g->n + 1, sizeof(struct work *)), *begin;
    struct works after = { 0 }, all = { 0 };

    stream_follows(s, &after);
    works_add(&after, x->last);
    begin = work_queue(NULL, &after);
    works_clear(&after);
    works_add(&all, begin);
    for (int i = 0; i < g->n; i++) {
        works_add(&after, begin);
        for (int k = 0; k < g->node[i].after.n; k++)
            works_add(&after, of[g->node[i].after.at[k]]);
        of[i] = work_queue(deed_ref(g->node[i].deed), &after);
        works_add(&all, of[i]);
        works_clear(&after);
    }
    work_drop(x->last);
    x->last = work_queue(NULL, &all);
    stream_ends_with(s, work_ref(x->last));
    works_clear(&all);
    for (int i = 0; i < g->n; i++)
        work_drop(of[i]);
    work_drop(begin);
    free(of);
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t s)
{
    cudaError_t e = call_enter(CALL_WORK, "cudaGraphLaunch");
    struct CUstream_st *t = stream_of(s);

    handle_check(HANDLE_EXEC, exec);
    if (e != cudaSuccess)
        return call_leave(e);
    if (t->capture != NULL) {
        capture_spoil(t->capture);
        return call_leave(cudaErrorStreamCaptureUnsupported);
    }
    if (t->device != exec->device)
        return call_leave(cudaErrorInvalidValue);
    for (int i = 0; i < exec->graph->n; i++)
        deed_check(exec->graph->node[i].deed);
    launch(exec, t);
    return call_leave(cudaSuccess);
}

cudaError_t cudaGraphUpload(cudaGraphExec_t exec, cudaStream_t s)
{
    cudaError_t e = call_enter(CALL_WORK, "cudaGraphUpload");

    handle_check(HANDLE_EXEC, exec);
    stream_of(s);
    return call_leave(e);
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    cudaError_t e = call_enter(CALL_CLEANUP, "cudaGraphDestroy");

    handle_check(HANDLE_GRAPH, graph);
    nodes_free(graph);
    return call_leave(e);
}

/* A launch that is still queued keeps what it needs. */
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec)
{
    cudaError_t e = call_enter(CALL_CLEANUP, "cudaGraphExecDestroy");

    handle_check(HANDLE_EXEC, exec);
    nodes_free(exec->graph);
    work_drop(exec->last);
    handle_end(HANDLE_EXEC, exec);
    return call_leave(e);
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t *nodes, size_t *n)
{
    cudaError_t e = call_enter(CALL_SETUP, "cudaGraphGetNodes");

    handle_check(HANDLE_GRAPH, graph);
    if (e == cudaSuccess && nodes != NULL)
        e = cudaErrorNotSupported; /* the double only counts them */
    if (e == cudaSuccess)
        *n = (size_t)graph->n;
    return call_leave(e);
}
