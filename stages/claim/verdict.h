/*
 * verdict - one claim judged by the evidence of a run.
 *
 * A claim is data (docs/claims.md): formulas for its numbers, one that says when it is
 * true, and the numbers that were published. It
 *   holds       when it is true, and stays so for all values inside the intervals,
 *   is unsure   when it is true, but the intervals overlap,
 *   fails       when it is not true,
 *   is not judged when it has no such formula or this run lacks what it needs.
 * Where the evidence swaps a word, as S for S-matched, a claim that speaks of it must
 * hold in both readings, and the worse verdict counts.
 */
#ifndef CLAIM_VERDICT_H
#define CLAIM_VERDICT_H

#include <stdbool.h>

#include "claim/evidence.h"

enum verdict { VERDICT_HOLDS, VERDICT_UNSURE, VERDICT_FAILS, VERDICT_NOT_JUDGED };

extern const char *const verdict_word[]; /* "holds", "unsure", "fails", "not judged" */

/* Texts are borrowed. */
struct claim {
    const char *value;  /* formulas, joined by ';', or "" */
    const char *judge;  /* a formula, or "" */
    const char *paper;  /* numbers, joined by ';', or "" */
    const char *within; /* how far from them is near: "0.5", "5%", or "" */
    bool once;          /* there is no second reading of it; note says why */
    const char *note;
};

/* All-zero is empty. */
struct judged {
    enum verdict verdict;
    struct buf value;  /* numbers, joined by "; "; a single one with its interval */
    struct buf differ; /* value less paper, joined by ';' */
    struct buf near;   /* "yes", "no", or "" where there is nothing to compare */
    struct buf why;
    struct buf from; /* digests of files */
};

struct verdict_options {
    const char *from, *to; /* a word that is swapped for a second reading, or NULL */
    bool compare;          /* with the published numbers */
};

/* Fills an empty *j. E_INPUT for a formula or a name that is wrong. */
int verdict_judge(struct judged *j, const struct claim *c, struct evidence *e,
                  const struct verdict_options *o, struct error *err);
void judged_release(struct judged *j);

#endif
