/*
 * library - a library that is opened when its first call is needed and not with the
 * program (docs/adr/0007).
 */
#ifndef CACHE_LIBRARY_H
#define CACHE_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

struct library_call {
    const char *name;
    void *call; /* where its address goes */
};

/* Whether the library is here, with all these calls; it stays open. */
bool library_open(const char *file, const struct library_call *wanted, size_t n);

#endif
