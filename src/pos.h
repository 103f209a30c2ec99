/*
 * pos - a place in a recipe, and how an error there is told.
 *
 * The text of every file that was read stays in memory with the recipe, so that a message
 * can show the line.
 */
#ifndef LARDER_POS_H
#define LARDER_POS_H

#include <stdbool.h>
#include <stddef.h>

#include "larder/error.h"
#include "larder/mem.h"

/* A file of the recipe, whole; or the words of one -S. */
struct recipe_text {
    const char *file; /* as the user would type it */
    const char *path; /* absolute; `./` of a node means the folder it is in */
    const char *s;    /* NULL: not in memory, in the file at path */
    size_t n;
    bool pinned; /* included by its content: it has no folder, so no ./ stands in it */
};

struct pos {
    const char *file;               /* as the user would type it; NULL: nowhere */
    int line, column;               /* from 1; columns count characters */
    const struct recipe_text *text; /* for the caret line; may be NULL */
};

/* Sets *err to "FILE:LINE:COLUMN: fmt", then the line and a caret below it; returns
 * E_INPUT. */
int pos_error(const struct pos *pos, struct error *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* E_INPUT for a path that is not absolute and is written where it has no folder to be
 * relative to; else 0. */
int pos_check_path(const struct pos *pos, const char *path, struct error *err);

/* A path written at pos as the user would type it: below the folder of pos's file. */
const char *pos_shown_path(struct arena *arena, const struct pos *pos, const char *path);

#endif
