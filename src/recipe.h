/*
 * recipe - the YAML text as a tree that knows where each word stands.
 *
 * Read through libfyaml's events. Refused, with position: anchors, aliases, tags, merge
 * keys, several documents, duplicate keys, bytes that are not UTF-8, tabs. Included files
 * are merged in, profiles are laid over, -S settings last; each node keeps its own file,
 * line and column.
 */
#ifndef LARDER_RECIPE_H
#define LARDER_RECIPE_H

#include <stdbool.h>
#include <stddef.h>

#include "larder/error.h"
#include "larder/mem.h"

struct pos {
    const char *file; /* as the user would type it; NULL: nowhere */
    int line, column; /* from 1; columns count characters */
};

enum node_kind { NODE_NULL, NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
    enum node_kind kind;
    struct pos pos;
    const char *text;    /* of a scalar */
    bool plain;          /* of a scalar: not quoted, so it may be a number or true/false */
    struct node **item;  /* of a list: items; of a map: values */
    struct node **key;   /* of a map: scalars, in the order of the text */
    size_t n;
};

struct recipe {
    struct arena arena;
    const char *path;    /* of the main file, as given */
    const char *project; /* absolute folder of the project */
    const char *profile; /* the profile in force, or NULL */
    struct node *root;   /* overlays applied */
    const char **file;   /* every file read, absolute */
    size_t n_files;
};

struct setting {
    const char *name, *value; /* of -S name=value */
};

/* *r is new: recipe_free(). profile NULL: the recipe's default. */
int recipe_read(struct recipe **r, const char *project, const char *path,
                const char *profile, const struct setting *setting, size_t n_settings,
                struct error *err);
void recipe_free(struct recipe *r); /* NULL is fine */

/* The value of a key of a map, or NULL. Borrowed. */
struct node *node_get(const struct node *map, const char *key);
/* Sets *err to "FILE:LINE:COLUMN: fmt", then the line and a caret below it; returns
 * E_INPUT. */
int pos_error(const struct pos *pos, struct error *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
