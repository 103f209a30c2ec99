#include "page/data.h"

#include "larder/mem.h"
#include "page/origin.h"

#include "larder/banned.h"

enum { LONG = 14, WIDE = 8, WORDS = 24 };

/* A column of numbers, ranges of numbers (0.05-0.35) and blanks is set to the right. */
static bool is_numeric(const struct tsv *t, int column)
{
    bool some = false;

    for (size_t row = 0; row < t->n_rows; row++) {
        const char *cell = tsv_get(t, row, column);

        if (cell[strspn(cell, "0123456789.+-e")] != '\0')
            return false;
        some = some || strpbrk(cell, "0123456789") != NULL;
    }
    return some;
}

static void add_header(struct buf *to, const char *name)
{
    for (; *name != '\0'; name++) {
        char c[2] = { *name == '_' ? ' ' : *name, '\0' };

        buf_add_html(to, c);
    }
}

/* Digests joined by commas, as numbered links to the steps that made them. */
static void add_from(struct buf *to, const struct provenance *p, const char *from)
{
    for (size_t number = 1; *from != '\0'; number++) {
        size_t n = strcspn(from, ","), at = 0;
        const struct origin *o = NULL;
        struct buf hex = { 0 };

        buf_add(&hex, from, n);
        if (n == DIGEST_HEX)
            o = provenance_maker(p, buf_str(&hex), &at);
        buf_adds(to, number > 1 ? " " : "");
        if (o != NULL)
            origin_add_short_link(to, o, number);
        else if (!origin_add_short_source(to, p, buf_str(&hex), number))
            buf_add_html(to, buf_str(&hex));
        buf_release(&hex);
        from += n + (from[n] == ',');
    }
}

/* Is there anything in a column? */
static bool is_filled(const struct tsv *t, int column)
{
    for (size_t row = 0; row < t->n_rows; row++)
        if (tsv_get(t, row, column)[0] != '\0')
            return true;
    return t->n_rows == 0;
}

/* The beginning of a cell, of what kind it is. */
static void begin_cell(struct buf *to, const char *column, const char *cell, bool numeric)
{
    if (strcmp(column, "verdict") == 0)
        buf_printf(to, "<td class=\"verdict%s\">",
                   strcmp(cell, "holds") == 0    ? " holds"
                   : strcmp(cell, "fails") == 0  ? " fails"
                   : strcmp(cell, "unsure") == 0 ? " unsure"
                                                 : "");
    else if (numeric)
        buf_adds(to, "<td class=\"number\">");
    else
        buf_adds(to, strlen(cell) > WORDS && strcmp(column, "from") != 0
                         ? "<td class=\"words\">"
                         : "<td>");
}

/* What a column is shown as. */
struct look {
    bool shown, numeric;
};

static void add_rows(struct buf *to, const struct tsv *t, const struct provenance *p,
                     const struct look *look)
{
    int from = tsv_find(t, "from");

    for (size_t row = 0; row < t->n_rows; row++) {
        buf_adds(to, "<tr>");
        for (int c = 0; (size_t)c < t->n_columns; c++) {
            const char *cell = tsv_get(t, row, c);

            if (!look[c].shown)
                continue;
            begin_cell(to, t->column[c], cell, look[c].numeric);
            if (c == from)
                add_from(to, p, cell);
            else
                buf_add_html(to, cell);
            buf_adds(to, "</td>");
        }
        buf_adds(to, "</tr>\n");
    }
}

void data_add_table(struct buf *to, const struct tsv *t, const struct page_item *item,
                    const char *caption, const struct provenance *p)
{
    struct look *look = xcalloc(t->n_columns, sizeof *look);
    bool verdicts = tsv_find(t, "verdict") >= 0;
    bool wide = t->n_columns > WIDE || verdicts, scrolls = t->n_rows > LONG && !verdicts;
    char hex[DIGEST_HEX + 1];

    for (int c = 0; (size_t)c < t->n_columns; c++)
        look[c] = (struct look){ is_filled(t, c), is_numeric(t, c) };
    buf_printf(to, "<figure class=\"data%s\"", wide ? " wide" : "");
    if (!item->shown)
        buf_printf(to, " id=\"d-%s\"", item->slug);
    buf_printf(to, ">\n<figcaption>%s</figcaption>\n", caption);
    buf_printf(to, "<div class=\"scroll%s\"%s><table>\n<thead><tr>",
               scrolls ? " long" : "", scrolls ? " tabindex=\"0\"" : "");
    for (int c = 0; (size_t)c < t->n_columns; c++) {
        if (!look[c].shown)
            continue;
        buf_adds(to, look[c].numeric ? "<th scope=\"col\" class=\"number\">"
                                     : "<th scope=\"col\">");
        add_header(to, t->column[c]);
        buf_adds(to, "</th>");
    }
    buf_adds(to, "</tr></thead>\n<tbody>\n");
    add_rows(to, t, p, look);
    buf_adds(to, "</tbody></table></div>\n<p class=\"note\">");
    buf_printf(to, "%zu row%s. <a href=\"data/%s.tsv\" download>TSV</a>, from ",
               t->n_rows, t->n_rows == 1 ? "" : "s", item->slug);
    origin_add_makers(to, p, digest_hex(&item->digest, hex));
    buf_adds(to, ".</p>\n</figure>\n");
    free(look);
}

bool data_is_comparisons(const struct tsv *t)
{
    static const char *const needed[] = { "row", "a", "b", "n", "only_a", "only_b", "p" };

    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (tsv_find(t, needed[i]) < 0)
            return false;
    return true;
}

size_t data_distinct(const struct tsv *t, int column)
{
    size_t n = 0;

    for (size_t row = 0; row < t->n_rows; row++) {
        size_t before = 0;

        while (before < row &&
               strcmp(tsv_get(t, before, column), tsv_get(t, row, column)) != 0)
            before++;
        n += before == row;
    }
    return n;
}
