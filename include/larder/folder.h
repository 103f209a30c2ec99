/*
 * folder - the tree that a folder is, whoever reads its files and keeps its text.
 */
#ifndef LARDER_FOLDER_H
#define LARDER_FOLDER_H

#include <stdbool.h>
#include <sys/stat.h>

#include "larder/buf.h"
#include "larder/digest.h"
#include "larder/error.h"
#include "larder/record.h"

struct folder_visit {
    /* Asks for the digest and the size of a file; who remembers files need not read it.
     * s: the file as it was just now, or NULL. */
    int (*file)(void *self, const char *path, const struct stat *s, struct digest *d,
                long long *size, struct error *err);
    /* Tells a folder, before it is read. May be NULL. */
    int (*folder)(void *self, const char *path, struct error *err);
    void *self;
    bool links; /* symbolic links count: where they lead, and what a file there holds */
    bool
        no_pycache; /* a folder __pycache__ does not: it follows from what is beside it */
    /* Asks for the digest of the text of a folder, after all that it names; NULL: it is
     * only hashed. */
    int (*text)(void *self, const struct buf *text, struct digest *d, struct error *err);
};

/* Names the tree at path. Links, but for `links`, and special files inside are refused by
 * their path below it (E_STAGE). */
int folder_name(const char *path, const struct folder_visit *visit, struct object *o,
                struct error *err);

#endif
