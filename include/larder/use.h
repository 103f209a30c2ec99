/*
 * use - what a process relies on in a store, so that gc keeps off it.
 *
 * Whoever looks up records to use them opens one of these first. From then on each key is
 * noted before its record is looked for, in a list in the store that is locked as long as
 * the process lives. gc removes nothing that a list which is held names, and reads the
 * lists while nobody can add to one: so either it sees the note, and the record stays, or
 * the record was gone before it was looked for, which is a miss.
 * A list that is kept, under the name of what was asked for, says afterwards what was
 * used last and when (its modification time), by whatever project.
 *
 *   larder-use 1
 *   list <16 hex> since <ns>     another one for each process; its clock is the store's
 *   key <64 hex>                 the records of that key, with all that they name
 *   file <64 hex>                an object that no record may name
 *   tree <64 hex>                the same, with all that is in it
 *
 * What ends in the middle of a line ends before it.
 */
#ifndef LARDER_USE_H
#define LARDER_USE_H

#include <stdbool.h>

#include "larder/digest.h"
#include "larder/error.h"
#include "larder/record.h"
#include "larder/store.h"

struct use;

enum use_kind { USE_KEY, USE_FILE, USE_TREE };

/* *u is new: use_close(), before store_close(). Of a store that may only be read it is
 * NULL, and nothing is noted. */
int use_open(struct use **u, struct store *st, struct error *err);
void use_close(struct use *u); /* NULL is fine */

/* Notes something in the list that is open, if one is. It never fails: where the list
 * cannot be written, nothing goes while this process lives. An all-zero digest is
 * nothing. */
void use_note(struct store *st, enum use_kind kind, const struct digest *id);
void use_note_object(struct store *st, const struct object *o);
/* The same of many keys at once. */
void use_note_keys(struct store *st, const struct digest *key, size_t n);

enum { USE_NAME_SIZE = 16 };
/* Keeps the list under a name of 16 hex digits, in the place of a former one; and what
 * that had of objects, if it is said. Best effort. */
void use_keep(struct use *u, const char *name, bool with_former_objects);
/* All that a list names is used now: false when there is no such list. */
bool use_again(struct store *st, const char *name);

#endif
