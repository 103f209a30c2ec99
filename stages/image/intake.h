/*
 * intake - pictures from files into a new image set: decoded, scaled and cut, or kept as
 * the files they are; what cannot be read is an error, or is listed and left out.
 */
#ifndef IMAGE_INTAKE_H
#define IMAGE_INTAKE_H

#include <stdbool.h>

#include "image/shards.h"
#include "larder/buf.h"

struct intake_options {
    const char *set, *classes, *skipped; /* where the outputs go */
    const char *damaged;                 /* stop|skip */
    const char *keep;                    /* crop|file */
    int side, crop;                      /* keep=crop: image_fit(); crop <= side */
    int shards, take;                    /* take: only the first pictures; 0: all */
};

#define INTAKE_DEFAULTS                                             \
    {                                                               \
        .damaged = "stop", .keep = "crop", .side = 256, .crop = 224 \
    }

/* The arguments of a program that fill in an intake_options. */
#define INTAKE_ARGS(o)                                                                \
    STAGE_OUT_SET("set", &(o).set, "the pictures, with their classes"),               \
        STAGE_OUT("classes", &(o).classes, "TSV: class name pictures"),               \
        STAGE_OUT("skipped", &(o).skipped, "TSV: picture reason"),                    \
        STAGE_CHOICE("keep", &(o).keep, "crop|file",                                  \
                     "crop: scaled and cut; file: as they come, for train"),          \
        STAGE_INT("side", &(o).side, 1, 65535, "the shorter side after scaling"),     \
        STAGE_INT("crop", &(o).crop, 1, 4096, "the side of the middle that is kept"), \
        STAGE_INT("take", &(o).take, 0, 1 << 30, "only the first pictures; 0: all"),  \
        STAGE_INT("shards", &(o).shards, 0, SHARDS_MOST,                              \
                  "parts of the set, a folder each; 0: it is one set"),               \
        STAGE_CHOICE("damaged", &(o).damaged, "stop|skip",                            \
                     "a picture that cannot be read: an error, or listed and left out")

/* All-zero is empty. */
struct intake {
    const struct intake_options *o;
    struct shards out;
    long pictures; /* to be added */
    long *count;   /* pictures of each class so far */
    size_t n_counts;
    struct buf skipped; /* TSV: picture, reason */
    bool unfinished;    /* there is a set that is not whole yet */
};

/* A set for so many pictures, or as many of them as the options take. largest: of their
 * files, in bytes. o is borrowed until intake_close(). */
int intake_open(struct intake *in, const struct intake_options *o, long pictures,
                long long largest, struct error *err);
/* The next picture, in rising order of names; its n bytes are those of a file. texture:
 * as in struct image. */
int intake_add(struct intake *in, const char *name, int label, int texture,
               const void *bytes, size_t n, struct error *err);
/* Ends the set, and writes the tables of its classes and of what was left out. */
int intake_commit(struct intake *in, const char *const *class_name, size_t classes,
                  struct error *err);
/* Removes a set that was not ended. */
void intake_close(struct intake *in);

#endif
