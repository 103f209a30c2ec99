#include "page/latex.h"

#include <stdbool.h>

#include "larder/banned.h"

/* The characters that LaTeX takes for commands. */
static void add_text(struct buf *to, const char *text)
{
    for (; *text != '\0'; text++)
        switch (*text) {
        case '\\':
            buf_adds(to, "\\textbackslash{}");
            break;
        case '~':
            buf_adds(to, "\\textasciitilde{}");
            break;
        case '^':
            buf_adds(to, "\\textasciicircum{}");
            break;
        case '&':
        case '%':
        case '$':
        case '#':
        case '_':
        case '{':
        case '}':
            buf_addc(to, '\\');
            buf_addc(to, *text);
            break;
        default:
            buf_addc(to, *text);
        }
}

/* One line of a row: what `part` writes for each column. */
static void add_line(struct buf *to, const struct table *t, const char *row, bool named,
                     void (*part)(struct buf *to, const struct table_cell *c))
{
    if (named)
        add_text(to, row);
    for (size_t k = 0; k < t->n_columns; k++) {
        const struct table_cell *c = table_at(t, row, t->column[k]);

        buf_adds(to, " & ");
        if (c != NULL)
            part(to, c);
    }
    buf_adds(to, " \\\\\n");
}

static void add_value(struct buf *to, const struct table_cell *c)
{
    buf_adds(to, c->value[0] != '\0' ? c->value : "--");
}

static void add_interval(struct buf *to, const struct table_cell *c)
{
    if (c->low[0] != '\0')
        buf_printf(to, "{\\scriptsize %s--%s}", c->low, c->high);
}

static void add_paper(struct buf *to, const struct table_cell *c)
{
    if (c->paper[0] != '\0')
        buf_printf(to, "{\\scriptsize paper %s}", c->paper);
}

static void add_row(struct buf *to, const struct table *t, const char *row)
{
    bool intervals = false, papers = false;

    for (size_t k = 0; k < t->n_columns; k++) {
        const struct table_cell *c = table_at(t, row, t->column[k]);

        intervals = intervals || (c != NULL && c->low[0] != '\0');
        papers = papers || (c != NULL && c->paper[0] != '\0');
    }
    add_line(to, t, row, true, add_value);
    if (intervals)
        add_line(to, t, row, false, add_interval);
    if (papers)
        add_line(to, t, row, false, add_paper);
}

void latex_add_table(struct buf *to, const struct table *t, const char *name)
{
    buf_printf(to, "%% %s; needs \\usepackage{booktabs}\n\\begin{tabular}{l", name);
    for (size_t k = 0; k < t->n_columns; k++)
        buf_addc(to, 'r');
    buf_adds(to, "}\n\\toprule\n");
    for (size_t k = 0; k < t->n_columns; k++) {
        buf_adds(to, " & ");
        add_text(to, t->column[k]);
    }
    buf_adds(to, " \\\\\n\\midrule\n");
    for (size_t r = 0; r < t->n_rows; r++)
        add_row(to, t, t->row[r]);
    buf_adds(to, "\\bottomrule\n\\end{tabular}\n");
}
