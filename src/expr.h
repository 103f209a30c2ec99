/*
 * expr - values with ${...} in them, and `case`.
 *
 * ${params.a.b} looks up a parameter, ${m.axis} the step's own value on an axis, ${env.X}
 * a declared variable, ${in.x}, ${out.x} and ${tool.x} (in `run:` and `sh:` only) what
 * the step is given. There is nothing else: no arithmetic, no nesting, no clock. $${
 * stands for ${.
 */
#ifndef LARDER_EXPR_H
#define LARDER_EXPR_H

#include "larder/buf.h"
#include "larder/error.h"
#include "larder/mem.h"
#include "node.h"

struct witness;

enum ref_kind { REF_PARAMS, REF_MATRIX, REF_ENV, REF_IN, REF_OUT, REF_TOOL };

/* A text between expressions, or what one expression names. */
struct piece {
    bool is_text;
    const char *text; /* the text, or the name after the first dot */
    enum ref_kind ref;
    bool each;               /* [*] */
    const struct node *node; /* where it stands, */
    size_t at;               /* and at which byte of its text */
};

/* The pieces of a scalar, in arena memory. Two texts never follow each other. */
int expr_split(struct arena *arena, const struct node *node, struct piece **piece,
               size_t *n, struct error *err);

/* The place of an expression: worked out only when a message needs it. */
struct pos expr_pos(const struct piece *p);

/* What expressions can see from where they stand. */
struct scope {
    struct arena *arena;
    const struct node *params; /* of the recipe, or NULL */
    const struct node *local;  /* params: of a `run:` stage, or NULL; they come first */
    const char *const *axis;   /* the step's axes */
    struct node *const *axis_value; /* and its values on them */
    size_t n_axes;
    const char *const *env, *const *env_value; /* declared ones; a value may be NULL */
    const bool *env_passed; /* which of them no expression names; or NULL */
    size_t n_env;
    bool any_env;            /* every variable of the user's, set or not: in `from:` */
    int depth;               /* of local params that name local params */
    struct witness *witness; /* of the variables that any_env reads; may be NULL */
};

/* A value, and where it was written: the parameter's place when it is a lone ${params.x}.
 */
struct value {
    const char *text; /* NULL: a variable that is not set (only with any_env) */
    bool plain;
    struct pos pos;
    const char *missing; /* the variable that is not set */
};

/* The value of a scalar, with its `case` chosen. what: for messages, "option epochs". */
int expr_value(const struct scope *s, const struct node *node, const char *what,
               struct value *v, struct error *err);
/* What a piece stands for; not for REF_IN, REF_OUT and REF_TOOL, which are refused. */
int expr_piece(const struct scope *s, const struct piece *p, struct value *v,
               struct error *err);

/* Follows `case` down to the branch that holds for this step; other nodes are their own
 * branch. Only the chosen branch is read. */
int expr_branch(const struct scope *s, const struct node *node,
                const struct node **branch, struct error *err);
bool expr_is_case(const struct node *node);
/* Whether the value is the same for every step: no ${ in it, and no case. */
bool expr_is_fixed(const struct node *node);

#endif
