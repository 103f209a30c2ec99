/*
 * believe - which records of a key count in this project, and which one is used.
 *
 * A record counts that was made here, or is signed by a key that is trusted with the
 * stage, if as many trusted keys stand for its outputs as larder.trust asks for (`k`): by
 * records with the same outputs, or by attestations. Used is the one that this project
 * used last; else one that was made here; else the one that most keys stand for; else the
 * lowest digest. Where records that others signed would be used and are not the same,
 * they must at least agree within the tolerance of the recipe's comparators.
 */
#ifndef LARDER_BELIEVE_H
#define LARDER_BELIEVE_H

#include <stddef.h>

#include "larder/buf.h"
#include "larder/error.h"
#include "larder/record.h"
#include "session.h"
#include "work.h"

enum { BELIEVED = 0, BELIEVE_DISSENT = 1 };

/* Sorts the n records of w's key: the *n_good that count come first, and of these the one
 * to be used. w->doubt says why others do not. BELIEVE_DISSENT when trusted keys disagree
 * and nothing decides between them: *err, E_CORRUPT, names them. */
int believe(struct session *s, struct work *w, struct record **rec, size_t n,
            size_t *n_good, struct error *err);

#endif
