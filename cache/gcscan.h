/*
 * gcscan - what there is in a store, who names it, and who relies on it.
 *
 * All that gc decides on, read once; what those who use the store note meanwhile is read
 * again before something goes.
 */
#ifndef LARDER_GCSCAN_H
#define LARDER_GCSCAN_H

#include <stdbool.h>

#include "larder/map.h"
#include "larder/mem.h"
#include "larder/record.h"
#include "layout.h"

/* The file of an object. */
struct gc_file {
    struct digest id;
    long long size; /* -1: it is not here */
    long long held; /* ns: when it was put here, or somebody last relied on it (ctime) */
    unsigned n_named; /* results that name it, themselves or in a folder; */
    unsigned n_left;  /* of them, those that stay */
    bool tree, opened;
    bool used,
        spread; /* a process that lives relies on it; and so on all that is in it */
    int stays;  /* gc.c: for what reason */
    unsigned visit;
    struct gc_file **entry;
    size_t n_entries;
};

/* A record; or what a list of uses names that is of no record. */
struct gc_result {
    struct digest key, id;
    const char *step;  /* NULL: of no record */
    double seconds;    /* to have it again */
    long long made;    /* ns, ctime of the record's file; 0: of no record */
    long long used;    /* ns: when it was made or used last */
    bool pinned, live; /* a pin keeps it; a process that lives relies on it */
    bool lost;         /* no look-up would take it: an object is not here */
    int goes;          /* why, or -1 */
    long long gain;    /* bytes that are free when it has gone, in n_gain files */
    size_t n_gain;
    double score; /* seconds for a byte; by which it goes */
    struct gc_file **root;
    size_t n_roots, n_wanted; /* the first n_wanted are those without which it is lost */
};

/* What is known of a key without its records. */
struct gc_key {
    long long used; /* ns */
    bool live, pinned;
};

struct gcscan {
    struct store *st;
    struct arena arena;
    struct map files, keys; /* by hex digits → struct gc_file, struct gc_key */
    struct map lists;       /* by id → size_t: how far each list of uses was read */
    struct map looks;       /* by name → struct fs_state: as it was then */
    struct gc_result *result;
    size_t n, cap;
    long long now;              /* ns, by the clock of the store's file system */
    long long oldest;           /* ns: when the first process that lives began */
    long long forget;           /* ns: lists used last before that do not count */
    bool ignored, reading_live; /* of the list that is being read */
    long long reading_used;
    unsigned visits;
    struct map objects; /* hex → long long: what lists name beside records, when used */
    struct gc_file **fresh; /* files just noted, with what is in them */
    size_t n_fresh, cap_fresh;
};

/* Everything. forget_after: seconds after which a list of a process that is gone counts
 * no more. */
int gcscan_read(struct gcscan *g, struct store *st, double forget_after,
                struct error *err);
/* What was noted since: all of it counts as live. To be called while nobody can note. */
int gcscan_again(struct gcscan *g, struct error *err);
void gcscan_release(struct gcscan *g);

/* Calls f once for each file that the result names, folders before what is in them. */
void gcscan_each(struct gcscan *g, const struct gc_result *r,
                 void (*f)(void *self, struct gc_file *file), void *self);

#endif
