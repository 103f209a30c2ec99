/*
 * standing - what stands where a file or a folder of ours is to be, and what may go.
 *
 * What we placed, and what is an object of the store, may go. Anything else is the user's
 * and goes only with force; a folder with a file of the user's in it never goes.
 */
#ifndef LARDER_STANDING_H
#define LARDER_STANDING_H

#include <stdbool.h>

#include "larder/error.h"
#include "larder/store.h"
#include "placed.h"

enum standing {
    STANDING_NOTHING,
    STANDING_OURS,  /* placed by us, or an object of the store: may be replaced */
    STANDING_RIGHT, /* has the wanted bytes already */
    STANDING_USERS, /* changed by hand, or not made by us: a file, a link, anything */
    STANDING_FOLDER,
};

struct ground {
    const char *project; /* in which we are; borrowed */
    struct store *store; /* borrowed */
    bool force;
};

/* From the project, where we are, the part of a path below it: it is long, and the files
 * are many. */
const char *ground_below(const struct ground *g, const char *path);

/* An enum standing, or an error. remembered: what was placed there, or NULL; want NULL:
 * nothing in particular is wanted there. A link is what it leads to, but one that leads
 * to no file is the user's. */
int standing_of(const struct ground *g, const char *path,
                const struct placed_file *remembered, const struct digest *want,
                struct error *err);
/* 0 where a file may be placed in spite of what stands there, else E_INPUT. */
int standing_allows_file(const struct ground *g, const char *path, enum standing standing,
                         const struct placed_file *remembered, struct error *err);
/* The same for a folder, and for what stands in the place of a folder above it. Links to
 * folders are folders. */
int standing_allows_folder(const struct ground *g, const char *path, struct error *err);
/* Makes the folder, in the place of what was allowed to go. */
int standing_make_folder(const char *path, struct error *err);

#endif
