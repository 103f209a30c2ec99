/*
 * item - one thing behind an input, or that is placed: what it is called, and what it is.
 */
#ifndef LARDER_ITEM_H
#define LARDER_ITEM_H

#include "larder/buf.h"
#include "larder/error.h"
#include "larder/store.h"
#include "plan.h"
#include "work.h"

/* Appends "train@kind=S.model", "split.set/03", "import.val", "./plot.py"; of what the
 * steps of a stage with `map:` made together "blur@radius=2.set". */
void item_name(const struct item *item, struct buf *to);

enum object_kind item_kind(const struct item *item);

/* The rest is about what steps make; any: a work of the plan. */

/* Whether all steps behind it are done. */
bool item_is_done(const struct work *any, const struct item *item);
/* What it is then. A set made by several steps is only named. */
void item_object(const struct work *any, const struct item *item, struct object *o);
/* The same, and such a set is in the store afterwards; its steps must be here. */
int item_publish(struct store *st, const struct work *any, const struct item *item,
                 struct object *o, struct error *err);

#endif
