/*
 * sidehash - SHA-256 on a thread of its own, while the caller does something else with
 * the same bytes, or gets the next ones. The thread can write them to a file too.
 *
 * What is small is hashed at once. The thread is started when it is first of use, and
 * lives as long as this.
 */
#ifndef CACHE_SIDEHASH_H
#define CACHE_SIDEHASH_H

#include <stdbool.h>
#include <stddef.h>

#include "larder/digest.h"

struct sidehash;

struct sidehash *sidehash_new(void); /* new: sidehash_free() */
/* The bytes are copied where they are not hashed at once. */
void sidehash_add(struct sidehash *s, const void *bytes, size_t n);
/* The same of bytes that are read into its own memory and not copied again: room for
 * SIDEHASH_ROOM of them, then n of those. They stay until room is asked for again. */
enum { SIDEHASH_ROOM = 128 << 10 };
void *sidehash_room(struct sidehash *s);
void sidehash_put(struct sidehash *s, size_t n);
/* What is added until the next finish is also written to this file; -1: to none. */
void sidehash_write(struct sidehash *s, int fd);
/* Whether a write has failed since then; errno says why. */
bool sidehash_failed(struct sidehash *s);
/* Of all that was added since the last time; it has been written, or a write failed. */
void sidehash_finish(struct sidehash *s, struct digest *d);
void sidehash_free(struct sidehash *s); /* NULL is fine */

#endif
