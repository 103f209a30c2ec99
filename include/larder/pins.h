/*
 * pins - what gc must not take from a store, whatever else it does.
 *
 * A pin is a small file of the store that names steps with their keys, published whole
 * and never changed. As long as it is there, all records of these keys stay, and all
 * objects that they name. Who makes one has looked up the keys with a use that is open
 * (use.h), so that a gc which goes on meanwhile leaves them, too.
 *
 *   larder-pin 1
 *   project /home/a/paper
 *   step sha256:<64 hex> train@arch=alexnet
 *   sha256 <64 hex>              of all lines above
 */
#ifndef LARDER_PINS_H
#define LARDER_PINS_H

#include <stdbool.h>
#include <stddef.h>

#include "larder/digest.h"
#include "larder/error.h"
#include "larder/mem.h"
#include "larder/store.h"

struct pins_step {
    struct digest key;
    const char *name;
};

struct pins_entry {
    const char *name;
    const char *project; /* where it was made: an absolute path */
    struct pins_step *step;
    size_t n;
    long long made; /* seconds since 1970 */
};

/* Letters, digits, '.', '_' and '-', not beginning with '.'. */
bool pins_name_is_valid(const char *name);

/* Publishes it. E_USAGE when there is another one of that name; the same is fine. */
int pins_add(struct store *st, const struct pins_entry *pin, struct error *err);
/* E_USAGE when there is none. A damaged one goes too. */
int pins_remove(struct store *st, const char *name, struct error *err);
bool pins_is_whole(struct store *st, const char *name);
/* All of them, by name, in arena memory. E_CORRUPT names one that is damaged. */
int pins_list(struct store *st, struct arena *arena, struct pins_entry **pin, size_t *n,
              struct error *err);

#endif
