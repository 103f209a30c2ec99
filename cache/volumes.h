/*
 * volumes - how a bundle is divided into files of a certain size.
 *
 * Sizes are those before compression, which are known beforehand: so no file gets larger,
 * and the division of equal contents is the same.
 */
#ifndef CACHE_VOLUMES_H
#define CACHE_VOLUMES_H

#include <stddef.h>

#include "larder/contents.h"

struct volume {
    size_t record, attestation, object; /* its first ones */
    size_t n_records, n_attestations, n_objects;
};

struct volumes { /* all-zero is none */
    struct volume *volume;
    size_t n;
};

/* Divides sorted contents into files of at most max bytes, 0: one file. E_USAGE when one
 * of them, or what each file has, is larger, and when they would be too many. */
int volumes_plan(struct volumes *v, const struct contents *c, long long max,
                 struct error *err);
void volumes_release(struct volumes *v);

/* The i-th: borrows from c. */
struct contents volumes_contents(const struct volumes *v, const struct contents *c,
                                 size_t i, const struct digest *whole);

/* The digest of what one file with all of it would say; in the order of their numbers. */
void volumes_join(const struct contents *const *part, size_t n, struct digest *whole);

/* Appends "x.002.tar.zst" for "x.tar.zst", and "y.002" for any other name. */
void volumes_name(const char *path, size_t i, struct buf *to);

#endif
