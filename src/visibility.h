/*
 * visibility - what may leave this machine.
 *
 * What is made of something private is private too, unless the recipe says that it is
 * public: numbers, drawn figures, models.
 */
#ifndef LARDER_VISIBILITY_H
#define LARDER_VISIBILITY_H

#include "node.h"
#include "plan.h"

/* 0 public, 1 private. */
int visibility_read(const struct node *node, int *visibility, struct error *err);
/* Sets private_ of every output of a plan that is in order. */
void visibility_spread(struct plan *plan);

#endif
