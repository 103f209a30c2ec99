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

/* "16GiB", "700MB", "1000": bytes, or -1. */
long long resources_size(const char *text);

/* A whole number from least to most. what: for messages. */
int resources_count(const struct scope *s, const struct node *node, const char *what,
                    int least, int most, int *n, struct error *err);

/* NUMBER[UNIT] as in a recipe: 16GiB, 90m; false where it is not. Bytes, or seconds. */
bool resources_bytes(const char *text, double *x);
bool resources_seconds(const char *text, double *x);

#endif
