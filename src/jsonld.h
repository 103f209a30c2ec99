/*
 * jsonld - a flat JSON-LD graph of entities that are known by their "@id".
 *
 * Entities and their properties are written in the order in which they were added, so
 * equal calls give equal bytes. Texts that are not UTF-8 are written escaped.
 */
#ifndef LARDER_JSONLD_H
#define LARDER_JSONLD_H

#include <stdbool.h>

#include "larder/buf.h"

struct jsonld;
struct json_t; /* an entity, borrowed until jsonld_free() */

struct jsonld *jsonld_new(void);
void jsonld_free(struct jsonld *g); /* NULL is fine */

/* The entity, added if there is none. types: one, or several with blanks between; they
 * count when it is added, which *added tells (may be NULL). */
struct json_t *jsonld_entity(struct jsonld *g, const char *id, const char *types,
                             bool *added);
bool jsonld_has(const struct json_t *entity, const char *property);
bool jsonld_is(const struct json_t *entity, const char *property, const char *text);
/* Sets a property to a text. */
void jsonld_set(struct json_t *entity, const char *property, const char *text);
/* Adds a text to those that a property has, unless it has it. */
void jsonld_add(struct json_t *entity, const char *property, const char *text);
/* Adds a reference to those that a property has, unless it has it. */
void jsonld_refer(struct json_t *entity, const char *property, const char *id);
/* The same where the caller knows that it is new. */
void jsonld_refer_new(struct json_t *entity, const char *property, const char *id);

/* Appends the document; contexts: URLs with blanks between. */
void jsonld_write(const struct jsonld *g, const char *contexts, struct buf *to);

/* Appends text as a part of a URI: all but letters, digits and -._~/@=,+ as %XX. */
void jsonld_add_encoded(struct buf *to, const char *text);

#endif
