/*
 * zip - the directory of a zip file whose entries are stored, not compressed.
 *
 * PKWARE's APPNOTE.TXT, 4.3 and 4.5.3 (zip64). The central directory is what counts; the
 * local headers of PyTorch's files hold neither sizes nor checksums, and must agree on
 * the name. Entries that overlap, or that have one name, are refused.
 */
#ifndef WEIGHTS_ZIP_H
#define WEIGHTS_ZIP_H

#include <stddef.h>
#include <stdint.h>

#include "larder/error.h"
#include "larder/map.h"
#include "larder/mem.h"

struct zip_entry {
    const char *name;
    size_t at, size; /* of its bytes */
    size_t header;   /* of its local header */
    uint32_t crc;
};

/* All-zero is empty. */
struct zip {
    struct zip_entry *entry;
    size_t n;
    struct map by_name; /* -> struct zip_entry * */
    struct arena arena;
};

int zip_open(struct zip *z, const uint8_t *s, size_t n, struct error *err);
void zip_release(struct zip *z);
const struct zip_entry *zip_find(const struct zip *z, const char *name); /* or NULL */

#endif
