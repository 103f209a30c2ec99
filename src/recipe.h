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

#include "larder/buf.h"
#include "larder/error.h"
#include "larder/mem.h"
#include "node.h"
#include "pos.h"
#include "witness.h"

struct recipe {
    struct arena arena;
    const char *path;    /* of the main file, as given */
    const char *project; /* absolute folder of the project */
    const char *profile; /* the profile in force, or NULL */
    struct node *root;   /* overlays applied */
    const char **file;   /* every file read, absolute */
    size_t n_files;
    struct witness *witness;          /* told of what is read; borrowed, may be NULL */
    const struct recipe_bring *bring; /* while it is read; borrowed, may be NULL */
};

struct setting {
    const char *name, *value; /* of -S name=value */
};

struct source;

/* Where the text of a file is that is included by its digest: 0 with the path of its
 * bytes appended, or an error that names the source. */
struct recipe_bring {
    int (*bring)(void *self, const struct source *source, struct buf *path,
                 struct error *err);
    void *self;
};

/* *r is new: recipe_free(). witness may be NULL; it is borrowed by the recipe. bring may
 * be NULL: then nothing is included by its digest. A relative path is one of the
 * project's. profile NULL: the recipe's default. An unknown profile or setting is
 * E_USAGE, all else E_INPUT. */
int recipe_read(struct recipe **r, const char *project, const char *path,
                const char *profile, const struct setting *setting, size_t n_settings,
                struct witness *witness, const struct recipe_bring *bring,
                struct error *err);
void recipe_free(struct recipe *r); /* NULL is fine */

#endif
