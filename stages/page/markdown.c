#include "page/markdown.h"

#include <cmark.h>

#include "larder/mem.h"

#include "larder/banned.h"

struct rendering {
    struct markdown *m;
    const char *path;
    markdown_resolve *resolve;
    void *self;
};

/* The text below a node, without its marks. */
static void add_plain(struct buf *to, cmark_node *node)
{
    cmark_iter *i = cmark_iter_new(node);
    cmark_event_type event;

    while ((event = cmark_iter_next(i)) != CMARK_EVENT_DONE) {
        cmark_node *n = cmark_iter_get_node(i);
        cmark_node_type type = cmark_node_get_type(n);

        if (event != CMARK_EVENT_ENTER)
            continue;
        if (type == CMARK_NODE_TEXT || type == CMARK_NODE_CODE)
            buf_adds(to, cmark_node_get_literal(n));
        else if (type == CMARK_NODE_SOFTBREAK || type == CMARK_NODE_LINEBREAK)
            buf_addc(to, ' ');
    }
    cmark_iter_free(i);
}

/* Moves the children of a node out of it and renders them. */
static void add_children(struct buf *to, cmark_node *node)
{
    cmark_node *paragraph = cmark_node_new(CMARK_NODE_PARAGRAPH), *child;
    char *html;
    size_t n;

    while ((child = cmark_node_first_child(node)) != NULL)
        cmark_node_append_child(paragraph, child);
    html = cmark_render_html(paragraph, CMARK_OPT_DEFAULT);
    n = strlen(html);
    if (n > 8 && strncmp(html, "<p>", 3) == 0)
        buf_add(to, html + 3, n - 3 - strlen("</p>\n"));
    buf_adds(to, "");
    free(html);
    cmark_node_free(paragraph);
}

/* Puts HTML in the place of a node, which goes. */
static void replace(cmark_node *node, cmark_node_type type, const struct buf *html)
{
    cmark_node *custom = cmark_node_new(type);

    cmark_node_set_on_enter(custom, buf_str(html));
    cmark_node_insert_before(node, custom);
    cmark_node_unlink(node);
    cmark_node_free(node);
}

static int line_of(cmark_node *node)
{
    int line = 0;

    for (; node != NULL && line == 0; node = cmark_node_parent(node))
        line = cmark_node_get_start_line(node);
    return line;
}

static bool stands_alone(cmark_node *image)
{
    cmark_node *parent = cmark_node_parent(image);

    return cmark_node_get_type(parent) == CMARK_NODE_PARAGRAPH &&
           cmark_node_previous(image) == NULL && cmark_node_next(image) == NULL;
}

static int fill_reference(const struct rendering *r, cmark_node *image, struct error *err)
{
    const char *target = cmark_node_get_url(image), *colon = strchr(target, ':');
    struct buf kind = { 0 }, name = { 0 }, alt = { 0 }, caption = { 0 }, html = { 0 };
    struct reference reference = { .block = stands_alone(image) };
    int line = line_of(image), rc;

    if (colon == NULL)
        return error_set(
            err, E_INPUT,
            "%s:%d: an image must be KIND:NAME, as figure:NAME; this is \"%s\"", r->path,
            line, target);
    buf_add(&kind, target, (size_t)(colon - target));
    buf_adds(&name, colon + 1);
    add_plain(&alt, image);
    add_children(&caption, image);
    reference.kind = buf_str(&kind);
    reference.name = buf_str(&name);
    reference.alt = buf_str(&alt);
    reference.caption = buf_str(&caption);
    rc = r->resolve(r->self, &reference, &html, err);
    if (rc < 0)
        error_context(err, "%s:%d", r->path, line);
    else if (reference.block)
        replace(cmark_node_parent(image), CMARK_NODE_CUSTOM_BLOCK, &html);
    else
        replace(image, CMARK_NODE_CUSTOM_INLINE, &html);
    buf_release(&kind);
    buf_release(&name);
    buf_release(&alt);
    buf_release(&caption);
    buf_release(&html);
    return rc;
}

static int fill_references(const struct rendering *r, cmark_node *document,
                           struct error *err)
{
    cmark_iter *i = cmark_iter_new(document);
    cmark_node **image = NULL;
    cmark_event_type event;
    size_t n = 0, cap = 0;
    int rc = 0;

    while ((event = cmark_iter_next(i)) != CMARK_EVENT_DONE) {
        cmark_node *node = cmark_iter_get_node(i);

        if (event != CMARK_EVENT_ENTER || cmark_node_get_type(node) != CMARK_NODE_IMAGE)
            continue;
        GROW(image, n + 1, cap);
        image[n++] = node;
    }
    cmark_iter_free(i);
    for (size_t k = 0; rc == 0 && k < n; k++)
        rc = fill_reference(r, image[k], err);
    free(image);
    return rc;
}

/* Gives each heading of level 2 an anchor and lists it. */
static void number_headings(struct markdown *m, cmark_node *document)
{
    int number = 0;

    for (cmark_node *n = cmark_node_first_child(document); n != NULL;
         n = cmark_node_next(n)) {
        struct buf anchor = { 0 }, text = { 0 };
        cmark_node *custom;

        if (cmark_node_get_type(n) != CMARK_NODE_HEADING)
            continue;
        add_plain(&text, n);
        if (cmark_node_get_heading_level(n) == 1 && m->title.len == 0)
            buf_adds(&m->title, buf_str(&text));
        if (cmark_node_get_heading_level(n) == 2) {
            custom = cmark_node_new(CMARK_NODE_CUSTOM_INLINE);
            buf_printf(&anchor, "<span id=\"h-%d\"></span>", ++number);
            cmark_node_set_on_enter(custom, buf_str(&anchor));
            cmark_node_prepend_child(n, custom);
            buf_printf(&m->contents, "<li><a href=\"#h-%d\">", number);
            buf_add_html(&m->contents, buf_str(&text));
            buf_adds(&m->contents, "</a></li>\n");
        }
        buf_release(&anchor);
        buf_release(&text);
    }
}

int markdown_render(struct markdown *m, const struct buf *text, const char *path,
                    markdown_resolve *resolve, void *self, struct error *err)
{
    struct rendering r = { m, path, resolve, self };
    cmark_node *document = cmark_parse_document(buf_str(text), text->len,
                                                CMARK_OPT_DEFAULT | CMARK_OPT_SMART |
                                                    CMARK_OPT_VALIDATE_UTF8);
    char *html;
    int rc;

    number_headings(m, document);
    rc = fill_references(&r, document, err);
    if (rc == 0) {
        html = cmark_render_html(document, CMARK_OPT_DEFAULT);
        buf_adds(&m->html, html);
        free(html);
    }
    cmark_node_free(document);
    return rc;
}

void markdown_release(struct markdown *m)
{
    buf_release(&m->html);
    buf_release(&m->title);
    buf_release(&m->contents);
}
