/*
 * memory - large zeroed blocks for the CPU backends, in huge pages where the system gives
 * them: touching a page of 4 KiB for the first time costs more than computing on it.
 */
#ifndef NN_MEMORY_H
#define NN_MEMORY_H

#include <stddef.h>

#include "larder/error.h"

/* n bytes at a multiple of 2 MiB. *mem is new: memory_unmap() it with the same n. */
int memory_map(void **mem, size_t n, struct error *err);
void memory_unmap(void *mem, size_t n); /* NULL is fine */

/* Planning: takes n bytes at *size and grows it to the next multiple of 64. */
size_t memory_reserve(size_t *size, size_t n);

#endif
