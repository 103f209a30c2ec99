/*
 * sieve - which members of the full product a matrix has.
 *
 *   where:    a rule or a list of rules; what fits none of them goes
 *   exclude:  likewise; what fits one of them goes
 *   include:  members that are there besides, with a value on every axis, which may be
 *             new to it
 *
 * A rule is {axis: VALUE or list of values}, where values may be globs; an axis that it
 * does not name is open.
 */
#ifndef LARDER_SIEVE_H
#define LARDER_SIEVE_H

#include <stdbool.h>

#include "matrix.h"

/* Whether a key of `matrix:` is one of these, and so no axis. */
bool sieve_is_key(const char *name);

/* Values that only `include:` names are added to their axes. base[]: how many values each
 * axis had before. To be called before m is laid out. */
int sieve_extend(struct matrix *m, struct values_pool *pool, struct arena *arena,
                 const struct node *node, size_t base[], struct error *err);
/* Of the places of the product that is laid out, *keep tells which are members, in arena
 * memory; NULL: all of them. */
int sieve_read(const struct matrix *m, struct arena *arena, const struct node *node,
               const size_t base[], bool **keep, struct error *err);

#endif
