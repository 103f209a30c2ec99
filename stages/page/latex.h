/*
 * latex - a table for a paper: a `tabular` with the lines of the package booktabs.
 *
 * Each value with its interval beneath, in small print, and the published number where
 * there is one. It needs \usepackage{booktabs} and nothing else.
 */
#ifndef PAGE_LATEX_H
#define PAGE_LATEX_H

#include "larder/buf.h"
#include "table/table.h"

/* name: what the comment in its first line calls it. */
void latex_add_table(struct buf *to, const struct table *t, const char *name);

#endif
