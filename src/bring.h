/*
 * bring - a file that a recipe includes by its digest, brought into the store.
 *
 * It is found and fetched as an import is. A command that only looks fetches nothing: it
 * ends here and tells which one does.
 */
#ifndef LARDER_BRING_H
#define LARDER_BRING_H

#include "larder/buf.h"
#include "larder/error.h"
#include "plan.h"
#include "session.h"

/* Appends the path of the object. It needs the session's state, and opens its store. */
int bring_included(struct session *s, const struct source *source, struct buf *path,
                   struct error *err);

#endif
