#include "page/cards.h"

#include "larder/map.h"
#include "page/origin.h"

#include "larder/banned.h"

enum { FULL_RECORDS = 3 }; /* of a cell, that are described in its card */

/* The unit that all cells share, or NULL. */
static const char *common_unit(const struct table *t)
{
    for (size_t i = 1; i < t->n; i++)
        if (strcmp(t->cell[i].unit, t->cell[0].unit) != 0)
            return NULL;
    return t->n > 0 ? t->cell[0].unit : NULL;
}

static bool has_intervals(const struct table *t)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->cell[i].low[0] != '\0')
            return true;
    return false;
}

/* n, or k of n. */
static void add_count(struct buf *to, const struct table_cell *c)
{
    if (c->k[0] != '\0') {
        buf_add_html(to, c->k);
        buf_adds(to, " of ");
        buf_add_html(to, c->n);
    } else if (c->n[0] != '\0') {
        buf_adds(to, "n = ");
        buf_add_html(to, c->n);
    }
}

static void add_interval(struct buf *to, const struct table_cell *c)
{
    buf_add_html(to, c->low);
    buf_adds(to, "–");
    buf_add_html(to, c->high);
}

/* What was published, and how far the value is from it. */
static void add_paper(struct buf *to, const struct table_cell *c)
{
    char delta[TABLE_DELTA];

    table_delta(c, delta);
    buf_adds(to, "paper ");
    buf_add_html(to, c->paper);
    if (delta[0] != '\0')
        buf_printf(to, " (%s), %s", delta, table_verdict(c));
}

static void add_cell(struct buf *to, const struct page_item *item,
                     const struct table_cell *c, size_t row, size_t column)
{
    if (c == NULL) {
        buf_adds(to, "<td>–</td>");
        return;
    }
    buf_printf(to, "<td><a class=\"value\" href=\"#c-%s-%zu-%zu\">", item->slug, row,
               column);
    buf_add_html(to, c->value[0] != '\0' ? c->value : "–");
    buf_adds(to, "</a><small>");
    add_count(to, c);
    if (c->low[0] != '\0') {
        buf_adds(to, "<br>");
        add_interval(to, c);
    }
    if (c->paper[0] != '\0') {
        buf_adds(to, "<br>");
        add_paper(to, c);
    }
    buf_adds(to, "</small></td>");
}

static void add_notes(struct buf *to, const struct table *t, const struct page_item *item,
                      const struct provenance *p)
{
    const char *unit = common_unit(t);
    char hex[DIGEST_HEX + 1];

    buf_adds(to, "<p class=\"note\">");
    if (unit != NULL && unit[0] != '\0') {
        buf_adds(to, "In ");
        buf_add_html(to, unit);
        buf_adds(to, ". ");
    }
    buf_adds(to, has_intervals(t) ? "Beneath each value: count and 95 % interval. " : "");
    if (t->has_paper)
        buf_adds(to,
                 "Beneath a published number: how far the value is from it; it agrees "
                 "when it lies in the interval, or within 5&nbsp;% where there is "
                 "none. ");
    buf_adds(to, "A value links to its origin. ");
    buf_printf(to,
               "<a href=\"tables/%s.tsv\" download>TSV</a>, "
               "<a href=\"tables/%s.tex\" download>LaTeX</a>, made by ",
               item->slug, item->slug);
    origin_add_makers(to, p, digest_hex(&item->digest, hex));
    buf_adds(to, ".</p>\n");
}

void cards_add_table(struct buf *to, const struct table *t, const struct page_item *item,
                     const char *caption, const struct provenance *p)
{
    buf_adds(to, "<figure class=\"table\"");
    if (!item->shown)
        buf_printf(to, " id=\"t-%s\"", item->slug);
    buf_printf(to, ">\n<figcaption>%s</figcaption>\n", caption);
    buf_adds(to, "<div class=\"scroll\"><table>\n<thead><tr><td></td>");
    for (size_t c = 0; c < t->n_columns; c++) {
        buf_adds(to, "<th scope=\"col\">");
        buf_add_html(to, t->column[c]);
        buf_adds(to, "</th>");
    }
    buf_adds(to, "</tr></thead>\n<tbody>\n");
    for (size_t r = 0; r < t->n_rows; r++) {
        buf_adds(to, "<tr><th scope=\"row\">");
        buf_add_html(to, t->row[r]);
        buf_adds(to, "</th>");
        for (size_t c = 0; c < t->n_columns; c++)
            add_cell(to, item, table_at(t, t->row[r], t->column[c]), r + 1, c + 1);
        buf_adds(to, "</tr>\n");
    }
    buf_adds(to, "</tbody></table></div>\n");
    add_notes(to, t, item, p);
    buf_adds(to, "</figure>\n");
}

/* The steps that made a record: those of one key are one computation under several names.
 * false when there is none. */
static bool add_record(struct buf *to, const struct provenance *p, const char *hex)
{
    const char *key = NULL;
    const struct origin *o, *last = NULL;
    size_t at = 0;

    while ((o = provenance_maker(p, hex, &at)) != NULL) {
        bool again = key != NULL && strncmp(key, o->key, DIGEST_HEX) == 0;

        if (last != NULL && !again) {
            buf_adds(to, ":</p>\n");
            origin_add_facts(to, p, last, false);
        }
        buf_adds(to, again ? ", " : "<p>The record comes from ");
        origin_add_link(to, o);
        last = o;
        key = o->key;
    }
    if (last == NULL)
        return false;
    buf_adds(to, ":</p>\n");
    origin_add_facts(to, p, last, false);
    return true;
}

/* Of many records only the steps that made them, which stand further down in full. */
static void add_many(struct buf *to, const struct provenance *p, const char *from)
{
    buf_adds(to, "<p>The records come from ");
    for (const char *at = from; *at != '\0'; at += *at == ',') {
        size_t n = strcspn(at, ",");
        struct buf hex = { 0 };

        buf_add(&hex, at, n);
        buf_adds(to, at > from ? ", " : "");
        origin_add_makers(to, p, buf_str(&hex));
        buf_release(&hex);
        at += n;
    }
    buf_adds(to, ".</p>\n");
}

static size_t count_records(const char *from)
{
    size_t n = from[0] != '\0';

    for (; *from != '\0'; from++)
        n += *from == ',';
    return n;
}

/* The records behind a cell, one after another. */
static void add_records(struct buf *to, const struct provenance *p, const char *from)
{
    if (count_records(from) > FULL_RECORDS && p->n > 0) {
        add_many(to, p, from);
        return;
    }
    while (*from != '\0') {
        size_t n = strcspn(from, ",");
        struct buf hex = { 0 };

        buf_add(&hex, from, n);
        if (n != DIGEST_HEX || !add_record(to, p, buf_str(&hex))) {
            buf_adds(to, "<p>The record is <code class=\"id\">");
            buf_add_html(to, buf_str(&hex));
            buf_adds(to, "</code>; no step of this page made it.</p>\n");
        }
        buf_release(&hex);
        from += n + (from[n] == ',');
    }
}

static void add_card(struct buf *to, const struct page_item *item,
                     const struct table_cell *c, const struct provenance *p)
{
    char hex[DIGEST_HEX + 1];

    buf_adds(to, "<h4>");
    buf_add_html(to, item->name);
    buf_adds(to, ": ");
    buf_add_html(to, c->row);
    buf_adds(to, ", ");
    buf_add_html(to, c->column);
    buf_printf(to, " <a class=\"back\" href=\"#t-%s\">back to the table</a></h4>\n<p><b>",
               item->slug);
    buf_add_html(to, c->value[0] != '\0' ? c->value : "–");
    buf_adds(to, c->unit[0] != '\0' ? "</b> " : "</b>");
    buf_add_html(to, c->unit);
    buf_adds(to, ": ");
    add_count(to, c);
    if (c->low[0] != '\0') {
        buf_adds(to, ", 95 % interval ");
        add_interval(to, c);
    }
    if (c->paper[0] != '\0') {
        buf_adds(to, "; ");
        add_paper(to, c);
    }
    buf_adds(to, ". Computed by ");
    origin_add_makers(to, p, digest_hex(&item->digest, hex));
    buf_adds(to, ".</p>\n");
    add_records(to, p, c->from);
}

void cards_add_cells(struct buf *to, const struct table *t, const struct page_item *item,
                     const struct provenance *p)
{
    for (size_t r = 0; r < t->n_rows; r++)
        for (size_t c = 0; c < t->n_columns; c++) {
            const struct table_cell *cell = table_at(t, t->row[r], t->column[c]);

            if (cell == NULL)
                continue;
            buf_printf(to, "<section class=\"card\" id=\"c-%s-%zu-%zu\">\n", item->slug,
                       r + 1, c + 1);
            add_card(to, item, cell, p);
            buf_adds(to, "</section>\n");
        }
}

/* The place of a name, from 1; 0 with the nearest name in the message. */
static size_t find_name(const char *name, const char *const *list, size_t n,
                        const char *what, const struct page_item *item, struct error *err)
{
    const char *near;

    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], name) == 0)
            return i + 1;
    near = nearest_name(name, list, n);
    error_set(err, E_INPUT, "table %s has no %s \"%s\"%s%s%s", item->name, what, name,
              near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
              near != NULL ? "\"?" : "");
    return 0;
}

int cards_add_value(struct buf *to, const struct table *t, const struct page_item *item,
                    const char *row, const char *column, struct error *err)
{
    size_t r = find_name(row, t->row, t->n_rows, "row", item, err), c;
    const struct table_cell *cell;

    if (r == 0)
        return E_INPUT;
    c = find_name(column, t->column, t->n_columns, "column", item, err);
    if (c == 0)
        return E_INPUT;
    cell = table_at(t, row, column);
    if (cell == NULL)
        return error_set(err, E_INPUT, "table %s has no number at %s, %s", item->name,
                         row, column);
    buf_printf(to, "<a class=\"value\" href=\"#c-%s-%zu-%zu\">", item->slug, r, c);
    buf_add_html(to, cell->value[0] != '\0' ? cell->value : "–");
    buf_adds(to, strcmp(cell->unit, "percent") == 0 ? "&nbsp;%</a>" : "</a>");
    return 0;
}
