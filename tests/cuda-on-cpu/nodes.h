/*
 * nodes - a graph: nodes in an order in which each follows earlier ones only.
 */
#ifndef CUDA_ON_CPU_NODES_H
#define CUDA_ON_CPU_NODES_H

#include "stream.h"

struct node {
    struct deed *deed;
    struct places after;
};

struct CUgraph_st {
    struct node *node;
    int n, cap;
};

void places_add(struct places *to, int at);
void places_add_all(struct places *to, const struct places *from);

struct CUgraph_st *nodes_new(void);
/* Takes the deed; copies the places. Where the node is. */
int nodes_add(struct CUgraph_st *g, struct deed *d, const struct places *after);
void nodes_free(struct CUgraph_st *g);
/* Whether all of `of` are among `from` and what those follow. */
bool nodes_reach(const struct CUgraph_st *g, const struct places *from,
                   const struct places *of);

#endif
