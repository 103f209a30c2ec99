/*
 * refer - what the references of a page stand for (docs/report.md).
 *
 *   table:NAME   figure:NAME   data:NAME          blocks
 *   graph:plan                                    a block: the stages behind the page
 *   value:NAME/ROW/COLUMN                         a table's number, in the text
 *   count:NAME                                    rows of a data item
 *   count:NAME/COLUMN                             its distinct values in a column
 *   count:NAME/COLUMN=VALUE                       rows that have this one
 */
#ifndef PAGE_REFER_H
#define PAGE_REFER_H

#include "page/markdown.h"
#include "page/page.h"

/* A markdown_resolve; self is the page. */
int refer_resolve(void *self, const struct reference *r, struct buf *html,
                  struct error *err);

#endif
