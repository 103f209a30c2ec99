/*
 * graph - the plan behind a page as a picture: its stages, and what each reads.
 *
 * All steps of a stage are one box, `train (6)`, a link to the first of them. A box
 * stands to the right of all that it reads. Of two ways to the same box only the longer
 * one is drawn: what is reached through others is not drawn again.
 */
#ifndef PAGE_GRAPH_H
#define PAGE_GRAPH_H

#include "larder/buf.h"
#include "page/provenance.h"

/* An SVG inside the page; caption is HTML. Nothing where no step is known. */
void graph_add(struct buf *to, const struct provenance *p, const char *caption);

#endif
