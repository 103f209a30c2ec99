#include "page/refer.h"

#include "larder/map.h"
#include "larder/mem.h"
#include "page/cards.h"
#include "page/data.h"
#include "page/graph.h"
#include "page/picture.h"

#include "larder/banned.h"

static int show_table(struct page *p, const struct reference *r, struct buf *html,
                      struct error *err)
{
    size_t i;

    if (items_find(&p->tables, r->name, &i, err) < 0)
        return E_INPUT;
    cards_add_table(html, &p->table[i], &p->tables.item[i], r->caption, &p->provenance);
    p->tables.item[i].shown = true;
    return 0;
}

static int show_figure(struct page *p, const struct reference *r, struct buf *html,
                       struct error *err)
{
    size_t i;
    int rc;

    if (items_find(&p->figures, r->name, &i, err) < 0)
        return E_INPUT;
    rc = picture_add(html, &p->figures.item[i], r->caption, r->alt, &p->provenance,
                     &p->room, err);
    p->figures.item[i].shown = true;
    return rc;
}

static int show_data(struct page *p, const struct reference *r, struct buf *html,
                     struct error *err)
{
    size_t i;

    if (items_find(&p->data, r->name, &i, err) < 0)
        return E_INPUT;
    data_add_table(html, &p->tsv[i], &p->data.item[i], r->caption, &p->provenance);
    p->data.item[i].shown = true;
    return 0;
}

/* NAME/ROW/COLUMN. A name has no slash. */
static int quote_value(struct page *p, const struct reference *r, struct buf *html,
                       struct error *err)
{
    char *name = xstrdup(r->name), *row = strchr(name, '/'), *column;
    size_t i;
    int rc;

    column = row != NULL ? strchr(row + 1, '/') : NULL;
    if (column == NULL) {
        rc = error_set(err, E_INPUT, "value:%s is not value:TABLE/ROW/COLUMN", r->name);
        goto out;
    }
    *row++ = '\0';
    *column++ = '\0';
    rc = items_find(&p->tables, name, &i, err);
    if (rc < 0)
        goto out;
    rc = cards_add_value(html, &p->table[i], &p->tables.item[i], row, column, err);
    p->tables.item[i].quoted = true;
out:
    free(name);
    return rc;
}

/* How many rows have the value in the column. */
static size_t count_rows(const struct tsv *t, int column, const char *value)
{
    size_t n = 0;

    for (size_t row = 0; row < t->n_rows; row++)
        n += strcmp(tsv_get(t, row, column), value) == 0;
    return n;
}

/* NAME, NAME/COLUMN or NAME/COLUMN=VALUE. */
static int quote_count(struct page *p, const struct reference *r, struct buf *html,
                       struct error *err)
{
    char *name = xstrdup(r->name), *column = strchr(name, '/'), *value;
    size_t i;
    int rc, at;

    if (column != NULL)
        *column++ = '\0';
    value = column != NULL ? strchr(column, '=') : NULL;
    if (value != NULL)
        *value++ = '\0';
    rc = items_find(&p->data, name, &i, err);
    if (rc < 0)
        goto out;
    if (column == NULL) {
        buf_printf(html, "%zu", p->tsv[i].n_rows);
        goto out;
    }
    rc = at = tsv_column(&p->tsv[i], column, err);
    if (rc >= 0)
        buf_printf(html, "%zu",
                   value != NULL ? count_rows(&p->tsv[i], at, value)
                                 : data_distinct(&p->tsv[i], at));
out:
    free(name);
    return rc < 0 ? rc : 0;
}

static int show_graph(struct page *p, const struct reference *r, struct buf *html,
                      struct error *err)
{
    if (strcmp(r->name, "plan") != 0)
        return error_set(err, E_INPUT, "there is no graph \"%s\"; there is graph:plan",
                         r->name);
    graph_add(html, &p->provenance, r->caption);
    return 0;
}

static const struct {
    const char *kind;
    bool block;
    int (*resolve)(struct page *p, const struct reference *r, struct buf *html,
                   struct error *err);
} kinds[] = {
    { "table", true, show_table },   { "figure", true, show_figure },
    { "data", true, show_data },     { "graph", true, show_graph },
    { "value", false, quote_value }, { "count", false, quote_count },
};

enum { KINDS = sizeof kinds / sizeof *kinds };

static int unknown_kind(const struct reference *r, struct error *err)
{
    const char *name[KINDS], *near;

    for (size_t i = 0; i < KINDS; i++)
        name[i] = kinds[i].kind;
    near = nearest_name(r->kind, name, KINDS);
    return error_set(err, E_INPUT,
                     "there is no \"%s:\"; there are table, figure, data, graph, value "
                     "and count%s%s%s",
                     r->kind, near != NULL ? "; did you mean \"" : "",
                     near != NULL ? near : "", near != NULL ? ":\"?" : "");
}

int refer_resolve(void *self, const struct reference *r, struct buf *html,
                  struct error *err)
{
    for (size_t i = 0; i < KINDS; i++) {
        if (strcmp(kinds[i].kind, r->kind) != 0)
            continue;
        if (kinds[i].block && !r->block)
            return error_set(err, E_INPUT, "%s:%s must be alone in its paragraph",
                             r->kind, r->name);
        if (kinds[i].block || !r->block)
            return kinds[i].resolve(self, r, html, err);
        buf_adds(html, "<p>");
        if (kinds[i].resolve(self, r, html, err) < 0)
            return E_INPUT;
        buf_adds(html, "</p>\n");
        return 0;
    }
    return unknown_kind(r, err);
}
