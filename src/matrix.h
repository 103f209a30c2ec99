/*
 * matrix - the axes of a stage or an import, and which members a selection means.
 *
 * The values of a matrix span a full product: place i of it has on each axis the value
 * that i names in mixed radix, the last axis changing fastest. So a place is found by
 * arithmetic, and a selection costs what it selects. Every place is a member, unless
 * rules leave some out (sieve.h); members are numbered in the order of their places.
 */
#ifndef LARDER_MATRIX_H
#define LARDER_MATRIX_H

#include "larder/error.h"
#include "larder/map.h"
#include "larder/mem.h"
#include "node.h"
#include "reference.h"

enum { MATRIX_AXES = 16, MATRIX_MEMBERS = 1000000 };

/* The values of an axis, shared by all that write axes.NAME. */
struct values {
    struct node **node; /* scalars, no two with the same text */
    size_t n;
    struct map index; /* text of a value to the address of its node */
};

/* Every list of values of a plan. All-zero is empty. */
struct values_pool {
    struct values **values;
    size_t n, cap;
    struct map named; /* axes of the recipe */
};

struct matrix {
    const char **axis; /* names, in the order of the recipe */
    struct values **values;
    size_t *stride;
    size_t n_axes;
    size_t n;          /* members; 1 without axes */
    size_t n_places;   /* of the product */
    size_t *place;     /* of each member; NULL: every place is one */
    size_t *member_at; /* of each place, or MATRIX_NONE */
};

#define MATRIX_NONE ((size_t)-1)

/* Reads `axes:`, which may be NULL. */
int values_pool_read(struct values_pool *pool, struct arena *arena,
                     const struct node *axes, struct error *err);
void values_pool_release(struct values_pool *pool);

/* Appends a value to those of an axis, unless it has it. The first that comes on top of
 * the n that others share makes a list of its own. */
void values_add(struct values **v, struct values_pool *pool, struct arena *arena,
                struct node *value, size_t n_shared);

/* Reads a `matrix:`, which may be NULL: {axis: axes.x or a list}, with rules, or a list
 * of axes. */
int matrix_read(struct matrix *m, struct values_pool *pool, struct arena *arena,
                const struct node *node, struct error *err);

/* The node of a member's value on an axis. Borrowed. */
struct node *matrix_node(const struct matrix *m, size_t member, size_t axis);
/* The texts of its values, in arena memory. */
const char **matrix_values(const struct matrix *m, struct arena *arena, size_t member);

/* Whether a node can be a value of an axis. */
int matrix_check_value(const struct node *node, struct error *err);
size_t matrix_axis(const struct matrix *m, const char *name); /* or n_axes */
/* The place with these values, which the axes must have. */
size_t matrix_place(const struct matrix *m, const char *const *value);
/* The member with these values, one an axis, or -1. */
long matrix_member(const struct matrix *m, const char *const *value);

/* What a selection gave. */
struct members {
    size_t *member; /* ascending; in arena memory */
    size_t n;
    bool open; /* some axis was left open, or globbed: a list, even of one */
};

/* The members that a reference means, seen from a member of the matrix `own` (for @).
 * name: of what is selected from, for messages. */
int matrix_select(const struct matrix *m, const char *name, const struct reference *r,
                  const struct matrix *own, size_t own_member, struct arena *arena,
                  struct members *out, struct error *err);

#endif
