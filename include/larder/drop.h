/*
 * drop - removing objects that nobody needs, while nobody else uses the store.
 *
 * Whoever runs steps opens one of these first and keeps it open: it makes the run known
 * to others. An object goes only while no other run is known, so none goes that somebody
 * has found and is about to use; only if no record names it but as something temporary;
 * and only once all that hold it have let it go. What is in a folder counts like the
 * folder.
 */
#ifndef LARDER_DROP_H
#define LARDER_DROP_H

#include <stdbool.h>

#include "larder/error.h"
#include "larder/store.h"

struct drop;

/* Whether an output of a record is not to be kept for its sake. */
typedef bool drop_is_temporary(void *self, const struct record *rec, const char *output);

/* Waits while somebody drops. *d is new: drop_close(). The rest is borrowed until then.
 */
int drop_open(struct drop **d, struct store *st, drop_is_temporary *is_temporary,
              void *self, struct error *err);
void drop_close(struct drop *d); /* NULL is fine */

/* Holds an object of the store that may go some day; once for each that holds it. */
int drop_hold(struct drop *d, const struct object *o, struct error *err);

enum { DROP_DONE = 0, DROP_LATER = 1 };
/* Lets go of an object that was held, and removes what of it nobody needs; the bytes of
 * what was removed are added to *size. DROP_LATER when another run uses the store: it is
 * then held as before. An error may leave it held, and some of it removed; no record
 * needs that. */
int drop_release(struct drop *d, const struct object *o, long long *size,
                 struct error *err);

#endif
