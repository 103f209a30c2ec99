/*
 * facts - what the sources of a plan are: their digests and where their bytes lie.
 *
 * A pinned source is known by its pin alone; its file is looked for only when a step that
 * reads it must run. A candidate with other bytes than the pin is passed over. An import
 * whose pinned object the store already has needs no file, and nothing is asked of the
 * network for it. What is pinned by less than its digest is locked when it is first
 * found.
 */
#ifndef LARDER_FACTS_H
#define LARDER_FACTS_H

#include "larder/digest.h"
#include "larder/error.h"
#include "larder/fs.h"
#include "larder/record.h"
#include "larder/store.h"
#include "plan.h"
#include "state.h"

struct facts;
struct say;

enum { FACTS_KNOWN = 0, FACTS_ABROAD = 1 };

/* Where the bytes of a source are. */
struct located {
    struct object object;
    const char *path;      /* of the user's file, or NULL: an object of the store */
    struct fs_state state; /* of that file or folder when it was read */
    bool young;            /* changed so shortly before that it must be read again */
};

/* *f is new: facts_free(). All arguments are borrowed until then. */
void facts_new(struct facts **f, const struct plan *plan, struct state *state,
               struct store *store);
void facts_free(struct facts *f); /* NULL is fine */

/* From here on imports are fetched, which is told to say, and larder.lock is written:
 * what a run may do, and what those that only look may not. */
void facts_allow_fetch(struct facts *f, const struct say *say);

/* What a key needs: of a pinned source its pin (size -1 when not said), else the digest
 * of the first candidate that exists and fits. FACTS_KNOWN; FACTS_ABROAD when it would
 * have to be fetched and that is not allowed; or an error. */
int facts_identify(struct facts *f, const struct source *s, struct object *o,
                   struct error *err);
/* The file, folder or object with exactly those bytes, fetched if need be; *l is borrowed
 * until facts_free(). E_INPUT tells every place that was looked at and what is there.
 * FACTS_ABROAD as above. */
int facts_find(struct facts *f, const struct source *s, const struct located **l,
               struct error *err);
/* The same of one that may be fetched or is known not to need it. */
int facts_locate(struct facts *f, const struct source *s, const struct located **l,
                 struct error *err);
/* Whether it can be expected to be there, by a look that reads and fetches nothing: 0, or
 * E_INPUT like facts_locate(). */
int facts_seek(struct facts *f, const struct source *s, struct error *err);
/* Whether an import seems to be on this machine, in a place of its own or in the store,
 * by a look that reads and fetches nothing. */
bool facts_is_here(struct facts *f, const struct source *s);
/* After a step has read it: E_INPUT when the file is not what it was. */
int facts_confirm(struct facts *f, const struct source *s, struct error *err);

/* The digest of an executable: FS_FOUND, FS_ABSENT or an error. */
int facts_executable(struct facts *f, const char *path, struct digest *d,
                     struct error *err);

/* Told of a path: its state vouches for what was read there; NULL: that nothing is there
 * does. */
typedef void facts_tell(void *self, const char *path, const struct fs_state *state);
/* Whether a source was located, or is pinned: what vouches for it is then told. A file
 * that is too young is told with an all-zero state, which no file has. */
bool facts_vouch(struct facts *f, const struct source *s, facts_tell *tell, void *self);
/* The same for all executables asked for. */
void facts_vouch_executables(struct facts *f, facts_tell *tell, void *self);

#endif
