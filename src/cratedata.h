/*
 * cratedata - the files and folders that a crate speaks of (crate.h).
 *
 * What lies in the crate is known by its path in it; anything else by the URI of its
 * digest (RFC 6920, `ni:///sha-256;...`): of a folder by that of its tree (docs/tree.md).
 */
#ifndef LARDER_CRATEDATA_H
#define LARDER_CRATEDATA_H

#include "jsonld.h"
#include "larder/map.h"
#include "session.h"

struct crate {
    struct session *s;
    const char *folder; /* where it is made */
    struct jsonld *graph;
    struct json_t *root;
    size_t n_stages; /* that were added */
    struct map here; /* "file HEX", "tree HEX" → its @id, where it lies in the crate */
    struct arena arena; /* of ids and names */
};

/* Everything that is returned is borrowed as long as the crate. */

/* The text, with the folders of the project, the cache and the user taken out of it. */
const char *crate_clean(struct crate *c, const char *text);
/* PREFIX and the encoded text: a local id. */
const char *crate_id(struct crate *c, const char *prefix, const char *text);

/* Whether the result of a step may be named at all, even by its digest. */
bool crate_may_name(const struct crate *c, const struct step *step);

/* The entity of an object, by its @id; name is used where it is new. What is private says
 * so. */
const char *crate_data(struct crate *c, const struct object *o, const char *name,
                       bool private_);
/* What stands for the result of a step that may not be named. */
const char *crate_withheld(struct crate *c, const char *name);
/* What is known of a source besides its digest: its licence, its public URL. */
void crate_source(struct crate *c, const char *id, const struct source *source);

/* Copies a whole object into the crate, at `to` in it, and describes every file; its @id
 * in *id. E_CORRUPT when its bytes are not what its name says; E_INPUT when the crate has
 * something there. */
int crate_copy(struct crate *c, const struct object *o, const char *to, const char **id,
               struct error *err);
/* Writes bytes into the crate as a file with more types than that. */
int crate_put(struct crate *c, const struct buf *bytes, const char *to, const char *types,
              const char **id, struct error *err);

#endif
