/*
 * state - what a project remembers between runs, in .larder/state (docs/state.md).
 *
 * The digests of sources with the state of their files, the states of stored objects,
 * what programs said of themselves, and for each step the records it used last. Losing
 * the file, or a race on it, costs time and never a result.
 *
 * A file is taken to be unchanged when device, inode, size, mode, mtime and ctime are the
 * remembered ones. That would miss a change within one tick of the file system's clock
 * right after the file was read; so a state is remembered only if, when the reading
 * began, both times were more than two seconds in the past (the coarsest clock of a file
 * system in use). A younger file is read again by the next run.
 */
#ifndef LARDER_STATE_H
#define LARDER_STATE_H

#include <stdbool.h>

#include "larder/digest.h"
#include "larder/error.h"
#include "larder/fs.h"
#include "larder/store.h"
#include "program.h"

struct state;

/* What is remembered of a step, by its name. */
struct step_memory {
    bool has_record, has_former, has_failed_log;
    struct digest key, record;               /* used last */
    struct digest former_key, former_record; /* used before that one */
    struct digest failed_log;                /* of a failure since, an object */
};

/* *s is new: state_close(). Nothing usable at path is an empty state. */
int state_open(struct state **s, const char *path, struct error *err);
int state_save(struct state *s, struct error *err); /* only if something changed */
void state_close(struct state *s);                  /* NULL is fine */

/* The digest of the file at path: remembered, or read now. *st is the state of the file
 * before it was read. FS_FOUND, FS_ABSENT or an error. */
int state_digest_file(struct state *s, const char *path, struct digest *d,
                      struct fs_state *st, struct error *err);
/* The same of a file that was in the state *st just now. */
int state_digest_seen(struct state *s, const char *path, struct digest *d,
                      struct fs_state *st, struct error *err);
bool state_same(const struct fs_state *a, const struct fs_state *b);
/* Whether a file is as it was. Without a ctime `was` is that of a link to a stored
 * object: its ctime moves with every other link. */
bool state_holds(const struct fs_state *now, const struct fs_state *was);
/* A copy whose padding is zero, for what is kept as bytes. */
void state_copy(struct fs_state *to, const struct fs_state *from);
/* Whether a file in this state is old enough, right before it is read, to be remembered.
 */
bool state_is_settled(const struct fs_state *st);

/* Whether a program was seen to be plain (plain.h). */
bool state_is_plain(struct state *s, const struct digest *program);
void state_set_plain(struct state *s, const struct digest *program);

bool state_step(struct state *s, const char *name, struct step_memory *m);
void state_set_step(struct state *s, const char *name, const struct step_memory *m);

/* The state of the file of an object when it was last known to be good. */
bool state_object(struct state *s, const struct digest *id, struct fs_state *st);
/* Whether the object was known to be good since this machine was started. */
bool state_seen_since_boot(struct state *s, const struct digest *id);

/* Views for the store and for programs; borrowed until state_close(). */
const struct store_memory *state_store_memory(struct state *s);
const struct program_memory *state_program_memory(struct state *s);

#endif
