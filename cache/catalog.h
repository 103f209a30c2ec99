/*
 * catalog - where in which pack each object and record of a remote is (docs/remote.md).
 *
 * The text of an index adds to it; what was added last is found first.
 */
#ifndef LARDER_CATALOG_H
#define LARDER_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "larder/buf.h"
#include "larder/digest.h"
#include "larder/error.h"
#include "larder/sign.h"

struct catalog_pack {
    struct digest id;
    long long size;
};

struct catalog_entry {
    struct digest id; /* of the object, or the key of the record */
    struct key_id by; /* of a record: who signed it; else empty */
    uint32_t pack;    /* in catalog->pack */
    uint32_t age;     /* what was added later has the higher one */
    long long from, size;
};

struct catalog { /* all-zero is empty */
    struct catalog_pack *pack;
    size_t n_packs, cap_packs;
    struct catalog_entry *entry; /* objects and records */
    size_t n, cap;
    bool sorted;
};

void catalog_release(struct catalog *c);

/* Its number. */
uint32_t catalog_add_pack(struct catalog *c, const struct digest *id, long long size);
/* by: NULL of an object. */
void catalog_add(struct catalog *c, const struct digest *id, const struct key_id *by,
                 uint32_t pack, long long from, long long size);

/* The object, or the record of the key that `by` signed; NULL. Borrowed until something
 * is added. */
const struct catalog_entry *catalog_find(struct catalog *c, const struct digest *id,
                                         const struct key_id *by);

/* Adds the text of an index: all of it, or nothing and E_CORRUPT. */
int catalog_read(struct catalog *c, const char *text, size_t n, struct error *err);
/* Appends the text of an index of the packs from that number on. */
void catalog_write(struct catalog *c, uint32_t first_pack, struct buf *to);

#endif
