/*
 * discovered - what a foreign program loads besides its inputs: modules, libraries,
 * files of its own.
 *
 * The list of that (docs/discovered.md) is an object that a record names. The record
 * answers only where everything in the list is as it says, so an upgraded module is no
 * stale hit.
 */
#ifndef LARDER_DISCOVERED_H
#define LARDER_DISCOVERED_H

#include <stdbool.h>

#include "facts.h"
#include "larder/buf.h"
#include "larder/error.h"
#include "sandbox.h"
#include "session.h"
#include "trace.h"
#include "work.h"

/* Whether a step is a command without `tools:`, whose program may load what the recipe
 * does not name. */
bool discovered_matter(const struct step *step);

/* Whether the step is known to load nothing but the libraries of the system (plain.h), so
 * that it need not be watched. */
bool discovered_nothing(struct session *s, const struct work *w);

/* Puts the list of what was seen into the store; an all-zero one where that is nothing
 * but the libraries of the system. What the fence gave is left out. E_STAGE when a file
 * changed while the step ran. */
int discovered_keep(struct session *s, const struct work *w, struct trace *t,
                    struct fence *f, bool sync, struct object *list, struct error *err);

/* Python's compiled copy of a module stands for the module, which Python has compared it
 * with; whether there is a copy makes no difference. Whether path is one or its folder;
 * appends the path of the module. */
bool discovered_compiled(const char *path, struct buf *module);

/* Looks at all that a list names, once in a session. *changed is NULL when it is as the
 * list says, else what is not: "/usr/lib/python3/x.py changed"; borrowed until
 * session_close(). */
int discovered_check(struct session *s, const struct object *list, const char **changed,
                     struct error *err);
/* Tells the files of all lists that this session has found to be as they say. */
void discovered_vouch(struct session *s, facts_tell *tell, void *self);

#endif
