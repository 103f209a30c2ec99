/*
 * identify - the key of a step: the digests of all that it is made from, written down.
 */
#ifndef LARDER_IDENTIFY_H
#define LARDER_IDENTIFY_H

#include "larder/error.h"
#include "session.h"
#include "work.h"

enum { IDENTIFY_KEY = 0, IDENTIFY_ABROAD = 1 };

/* Once all that w needs is done: the key document and what it names, in w->key_text and
 * w->facts: IDENTIFY_KEY; IDENTIFY_ABROAD when an import must be fetched first, which is
 * then w->abroad, and only a run may do; or an error. */
int identify_key(struct session *s, struct work *w, struct error *err);
/* The digest of the program of a `run:` or `sh:` stage; E_INPUT where there is none. */
int identify_program(struct session *s, struct work *w, struct error *err);

#endif
