/*
 * shell - texts as the shell reads them.
 */
#ifndef LARDER_SHELL_H
#define LARDER_SHELL_H

#include "larder/buf.h"

/* Appends a text as one word: itself, or in single quotes where that is needed. */
void shell_add_word(struct buf *to, const char *s);

#endif
