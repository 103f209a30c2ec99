/*
 * page - a report as one HTML file, and what it shows as files beside it.
 *
 * The text is Markdown (docs/report.md); tables, figures and data come in by name. The
 * page holds only what follows from its inputs, so equal inputs give equal bytes: no
 * time, no machine. It needs no network and no script.
 */
#ifndef PAGE_PAGE_H
#define PAGE_PAGE_H

#include "page/items.h"
#include "page/provenance.h"
#include "table/table.h"

enum { PAGE_BYTES = 12 * 1000 * 1000 }; /* what index.html may weigh */

/* Paths; any but text may be NULL. */
struct page_inputs {
    const char *text, *tables, *figures, *data, *provenance;
};

/* All-zero is empty. */
struct page {
    struct items tables, figures, data;
    struct table *table; /* of tables.item[i] */
    struct tsv *tsv;     /* of data.item[i] */
    struct provenance provenance;
    size_t most; /* bytes that index.html may weigh: PAGE_BYTES, once it is read */
    size_t room; /* those that pictures may still take */
};

int page_read(struct page *p, const struct page_inputs *in, struct error *err);
void page_release(struct page *p);
/* Writes index.html and the folders tables, figures and data into the folder. */
int page_write(struct page *p, const char *text, const char *folder, struct error *err);

#endif
