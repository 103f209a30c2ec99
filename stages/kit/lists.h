/*
 * lists - the pictures that lists name: a list input whose items are TSV files with a
 * column `image` (intersect).
 */
#ifndef KIT_LISTS_H
#define KIT_LISTS_H

#include "larder/error.h"
#include "larder/map.h"

/* Adds to an empty map every name that stands in any of the lists. E_INPUT with the file
 * for one that has no such column. */
int lists_read(struct map *names, const char *lists, struct error *err);

#endif
