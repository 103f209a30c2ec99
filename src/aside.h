/*
 * aside - a folder that is gone is filled aside, and then gets its name.
 *
 * To make each of ten thousand small copies appear whole by itself is a third of the work
 * of copying them. Where their folder is not there, they are written into one in
 * .larder/, and that one is renamed: nothing is seen before, and then everything.
 */
#ifndef LARDER_ASIDE_H
#define LARDER_ASIDE_H

#include <stdbool.h>

#include "larder/buf.h"

struct aside {          /* all-zero but for `own`: no folder is filled */
    const char *own;    /* the project's .larder; borrowed */
    struct buf place;   /* the folder turned to last, with its slash */
    struct buf folder;  /* where it is filled meanwhile, with its slash; or empty */
    unsigned n_folders; /* so far */
};

/* Turns to the folder of path; where it is not there, one is made aside. The one before
 * must have its name. */
void aside_turn(struct aside *a, const char *path);
/* Whether path lies in the folder turned to last, directly. */
bool aside_is_at(const struct aside *a, const char *path);
/* Where the file of path is to be written: below the folder aside, in b, or path itself.
 */
const char *aside_path(const struct aside *a, const char *path, struct buf *b);
/* Names the folder. False when that cannot be, since something is there by now: then it
 * is gone with all that was in it. True where none was filled. */
bool aside_name(struct aside *a);
/* Removes what was not named. */
void aside_release(struct aside *a);

#endif
