/*
 * provenance - the steps behind a page: key, program, options, inputs, outputs of each.
 *
 * Read from the input plan.provenance (docs/provenance.md): rows `step field name value`,
 * the steps in an order in which each comes after those it needs.
 */
#ifndef PAGE_PROVENANCE_H
#define PAGE_PROVENANCE_H

#include <stdbool.h>

#include "kit/tsv.h"
#include "larder/digest.h"
#include "larder/map.h"

/* A row; everything is borrowed from the file. */
struct fact {
    const char *field, *name, *value;
};

/* The rows of one step. */
struct origin {
    const char *step;  /* "train@kind=S" */
    const char *key;   /* 64 hex digits */
    struct fact *fact; /* without the key's row */
    size_t n;
};

/* A file from outside: what the step says it is, and its digest. */
struct source {
    const char *name;   /* "import.val", "./page.md" */
    const char *digest; /* 64 hex digits */
};

/* All-zero is empty. */
struct provenance {
    struct tsv tsv;
    struct fact *fact;
    struct origin *origin;
    size_t n;
    struct map by_step;    /* step name -> struct origin */
    struct source *source; /* distinct digests, in the order of their first use */
    size_t n_sources;
};

/* path NULL: no steps are known. E_INPUT with path and line where it is no provenance. */
int provenance_read(struct provenance *p, const char *path, struct error *err);
void provenance_release(struct provenance *p);

/* The next step from place *at on that made an output of this digest, or NULL. */
const struct origin *provenance_maker(const struct provenance *p, const char *hex,
                                      size_t *at);
/* Splits "sha256:HEX more": *hex (64 digits, not terminated) and *more ("" or what
 * follows). false when the value does not begin with a digest. */
bool provenance_digest(const char *value, const char **hex, const char **more);
/* The step behind an input called "step.output", or NULL when it is a source. */
const struct origin *provenance_step(const struct provenance *p, const char *name);

#endif
