/*
 * lock - larder.lock: the digests of imports that their publishers pin by less.
 *
 * The file (docs/lock.md) lies beside the recipe and is committed with it. It has a line
 * for each member of an import that has such pins, written when its content is first
 * seen; what comes later must be the same, until somebody deletes the line.
 */
#ifndef LARDER_LOCK_H
#define LARDER_LOCK_H

#include <stddef.h>

#include "larder/error.h"
#include "larder/mem.h"
#include "larder/record.h"

struct lock_line {
    const char *name; /* "import.weights[arch=alexnet]" */
    const char *pins; /* as pin_write() has them: other pins, another line */
    struct object object;
    int number; /* of the line in the file */
};

/* All-zero is an empty one. */
struct lock {
    struct lock_line *line; /* sorted by name, then pins */
    size_t n;
};

/* Reads the file into arena memory; absent is empty. file: as a message should name it.
 */
int lock_read(struct lock *l, struct arena *arena, const char *path, const char *file,
              struct error *err);
/* The line, borrowed, or NULL. */
const struct lock_line *lock_find(const struct lock *l, const char *name,
                                  const char *pins);

/* Adds a line to the file; another process may do the same at once. E_INPUT when the file
 * has that line with another object by now. */
int lock_add(const char *path, const char *file, const struct lock_line *line,
             struct error *err);

#endif
