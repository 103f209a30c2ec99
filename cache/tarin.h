/*
 * tarin - a tar.zst of plain files that somebody gave us, read as it comes.
 *
 * Nothing is ever written where it says: whoever reads it decides what becomes of an
 * entry. All that is no plain file is refused, and a window that needs more than 128 MiB.
 */
#ifndef CACHE_TARIN_H
#define CACHE_TARIN_H

#include <stddef.h>

#include "larder/error.h"
#include "larder/moved.h"
#include "libarchive.h"

struct tarin { /* all-zero: nothing is open */
    const struct libarchive *lib;
    struct archive *archive;
    const char *path; /* borrowed */
    char *chunk;      /* of the file */
    int fd;
    long long file_size;
    long long size, at; /* of the entry */
    struct error why;   /* of what the disk refused */
    struct moved moved; /* told of bytes of the file; set by who opens it */
};

enum { TARIN_ENTRY = 0, TARIN_END = 1 };

/* E_INPUT when path is no regular file. */
int tarin_open(struct tarin *t, const char *path, struct error *err);
/* The next entry: TARIN_ENTRY with its name, borrowed until the next call, and t->size;
 * TARIN_END; E_CORRUPT for anything but a plain file. What was not read of the one before
 * is passed over. */
int tarin_next(struct tarin *t, const char **name, struct error *err);
/* The next bytes of the entry, borrowed until the next call; *n is 0 behind the last, and
 * then they were t->size. */
int tarin_read(struct tarin *t, const void **bytes, size_t *n, struct error *err);
void tarin_release(struct tarin *t);

#endif
