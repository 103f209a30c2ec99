/*
 * placed - what is remembered of the files that were placed: the text .larder/placed.
 *
 * One line a destination, then one line a file that was placed for it; docs/state.md has
 * the grammar. A text that is torn or of another version counts as empty.
 */
#ifndef LARDER_PLACED_H
#define LARDER_PLACED_H

#include <stdbool.h>
#include <stddef.h>

#include "larder/error.h"
#include "larder/fs.h"
#include "larder/map.h"
#include "larder/mem.h"
#include "larder/record.h"

struct placed_file {
    const char *path; /* below the destination; "" when that is a file itself */
    struct digest id;
    struct fs_state state; /* right after it was placed; of a link without ctime */
};

struct placed_to {
    const char *to; /* as `get:` names it */
    struct object object;
    struct placed_file *file;
    size_t n_files, cap;
    bool is_absent; /* when it was looked at last, in this process */
    bool is_new;    /* placed by this process */
};

struct placed { /* all-zero is empty */
    struct arena arena;
    struct placed_to **to;
    size_t n, cap;
    struct map by_name;   /* of `to`, the first n_named; made when they are asked for in
                             another order */
    size_t n_named, next; /* the one that is asked for next, in the order of `to` */
};

/* An absent file is an empty memory. */
int placed_read(struct placed *p, const char *path, struct error *err);
int placed_write(const struct placed *p, const char *path, struct error *err);
void placed_release(struct placed *p);

struct placed_to *placed_find(struct placed *p, const char *to); /* or NULL */
/* The entry of a destination, emptied or new. */
struct placed_to *placed_renew(struct placed *p, const char *to, const struct object *o);
void placed_add(struct placed *p, struct placed_to *t, const struct placed_file *f);

#endif
