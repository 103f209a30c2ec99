/*
 * records - the records of a key, looked at without relying on them.
 */
#ifndef LARDER_RECORDS_H
#define LARDER_RECORDS_H

#include "larder/store.h"

/* As store_find(), but gc is not told that we rely on what is found (use.h). */
int records_find(struct store *st, const struct digest *key, struct record ***rec,
                 size_t *n, struct error *err);

#endif
