/*
 * pinned - a file that is included by its content: `{from: PLACES, sha256: DIGEST}`.
 */
#ifndef LARDER_PINNED_H
#define LARDER_PINNED_H

#include "larder/error.h"
#include "larder/mem.h"
#include "node.h"
#include "plan.h"

/* Reads such a map into *source, which has the file's name as messages give it: the first
 * place, without a query. */
int pinned_read(struct arena *arena, const struct node *node, struct source *source,
                struct error *err);

#endif
