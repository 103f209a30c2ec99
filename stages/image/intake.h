/*
 * intake - pictures from files into a new image set: decoded, scaled and cut; what cannot
 * be read is an error, or is listed and left out.
 */
#ifndef IMAGE_INTAKE_H
#define IMAGE_INTAKE_H

#include <stdbool.h>

#include "image/shards.h"
#include "larder/buf.h"

struct intake_options {
    int side, crop, shards; /* image_fit(); crop is at most side */
    bool skip;              /* leave damaged pictures out */
};

/* For the options of programs. */
#define INTAKE_DEFAULTS                       \
    {                                         \
        .side = 256, .crop = 224, .shards = 1 \
    }

/* All-zero is empty. */
struct intake {
    struct intake_options o;
    struct shards out;
    struct buf skipped; /* TSV: picture, reason */
    const char *path;   /* of a set that is not whole yet; borrowed */
};

/* A set at path for so many pictures. */
int intake_open(struct intake *in, const struct intake_options *o, const char *path,
                long pictures, struct error *err);
/* The next picture, in rising order of names; its n bytes are those of a file. Returns 1
 * when it is in the set, 0 when it was left out. */
int intake_add(struct intake *in, const char *name, int label, const void *bytes,
               size_t n, struct error *err);
/* Ends the set and writes the list of what was left out. */
int intake_commit(struct intake *in, const char *skipped, struct error *err);
/* Removes a set that was not ended. */
void intake_close(struct intake *in);

#endif
