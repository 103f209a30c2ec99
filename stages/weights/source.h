/*
 * source - the bytes of a file from elsewhere: mapped to be looked at, read to be copied.
 *
 * The file must not shrink while it is open: what is looked at beyond its end kills the
 * process. (Inputs of a step do not change.)
 */
#ifndef WEIGHTS_SOURCE_H
#define WEIGHTS_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "larder/error.h"

/* All-zero is empty. */
struct source {
    const uint8_t *s; /* borrowed from this struct, or from the caller of source_of() */
    size_t n;
    int fd; /* less than 1: the bytes are in memory */
};

int source_open(struct source *f, const char *path, struct error *err);
void source_close(struct source *f);
/* A source in the caller's memory, which lives as long. */
struct source source_of(const void *bytes, size_t n);

/* Copies n bytes from at, which are inside. Faster than copying from s: no page of the
 * mapping is touched. */
int source_copy(const struct source *f, size_t at, size_t n, void *to, struct error *err);

/* Whether n bytes from at are inside. */
bool source_has(const struct source *f, size_t at, size_t n);

/* Little-endian numbers at any address. */
uint16_t get_u16(const uint8_t *s);
uint32_t get_u32(const uint8_t *s);
uint64_t get_u64(const uint8_t *s);

#endif
