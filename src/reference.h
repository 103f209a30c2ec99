/*
 * reference - what an input names: a file, an import, or the output of a stage.
 *
 *   ./path  /path                       a file of the user's
 *   import.NAME  import.NAME[selection]
 *   STAGE.OUTPUT  STAGE[selection].OUTPUT  STAGE.OUTPUT[selection]
 *   plan.provenance                     where the step's inputs come from
 *
 * A selection is a list of `axis=value`, `axis=GLOB`, `*` (every axis) and `@` (our own
 * value on every axis that both have). An axis that is not named is open. STAGE may be a
 * glob too: then it names every stage that fits. A glob has * and ?, nothing else.
 */
#ifndef LARDER_REFERENCE_H
#define LARDER_REFERENCE_H

#include "larder/error.h"
#include "larder/mem.h"
#include "node.h"

enum reference_kind { TO_SOURCE, TO_IMPORT, TO_STAGE, TO_PROVENANCE };
enum { REFERENCE_TERMS = 32 };

struct reference_term {
    const char *axis;  /* NULL: @ or *, without an axis */
    const char *value; /* may be a glob; "*" is open */
    size_t at;         /* where in the text */
};

struct reference {
    enum reference_kind kind;
    const char *text;
    const char *name;   /* of the stage or import; the path of a source */
    const char *output; /* of the stage */
    size_t output_at;
    bool glob;    /* name is one */
    bool selects; /* it has brackets */
    bool own;     /* @ */
    struct reference_term term[REFERENCE_TERMS];
    size_t n_terms;
    const struct node *node; /* where it is written */
    struct pos pos;          /* of its text */
};

/* text: node's text with its expressions looked up; pos: where it was written. */
int reference_read(struct reference *r, struct arena *arena, const struct node *node,
                   const char *text, const struct pos *pos, struct error *err);
/* The place of byte `at` of the text, as far as it is known. */
struct pos reference_pos(const struct reference *r, size_t at);

#endif
