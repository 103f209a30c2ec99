/*
 * foot - lines at the foot of a terminal that change while a run goes on.
 *
 * What is printed goes above them. Nothing of the terminal is changed that would have to
 * be put back: the cursor stays where it is, below the foot, and a run that is killed
 * leaves its last foot as text.
 */
#ifndef LARDER_FOOT_H
#define LARDER_FOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "larder/buf.h"

struct foot { /* all-zero: there is none */
    FILE *to; /* a terminal */
    bool color;
    char **line; /* as it stands there */
    size_t n;
};

/* Whether a stream is a terminal that lines can be moved on: not where TERM says `dumb`
 * or CI is set. */
bool foot_can(FILE *to);
/* How many columns and rows the terminal has now. */
void foot_size(const struct foot *f, int *columns, int *rows);

/* Appends what takes the foot away, and what puts it back below whatever was added in
 * between. */
void foot_lift(const struct foot *f, struct buf *to);
void foot_put(const struct foot *f, struct buf *to);

/* Puts lines, which are copied and cut to the width, in the place of those there. Lines
 * behind the first are faint. None: takes the foot away. */
void foot_draw(struct foot *f, const struct buf *line, size_t n);
/* The terminal is not as we left it, as after Ctrl-Z: what stands there stays. */
void foot_forget(struct foot *f);
/* Takes the foot away. All-zero is fine. */
void foot_close(struct foot *f);

/* Cuts text to a number of columns, with `…` in the place of its middle or its end; a
 * character has one column, one of East Asia two. */
enum foot_cut { FOOT_CUT_MIDDLE, FOOT_CUT_END };
void foot_fit(struct buf *text, int columns, enum foot_cut where);

#endif
