/*
 * gc - what goes from a store that nobody needs, or that it has no room for.
 *
 * Never anything that a pin keeps, that a process which lives has found (use.h), or that
 * was made, fetched, or used by a run less than the grace ago. A record goes before its
 * objects, so a reader sees a miss and never half a hit; a kill leaves objects that the
 * next gc removes. Runs may go on meanwhile.
 */
#ifndef LARDER_GC_H
#define LARDER_GC_H

#include <stdbool.h>
#include <stddef.h>

#include "larder/error.h"
#include "larder/store.h"

enum { GC_GRACE_S = 24 * 3600 }; /* unless somebody says otherwise */

/* Something that goes. */
struct gc_item {
    enum gc_why {
        GC_UNNAMED, /* objects that nothing names, all of them together */
        GC_LOST,    /* a result of which an object is lost */
        GC_OLD,     /* one that nobody has used for so long */
        GC_DEAR,    /* one that goes for the room it takes */
    } why;
    const char
        *step; /* of the record; NULL: of what was fetched by no step, or unnamed */
    struct digest id; /* of that record, or object */
    size_t n_objects;
    long long bytes; /* that are free then */
    double seconds;  /* what it costs to have it again */
};

struct gc_order {
    double grace;    /* seconds */
    double older;    /* results not used for so many seconds go; negative: none */
    long long quota; /* bytes that all objects may take; negative: no limit */
    bool dry_run;    /* only tell */
    void (*tell)(void *self, const struct gc_item *item); /* in the order of going */
    void *self;
};

struct gc_totals {
    size_t n_results, n_objects; /* that went, or would */
    long long bytes;
    double seconds;
    long long before;               /* all objects, bytes; */
    long long pinned, used, recent; /* of those that stay, by the first reason: a pin, a
                                       process that lives, the grace */
    long long rest;                 /* what stays for no reason but that there is room */
};

/* E_SYSTEM when another gc, or a repair, goes on. E_CORRUPT when a pin is damaged. */
int store_gc(struct store *st, const struct gc_order *order, struct gc_totals *t,
             struct error *err);

/* Seconds that it takes to fetch so many bytes from another place: a guess. */
double gc_fetch_seconds(long long bytes);

#endif
