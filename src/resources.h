/*
 * resources - what a step asks of the machine; no part of its key.
 */
#ifndef LARDER_RESOURCES_H
#define LARDER_RESOURCES_H

#include "expr.h"
#include "plan.h"

/* node: `resources:`, or NULL. */
int resources_read(const struct scope *s, const struct node *node, struct resources *r,
                   struct error *err);

#endif
