/*
 * shards - a new image set in several shards, written one after the other.
 *
 * Of n pictures in the order of their names, shard k of N holds those from k n / N to
 * (k + 1) n / N - 1. With N = 0 the folder is a plain set. A picture may be left out; the
 * others stay where they are.
 */
#ifndef IMAGE_SHARDS_H
#define IMAGE_SHARDS_H

#include "image/set.h"

enum { SHARDS_MOST = 10000 };

/* All-zero is empty. */
struct shards {
    const char *path; /* borrowed */
    int n;
    long pictures, at; /* announced; added or left out */
    long long each;    /* bytes of a picture with its name, or more */
    int shard;         /* that of set */
    struct imageset *set;
};

/* each: the bytes of one picture and its name, or more. E_INPUT for fewer pictures than
 * shards. */
int shards_open(struct shards *s, const char *path, int n, long pictures, long long each,
                struct error *err);
/* im NULL: the next picture is left out. Names rise. */
int shards_add(struct shards *s, const struct image *im, struct error *err);
/* After the last picture. Without it the set is worthless. */
int shards_commit(struct shards *s, struct error *err);
void shards_close(struct shards *s);

#endif
