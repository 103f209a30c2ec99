/*
 * markdown - the text of a page (CommonMark) to HTML, with references filled in.
 *
 * A reference is an image whose target is KIND:NAME. As the only thing in its paragraph
 * it becomes a block, inside a line a word; its description is the caption. Raw HTML is
 * left out, and so are links that could run something.
 */
#ifndef PAGE_MARKDOWN_H
#define PAGE_MARKDOWN_H

#include <stdbool.h>

#include "larder/buf.h"
#include "larder/error.h"

/* Everything is borrowed during the call. */
struct reference {
    const char *kind, *name; /* of "table:table-1": "table" and "table-1" */
    const char *caption;     /* HTML */
    const char *alt;         /* the same as plain text */
    bool block;              /* it stands alone in its paragraph */
};

/* Appends what stands for the reference. */
typedef int markdown_resolve(void *self, const struct reference *r, struct buf *html,
                             struct error *err);

/* All-zero is empty. */
struct markdown {
    struct buf html;
    struct buf title;    /* of the first heading of level 1, plain text */
    struct buf contents; /* a list item for each heading of level 2, HTML */
};

/* Fills an empty *m. path is for messages, which begin with path and line. */
int markdown_render(struct markdown *m, const struct buf *text, const char *path,
                    markdown_resolve *resolve, void *self, struct error *err);
void markdown_release(struct markdown *m);

#endif
