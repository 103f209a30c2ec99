/*
 * remote_gc - what may go from a remote that is a folder on a disk of ours.
 *
 * Only what no record there needs, whoever signed it: objects, packs and indexes that no
 * root names, files that were never finished; and only what was not touched for the
 * grace. Records and roots stay. Others use the folder, and nothing there can be locked:
 * what goes is first put aside; then all records are read again, and what one that has
 * come meanwhile names is put back.
 */
#ifndef LARDER_REMOTE_GC_H
#define LARDER_REMOTE_GC_H

#include <stdbool.h>
#include <stddef.h>

#include "larder/error.h"

enum { REMOTE_GC_GRACE_S = 7 * 24 * 3600 };

struct remote_gc_order {
    double grace; /* seconds */
    bool dry_run;
    /* what: "object", "pack", "index" or "leftover"; name: on the remote. */
    void (*tell)(void *self, const char *what, const char *name, long long bytes);
    void *self;
};

struct remote_gc_totals {
    size_t n_records; /* that were read */
    size_t n_files, n_back;
    long long bytes, before;
};

/* place: "file:/path"; E_USAGE for any other, which cannot be listed. E_CORRUPT where a
 * record, root, index or folder cannot be read, so that what it needs is not known:
 * nothing goes then. */
int remote_gc(const char *place, const struct remote_gc_order *order,
              struct remote_gc_totals *t, struct error *err);

#endif
