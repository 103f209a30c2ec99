/*
 * devkit - the classes of ILSVRC2012 and what its validation pictures show, from
 * ILSVRC2012_devkit_t12.tar.gz.
 */
#ifndef ARCHIVE_DEVKIT_H
#define ARCHIVE_DEVKIT_H

#include <stddef.h>

#include "larder/error.h"

enum { WNID_LENGTH = 9 }; /* n01440764 */

/* All-zero is empty. */
struct devkit {
    char (*wnid)[WNID_LENGTH + 1]; /* in their order: class k is wnid[k] */
    int classes;
    int *label; /* of each validation picture, in the order of their names */
    size_t pictures;
};

/* Reads data/meta.mat (the entries without children; a class is a place among the sorted
 * WordNet ids, never the ILSVRC2012_ID) and data/ILSVRC2012_validation_ground_truth.txt
 * (ILSVRC2012_IDs). torchvision, datasets/imagenet.py. */
int devkit_read(struct devkit *d, const char *path, struct error *err);
void devkit_release(struct devkit *d);

#endif
