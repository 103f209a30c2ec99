/*
 * order - the steps of a plan so that each comes after those it needs.
 */
#ifndef LARDER_ORDER_H
#define LARDER_ORDER_H

#include "build.h"

/* Sets plan->step from b->step: the order of the recipe, except that what a step needs
 * comes before it. A cycle is refused, with the place of each of its inputs. */
int order_steps(struct builder *b, struct error *err);

#endif
