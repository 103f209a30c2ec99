/*
 * agreement - how far two contents of one output agree, by the comparator of the output.
 *
 * Of texts a comparator looks at the numbers in them, and at all else as bytes; of a TSV
 * at cells. A number is one where it begins and ends at the edge of a word: not the
 * digits of sha256:6b1f. Two that are not the same text agree when they differ by no more
 * than abs + rel times the larger of the two.
 */
#ifndef LARDER_AGREEMENT_H
#define LARDER_AGREEMENT_H

#include <stddef.h>

#include "larder/buf.h"
#include "plan.h"

/* From the best. */
enum verdict { VERDICT_SAME, VERDICT_WITHIN, VERDICT_OTHER };

struct agreement { /* all-zero: nothing was compared yet, and all that was is the same */
    enum verdict verdict;
    size_t n;              /* numbers that were compared, */
    size_t n_differ;       /* that are not the same, */
    size_t n_beyond;       /* and that differ by more than they may */
    double most, relative; /* the largest differences, absolute and of the larger one */
    struct buf where;      /* of VERDICT_OTHER: the first thing that is another */
};

void agreement_release(struct agreement *g);

/* Adds two texts, each with a NUL behind its n bytes. how is not NULL, nor a comparator
 * of pictures or tensors. */
void agreement_of_texts(struct agreement *g, const struct comparator *how, const char *a,
                        size_t n_a, const char *b, size_t n_b);

/* Adds that something is another, unless something before was. */
void agreement_deny(struct agreement *g, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Appends "the same", "12 numbers, 3 differ, by 1.2e-07 at most, relatively 3e-06", or
 * what is another. */
void agreement_tell(const struct agreement *g, struct buf *to);

#endif
