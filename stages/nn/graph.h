/*
 * graph - a network as a list of operators, built by small functions (nn/alexnet.h).
 */
#ifndef NN_GRAPH_H
#define NN_GRAPH_H

struct graph;

#endif
