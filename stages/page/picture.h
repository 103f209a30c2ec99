/*
 * picture - a figure file as HTML: the picture itself inside the page.
 */
#ifndef PAGE_PICTURE_H
#define PAGE_PICTURE_H

#include "page/items.h"
#include "page/provenance.h"

/* "png" or "svg", by the file's first bytes; NULL for anything else. */
const char *picture_kind(const struct buf *bytes);

/* caption is HTML, alt plain text. *room is how many bytes the page may still grow: a
 * picture that needs more is not embedded but linked, and then lies beside the page. */
int picture_add(struct buf *to, const struct page_item *item, const char *caption,
                const char *alt, const struct provenance *p, size_t *room,
                struct error *err);

#endif
