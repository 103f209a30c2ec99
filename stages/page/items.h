/*
 * items - what a page may show, by name: the entries of a list input.
 *
 * An item is called by the stage that made it, and where that has several, by the axis
 * values too: `table-1`, `train@kind=S`, `train@arch=alexnet,kind=S`. A file of the
 * user's is called by its name without folder and ending: `./tried.tsv` is `tried`; an
 * import by what follows `import.`. A list of one stage's items alone does not say which
 * stage that is: then the provenance tells it, by the digest of the file.
 */
#ifndef PAGE_ITEMS_H
#define PAGE_ITEMS_H

#include <stdbool.h>

#include "kit/manifest.h"
#include "larder/digest.h"
#include "page/provenance.h"

struct page_item {
    const char *path;     /* borrowed from the manifest */
    char *name;           /* in full: stage and every axis that it has */
    char *slug;           /* letters, digits, - and _ only; distinct within the list */
    struct digest digest; /* of the file */
    bool shown, quoted;   /* for whoever writes the page: whole, or a number of it */
};

/* All-zero is empty. */
struct items {
    const char *kind; /* "table": what the page calls them */
    struct manifest manifest;
    struct page_item *item;
    size_t n;
};

/* manifest NULL: no items. kind is borrowed. */
int items_read(struct items *l, const char *kind, const char *manifest,
               const struct provenance *p, struct error *err);
void items_release(struct items *l);
/* The place of the one item that the name means; E_INPUT when it means none, with the
 * nearest name, or several, with all of them. */
int items_find(const struct items *l, const char *name, size_t *place, struct error *err);

#endif
