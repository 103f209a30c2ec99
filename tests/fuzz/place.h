/*
 * place - files for what is only read by its path: in a folder of this process's own, in
 * memory where there is such a place, gone at its end.
 */
#ifndef PLACE_H
#define PLACE_H

#include <stddef.h>

/* The folder; borrowed. */
const char *place_folder(void);
/* Makes, or replaces, a file in it; missing folders between are made. Its path is
 * borrowed until the next call. */
const char *place_file(const char *name, const void *bytes, size_t n);

#endif
