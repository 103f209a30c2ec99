/*
 * set - an image set: a folder with an LMDB file, name -> picture.
 *
 * The file is written once, sorted by name, by five fixed rules (docs/image-set.md), so
 * that equal content gives equal bytes; then it is only read. A sharded set is a folder
 * of such folders, 00, 01, ...; it reads like one set, in the order of the names.
 * Everything is checked when a set is opened: a damaged or cut file is an error there,
 * and a picture that was opened is well formed.
 */
#ifndef IMAGE_SET_H
#define IMAGE_SET_H

#include "image/image.h"
#include "larder/digest.h"
#include "larder/error.h"

struct imageset;

enum { IMAGESET_ITEM = 0, IMAGESET_END = 1 };

/* Opens for reading. *set is new: give it to imageset_close(). A set whose pictures are
 * kept as files is refused: E_INPUT. */
int imageset_open(struct imageset **set, const char *path, struct error *err);
/* The same for both kinds of sets: a picture has pixels, or a file in their place. */
int imageset_open_files(struct imageset **set, const char *path, struct error *err);
long imageset_size(const struct imageset *set); /* pictures */
/* Picture i in the order of names. im is borrowed until imageset_close(); its pixels are
 * the mapped file's: read only. Safe from several threads at once. */
int imageset_get(const struct imageset *set, long i, struct image *im, struct error *err);
/* The position of a name, or -1. */
long imageset_find(const struct imageset *set, const char *name);
/* The next picture: IMAGESET_ITEM, IMAGESET_END or an error. */
int imageset_next(struct imageset *set, struct image *im, struct error *err);
/* The size that all pictures share; E_INPUT if they differ or the set is empty. */
int imageset_shape(const struct imageset *set, int *width, int *height, int *channels,
                   struct error *err);
/* The digest of names and pictures alone: the same for any machine's page size, version
 * of LMDB and number of shards. */
void imageset_digest(const struct imageset *set, struct digest *id);

/* Makes a new set at path, an absent or empty folder. payload: the bytes of all names and
 * pictures together, or more; it fixes the size of the map and so a few bytes. */
int imageset_create(struct imageset **set, const char *path, long long payload,
                    struct error *err);
/* Names must come in rising byte order. An image with a file is kept as that. */
int imageset_append(struct imageset *set, const struct image *im, struct error *err);
/* Writes what is left to the disk. Without it imageset_close() removes the set. */
int imageset_commit(struct imageset *set, struct error *err);
void imageset_close(struct imageset *set); /* NULL is fine */

#endif
