/*
 * origin - steps and sources as HTML, linked to each other.
 *
 * On the page a step is `#k-` and the first 16 digits of its key, and it links to the
 * same place in run.html, which has what differs between runs: machine, cost, time, log.
 * A source is `#s-` and the first 16 digits of its digest.
 */
#ifndef PAGE_ORIGIN_H
#define PAGE_ORIGIN_H

#include "page/provenance.h"

/* A digest in full, for copying; the style shortens what is seen. */
void origin_add_digest(struct buf *to, const char *hex);
/* The name of a step, linked to its description on the page. */
void origin_add_link(struct buf *to, const struct origin *o);
/* The same where there is no room: a number, with the name as its title. */
void origin_add_short_link(struct buf *to, const struct origin *o, size_t number);
/* The same for a source; false when no step read a source of this digest. */
bool origin_add_short_source(struct buf *to, const struct provenance *p, const char *hex,
                             size_t number);
/* Links to every step that made a file of this digest, joined by commas; the digest
 * itself where no step is known. */
void origin_add_makers(struct buf *to, const struct provenance *p, const char *hex);
/* Key, program, options, seed and inputs of a step as a description list; with_outputs:
 * its outputs too. */
void origin_add_facts(struct buf *to, const struct provenance *p, const struct origin *o,
                      bool with_outputs);
/* Every step in order, then every source. */
void origin_add_all(struct buf *to, const struct provenance *p);

#endif
