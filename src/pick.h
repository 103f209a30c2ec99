/*
 * pick - what a word on the command line picks of the results: all of some steps, an
 * output, a file in one, or a cell of a table.
 *
 *   TARGET  STAGE  STEP  STEP.OUTPUT  STEP.OUTPUT/FILE  STEP.OUTPUT[row=A]:value
 *   STEP.OUTPUT/FILE[row=A]:value
 */
#ifndef LARDER_PICK_H
#define LARDER_PICK_H

#include "session.h"

struct pick {
    const struct step *step;
    int output;       /* -1: all of them */
    const char *path; /* of a file in it, or NULL */
    const char *cell; /* "[row=A]:value" (cell.h), or NULL */
    const char *word; /* in which it was said; borrowed from the command line */
};

struct picks { /* all-zero is none; free(list) */
    struct pick *list;
    size_t n, cap;
};

/* Adds what the words pick, and chooses the steps, of an open session. No words: the
 * default target, else everything. E_USAGE with the nearest name. */
int picks_read(struct picks *p, struct session *s, const char *const *word, size_t n,
               struct error *err);

#endif
