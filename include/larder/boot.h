/*
 * boot - which start of the machine this is.
 *
 * Outputs written without waiting for the disk are sound as long as the machine has not
 * been restarted since; after a restart they are hashed before use.
 */
#ifndef LARDER_BOOT_H
#define LARDER_BOOT_H

#include <stdbool.h>

#include "larder/record.h"

enum { BOOT_TEXT = 36 };

/* The kernel's boot id, "9d3c…-…"; "unknown" where there is none, which never equals the
 * boot id of a record. Borrowed for ever. */
const char *boot_id(void);

/* True when the outputs of this record were not synced and this is another boot: check
 * them with store_check(deep) before use. */
bool boot_is_past(const struct record *r);

#endif
