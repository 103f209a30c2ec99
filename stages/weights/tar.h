/*
 * tar - the files in a tar archive, as POSIX's ustar format and GNU's old one lay them.
 */
#ifndef WEIGHTS_TAR_H
#define WEIGHTS_TAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "larder/error.h"

struct tar_member {
    size_t at, size;
};

/* Whether the bytes begin as a tar archive does. */
bool tar_is(const uint8_t *s, size_t n);

/* The member of this name ("./" before it does not count). E_INPUT when it is not there,
 * is there twice, or the archive is damaged before its end. */
int tar_find(const uint8_t *s, size_t n, const char *name, struct tar_member *m,
             struct error *err);

#endif
