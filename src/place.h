/*
 * place - outputs in the user's own folders, as `get:` and `larder get` ask.
 *
 * What is missing or unchanged is placed again. A file whose content is neither what was
 * placed there nor an object of the store is the user's work: it is named and nothing is
 * written, unless force is given (standing.h). Other files in a placed folder stay. What
 * was placed is remembered in .larder/placed (docs/state.md).
 */
#ifndef LARDER_PLACE_H
#define LARDER_PLACE_H

#include <stdbool.h>

#include "config.h"
#include "larder/error.h"
#include "larder/record.h"
#include "larder/store.h"

struct places;

/* own: the project's .larder; project and store are borrowed. link: how files are placed
 * from now on; those that stand stay. force: over files of the user's. *p is new:
 * places_close(). */
int places_open(struct places **p, const char *project, const char *own,
                struct store *store, enum link_mode link, bool force, struct error *err);
/* Ends what places_put() has begun; an error is that of a file that was to be placed. */
int places_settle(struct places *p, struct error *err);
/* Settles, and remembers what was placed if something changed. */
int places_save(struct places *p, struct error *err);
void places_close(struct places *p); /* NULL is fine */
/* Whether something was placed, or forgotten, that is not as it was remembered. */
bool places_changed(const struct places *p);

/* E_INPUT when, as far as can be known before it is made, an object of this kind cannot
 * be placed at `to`: what was placed there has been changed by hand, or a file of the
 * user's stands where a folder is to be, or a folder where a file is. */
int places_check(struct places *p, const char *to, enum object_kind kind,
                 struct error *err);
/* Whether everything stands at `to` as it was placed, and is this object. */
bool places_stands(struct places *p, const char *to, const struct object *o);
enum { PLACE_STANDS = 0, PLACE_NEW = 1 };
/* Places a checked object, file by file, each whole or not at all, at `to`, relative to
 * the project: PLACE_STANDS when it was there already, PLACE_NEW or an error. What was in
 * a folder that is gone appears with the whole folder, no later than places_settle(). */
int places_put(struct places *p, const struct object *o, const char *to,
               struct error *err);
/* Whether it was placed there by us, and not just left as it stood; once it is settled.
 */
bool places_is_new(struct places *p, const char *to);

/* Told of each file that was placed for `to`, by its absolute path, with its state. */
void places_each(struct places *p, const char *to,
                 void (*tell)(void *self, const char *path, const struct fs_state *st),
                 void *self);

#endif
