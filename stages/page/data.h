/*
 * data - a TSV as an HTML table, as it is.
 *
 * A column called `from` holds digests: they become links to the steps that made them.
 * Other words stay; in the header `_` is shown as a space. A column without any word is
 * left out. Long tables scroll, except those with a column `verdict`.
 */
#ifndef PAGE_DATA_H
#define PAGE_DATA_H

#include "page/items.h"
#include "page/provenance.h"

/* caption is HTML. */
void data_add_table(struct buf *to, const struct tsv *t, const struct page_item *item,
                    const char *caption, const struct provenance *p);
/* Is this a file of paired comparisons (table/pairs.h)? Then each row is one. */
bool data_is_comparisons(const struct tsv *t);
/* The number of distinct values in a column. */
size_t data_distinct(const struct tsv *t, int column);

#endif
