/*
 * cards - a table as HTML, and for each of its cells a card that says where it comes
 * from.
 *
 * A table is `#t-SLUG`; the card of its second row and third column is `#c-SLUG-2-3`.
 */
#ifndef PAGE_CARDS_H
#define PAGE_CARDS_H

#include "page/items.h"
#include "page/provenance.h"
#include "table/table.h"

/* caption is HTML. */
void cards_add_table(struct buf *to, const struct table *t, const struct page_item *item,
                     const char *caption, const struct provenance *p);
/* The cards of all its cells. */
void cards_add_cells(struct buf *to, const struct table *t, const struct page_item *item,
                     const struct provenance *p);
/* One value for running text, linked to its card. E_INPUT when there is no such cell. */
int cards_add_value(struct buf *to, const struct table *t, const struct page_item *item,
                    const char *row, const char *column, struct error *err);

#endif
