/*
 * feed - the pictures of a set in the order of their names, batch by batch, as a network
 * takes them.
 */
#ifndef LEARN_FEED_H
#define LEARN_FEED_H

#include "image/set.h"
#include "nn/graph.h"

/* All-zero is empty. */
struct feed {
    struct imageset *set;
    long size, at; /* pictures that will be given, and that were */
    int batch;     /* pictures a batch */
    int width, height, channels;
    int n;               /* pictures in this batch, the last may be smaller */
    struct image *image; /* borrowed until feed_close() */
    float *pixels;       /* n x height x width x channels, 0..1 */
    int32_t *label;
};

enum { FEED_BATCH = 0, FEED_END = 1 };

/* take: only the first pictures; 0: all. An empty set and one whose pictures differ in
 * size are refused (E_INPUT). */
int feed_open(struct feed *f, const char *path, int batch, long take, struct error *err);
void feed_close(struct feed *f);
int feed_next(struct feed *f, struct error *err); /* FEED_BATCH, FEED_END or an error */
void feed_rewind(struct feed *f);

/* The pixels of a picture as networks read them: 0..1. */
void image_to_floats(const struct image *im, float *to);

/* E_INPUT when the pictures do not have the size that the network reads. path: of the
 * set, for the message. */
int shape_check(const char *path, const struct imageset *set, const struct graph *g,
                struct error *err);
/* E_INPUT with the first picture whose label is not in 0..classes-1. path: of the set,
 * for the message. */
int labels_check(const char *path, const struct imageset *set, int classes,
                 struct error *err);

#endif
