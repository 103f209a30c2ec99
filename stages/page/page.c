#include "page/page.h"

#include "larder/fs.h"
#include "larder/mem.h"
#include "page/cards.h"
#include "page/data.h"
#include "page/latex.h"
#include "page/markdown.h"
#include "page/origin.h"
#include "page/picture.h"
#include "page/refer.h"
#include "page/style.h"

#include "larder/banned.h"

int page_read(struct page *p, const struct page_inputs *in, struct error *err)
{
    int rc;

    *p = (struct page){ .most = PAGE_BYTES };
    rc = provenance_read(&p->provenance, in->provenance, err);
    if (rc == 0)
        rc = items_read(&p->tables, "table", in->tables, &p->provenance, err);
    if (rc == 0)
        rc = items_read(&p->figures, "figure", in->figures, &p->provenance, err);
    if (rc == 0)
        rc = items_read(&p->data, "data", in->data, &p->provenance, err);
    p->table = xcalloc(p->tables.n + 1, sizeof *p->table);
    p->tsv = xcalloc(p->data.n + 1, sizeof *p->tsv);
    for (size_t i = 0; rc == 0 && i < p->tables.n; i++)
        rc = table_read(&p->table[i], p->tables.item[i].path, err);
    for (size_t i = 0; rc == 0 && i < p->data.n; i++)
        rc = tsv_read(&p->tsv[i], p->data.item[i].path, err);
    if (rc < 0)
        page_release(p);
    return rc;
}

void page_release(struct page *p)
{
    for (size_t i = 0; i < p->tables.n; i++)
        table_release(&p->table[i]);
    for (size_t i = 0; i < p->data.n; i++)
        tsv_release(&p->tsv[i]);
    free(p->table);
    free(p->tsv);
    items_release(&p->tables);
    items_release(&p->figures);
    items_release(&p->data);
    provenance_release(&p->provenance);
    *p = (struct page){ 0 };
}

/* Copies what came in to FOLDER/KIND/SLUG.ENDING; ending NULL: by what the file is. */
static int copy_items(const struct items *l, const char *folder, const char *kind,
                      const char *ending, struct error *err)
{
    struct buf path = { 0 }, bytes = { 0 };
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < l->n; i++) {
        const char *picture;

        buf_reset(&path);
        buf_printf(&path, "%s/%s", folder, kind);
        rc = fs_mkdirs(buf_str(&path), err);
        if (rc < 0)
            break;
        buf_reset(&bytes);
        rc = fs_read(l->item[i].path, &bytes, err);
        if (rc < 0)
            break;
        picture = ending == NULL ? picture_kind(&bytes) : NULL;
        buf_printf(&path, "/%s.%s", l->item[i].slug,
                   ending != NULL    ? ending
                   : picture != NULL ? picture
                                     : "bin");
        rc = fs_write(buf_str(&path), buf_str(&bytes), bytes.len, false, err);
    }
    buf_release(&path);
    buf_release(&bytes);
    return rc;
}

/* The tables as LaTeX, beside the TSV that came in. */
static int write_latex(const struct page *p, const char *folder, struct error *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < p->tables.n; i++) {
        struct buf path = { 0 }, text = { 0 };

        buf_printf(&path, "%s/tables/%s.tex", folder, p->tables.item[i].slug);
        latex_add_table(&text, &p->table[i], p->tables.item[i].name);
        rc = fs_write(buf_str(&path), buf_str(&text), text.len, false, err);
        buf_release(&path);
        buf_release(&text);
    }
    return rc;
}

static size_t count_comparisons(const struct page *p)
{
    size_t n = 0;

    for (size_t i = 0; i < p->data.n; i++)
        if (p->data.item[i].shown && data_is_comparisons(&p->tsv[i]))
            n += p->tsv[i].n_rows;
    return n;
}

static void add_caveats(struct buf *to, const struct page *p)
{
    size_t n = count_comparisons(p);

    buf_adds(
        to,
        "<h2 id=\"numbers\">How to read the numbers</h2>\n<p>Beneath a share stand its "
        "count and its 95&nbsp;% interval (Wilson), which says how far another draw of "
        "pictures could move it. <b>No interval on this page covers training a network "
        "again.</b> Two networks that saw the same pictures are compared picture by "
        "picture (McNemar’s test, mid-p). ");
    if (n > 0)
        buf_printf(
            to,
            "The page shows %zu such comparison%s; if none of them had anything behind "
            "it, about %.1f would still come out below p&nbsp;=&nbsp;0.05.",
            n, n == 1 ? "" : "s", 0.05 * (double)n);
    buf_adds(to, "</p>\n");
}

static void add_origins(struct buf *to, const struct page *p)
{
    buf_adds(
        to,
        "<div class=\"origins\">\n<h2 id=\"origins\">Where each number comes from</h2>\n"
        "<p>One entry a number: the program, its options and its inputs. From a step a "
        "link leads to the steps of its inputs, down to the sources; another to "
        "<a href=\"run.html\">run.html</a> beside this page, which has what differs from "
        "run to run: machine, cost, time and log.</p>\n");
    for (size_t i = 0; i < p->tables.n; i++)
        if (p->tables.item[i].shown)
            cards_add_cells(to, &p->table[i], &p->tables.item[i], &p->provenance);
    if (p->provenance.n > 0) {
        buf_adds(to, "<h2 id=\"steps\">Every step</h2>\n");
        origin_add_all(to, &p->provenance);
    }
    buf_adds(to, "</div>\n");
}

static void add_document(struct buf *to, const struct page *p, const struct markdown *m)
{
    buf_adds(to,
             "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
             "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
             "style-src 'unsafe-inline'; img-src data: 'self' file:\">\n<title>");
    buf_add_html(to, m->title.len > 0 ? buf_str(&m->title) : "Report");
    buf_printf(to, "</title>\n<style>\n%s%s</style>\n</head>\n<body>\n", style_text,
               style_origins);
    buf_printf(to, "<nav aria-label=\"Contents\"><ol>\n%s", buf_str(&m->contents));
    buf_adds(to, "<li><a href=\"#numbers\">How to read the numbers</a></li>\n"
                 "<li><a href=\"#origins\">Where each number comes from</a></li>\n");
    if (p->provenance.n > 0)
        buf_adds(to, "<li><a href=\"#steps\">Every step</a></li>\n");
    buf_printf(to, "</ol></nav>\n<main>\n%s", buf_str(&m->html));
    add_caveats(to, p);
    buf_adds(to, "</main>\n");
    add_origins(to, p);
    buf_adds(to, "</body>\n</html>\n");
}

/* A quoted number links to its card, and that back to its table. */
static int check_quotes(const struct page *p, const char *text, struct error *err)
{
    for (size_t i = 0; i < p->tables.n; i++)
        if (p->tables.item[i].quoted && !p->tables.item[i].shown)
            return error_set(
                err, E_INPUT,
                "%s: quotes a value of table %s but does not show that table", text,
                p->tables.item[i].name);
    return 0;
}

static void forget_items(struct items *l)
{
    for (size_t i = 0; i < l->n; i++)
        l->item[i].shown = l->item[i].quoted = false;
}

/* The whole page with so much room for pictures; html is empty. */
static int render(struct page *p, const struct buf *markdown, const char *text,
                  size_t room, struct buf *html, struct error *err)
{
    struct markdown m = { 0 };
    int rc;

    p->room = room;
    forget_items(&p->tables);
    forget_items(&p->figures);
    forget_items(&p->data);
    rc = markdown_render(&m, markdown, text, refer_resolve, p, err);
    if (rc == 0)
        rc = check_quotes(p, text, err);
    if (rc == 0)
        add_document(html, p, &m);
    markdown_release(&m);
    return rc;
}

int page_write(struct page *p, const char *text, const char *folder, struct error *err)
{
    struct buf markdown = { 0 }, html = { 0 }, path = { 0 };
    size_t rest;
    int rc;

    rc = fs_read(text, &markdown, err);
    if (rc < 0)
        goto out;
    /* Without pictures, to know what they may take; then with them. */
    rc = render(p, &markdown, text, 0, &html, err);
    if (rc < 0)
        goto out;
    rest = html.len < p->most ? p->most - html.len : 0;
    buf_reset(&html);
    rc = render(p, &markdown, text, rest, &html, err);
    if (rc < 0)
        goto out;
    rc = fs_mkdirs(folder, err);
    if (rc < 0)
        goto out;
    rc = copy_items(&p->tables, folder, "tables", "tsv", err);
    if (rc < 0)
        goto out;
    rc = write_latex(p, folder, err);
    if (rc < 0)
        goto out;
    rc = copy_items(&p->figures, folder, "figures", NULL, err);
    if (rc < 0)
        goto out;
    rc = copy_items(&p->data, folder, "data", "tsv", err);
    if (rc < 0)
        goto out;
    fs_join(&path, folder, "index.html");
    rc = fs_write(buf_str(&path), buf_str(&html), html.len, false, err);
out:
    buf_release(&path);
    buf_release(&html);
    buf_release(&markdown);
    return rc;
}
