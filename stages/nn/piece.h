/*
 * piece - a stretch of a network as a network of its own, which reads what the operator
 * before it gives.
 */
#ifndef NN_PIECE_H
#define NN_PIECE_H

#include "nn/graph.h"
#include "nn/tensors.h"

/* The operators after `after` (or GRAPH_PICTURES: from the beginning) up to `last`, which
 * read nothing that lies before but `after`; its pictures are what `after` gives. Where
 * `last` is that of the network, so are the logits; else the piece has none, and its
 * last operator the tap `end`, if it has no other. *piece is new: graph_free(). E_INPUT
 * when another operator before is read too. */
int graph_piece(struct graph **piece, const struct graph *g, int after, int last,
                struct error *err);
/* Fills an empty *to with those of `all` that the piece has, borrowed. E_INPUT for one
 * that is missing or of another size. */
int piece_tensors(const struct graph *piece, const struct tensors *all,
                  struct tensors *to, struct error *err);

#endif
