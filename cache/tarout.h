/*
 * tarout - a tar.zst that is being written: entry after entry, the same bytes each time.
 *
 *   struct tarout t = { 0 };
 *   tarout_open(&t, path, err); { tarout_begin(); tarout_add(); ... } tarout_close();
 *   tarout_publish(&t, err);    tarout_release(&t); // removes what was not published
 */
#ifndef CACHE_TAROUT_H
#define CACHE_TAROUT_H

#include <stddef.h>

#include "larder/error.h"
#include "larder/moved.h"
#include "libarchive.h"

struct tarout { /* all-zero: nothing is open */
    const struct libarchive *lib;
    struct archive *archive;
    struct archive_entry *entry;
    char *path, *temp; /* temp, which is beside it, is renamed in the end */
    int fd;
    long long taken, written; /* bytes of entries, and of the file */
    struct error why;         /* of what the disk refused */
    struct moved moved;       /* told of bytes of entries; set by who opens it */
};

/* Begins a file beside path, which is copied. */
int tarout_open(struct tarout *t, const char *path, struct error *err);
/* An entry: exactly size bytes of it are then added. The name is of ASCII. */
int tarout_begin(struct tarout *t, const char *name, long long size, struct error *err);
int tarout_add(struct tarout *t, const void *bytes, size_t n, struct error *err);
/* After the last entry: all is in the file. */
int tarout_close(struct tarout *t, struct error *err);
/* Gives the file its name, in the place of what has it. */
int tarout_publish(struct tarout *t, struct error *err);
void tarout_release(struct tarout *t);

#endif
