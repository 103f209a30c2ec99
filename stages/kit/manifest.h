/*
 * manifest - the items behind a list input: a TSV of axis columns, then `path`.
 *
 * Paths are relative to the folder in which the program was started. Where the recipe
 * writes a list, or the items come from several stages, the first column is `stage`.
 */
#ifndef KIT_MANIFEST_H
#define KIT_MANIFEST_H

#include "kit/tsv.h"

struct manifest {
    struct tsv tsv;
    int path; /* the column */
};

int manifest_read(struct manifest *m, const char *path, struct error *err);
void manifest_release(struct manifest *m);
size_t manifest_size(const struct manifest *m);
const char *manifest_path(const struct manifest *m, size_t item);
/* The value of an axis ("" when the item has none), or NULL when there is no such column.
 */
const char *manifest_axis(const struct manifest *m, size_t item, const char *axis);

#endif
