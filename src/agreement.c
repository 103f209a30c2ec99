#include "agreement.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/mem.h"

enum { GLANCE = 40 };

void agreement_release(struct agreement *g)
{
    buf_release(&g->where);
    *g = (struct agreement){ 0 };
}

void agreement_deny(struct agreement *g, const char *format, ...)
{
    va_list args;

    if (g->verdict != VERDICT_OTHER) {
        va_start(args, format);
        buf_vprintf(&g->where, format, args);
        va_end(args);
    }
    g->verdict = VERDICT_OTHER;
}

static void worsen(struct agreement *g, enum verdict verdict)
{
    if (g->verdict < verdict)
        g->verdict = verdict;
}

/* ---- numbers ------------------------------------------------------------------------
 */

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           c == '_' || (unsigned char)c >= 0x80;
}

static size_t n_digits(const char *s)
{
    return strspn(s, "0123456789");
}

/* The length of the number that begins here, or 0. */
static size_t number_at(const char *s, double *x)
{
    const char *p = s + (*s == '-' || *s == '+');
    size_t whole = n_digits(p), part = 0;

    p += whole;
    if (*p == '.') {
        part = n_digits(p + 1);
        p += part || whole ? 1 + part : 0;
    }
    if (!whole && !part)
        return 0;
    if (*p == 'e' || *p == 'E') {
        const char *power = p + 1 + (p[1] == '-' || p[1] == '+');

        if (!n_digits(power))
            return 0;
        p = power + n_digits(power);
    }
    if (is_word(*p) || (*p == '.' && n_digits(p + 1))) /* 1.2.3 is no number */
        return 0;
    *x = strtod(s, NULL);
    return (size_t)(p - s);
}

/* b where a is no number. */
static double larger(double a, double b)
{
    return a > b ? a : b;
}

static double allowed(const struct comparator *how, double x, double y)
{
    return how->abs + how->rel * larger(fabs(x), fabs(y));
}

/* Adds two numbers that are not the same text; false when they are too far apart. */
static bool add_numbers(struct agreement *g, const struct comparator *how, double x,
                        double y)
{
    double apart = fabs(x - y), size = larger(fabs(x), fabs(y));

    if (apart > 0 || x != y)
        g->n_differ++;
    g->most = larger(apart, g->most);
    g->relative = size > 0 ? larger(apart / size, g->relative) : g->relative;
    if (apart <= allowed(how, x, y)) { /* which no NaN and no infinity is */
        worsen(g, VERDICT_WITHIN);
        return true;
    }
    if (x == y) {
        worsen(g, VERDICT_WITHIN);
        return true;
    }
    g->n_beyond++;
    return false;
}

/* ---- texts --------------------------------------------------------------------------
 */

struct text {
    const char *start, *at, *end;
    long line;
};

static bool begins_word(const struct text *t)
{
    return t->at == t->start || (!is_word(t->at[-1]) && t->at[-1] != '.');
}

static int shown(const char *s, const char *end)
{
    size_t n = strcspn(s, "\n");

    if (n > (size_t)(end - s))
        n = (size_t)(end - s);
    return n > GLANCE ? GLANCE : (int)n;
}

/* Passes a number of both; false where there is none on both sides. */
static bool pass_numbers(struct agreement *g, const struct comparator *how,
                         struct text *a, struct text *b)
{
    double x, y;
    size_t n, m;

    if (!begins_word(a) || !begins_word(b))
        return false;
    n = number_at(a->at, &x);
    m = number_at(b->at, &y);
    if (!n || !m)
        return false;
    g->n++;
    if ((n != m || memcmp(a->at, b->at, n) != 0) && !add_numbers(g, how, x, y))
        agreement_deny(g, "line %ld: %.*s and %.*s", a->line, (int)n, a->at, (int)m,
                       b->at);
    a->at += n;
    b->at += m;
    return true;
}

static void compare_numbers(struct agreement *g, const struct comparator *how,
                            struct text *a, struct text *b)
{
    while (a->at < a->end && b->at < b->end) {
        if (pass_numbers(g, how, a, b))
            continue;
        if (*a->at != *b->at) {
            agreement_deny(g, "line %ld: \"%.*s\" and \"%.*s\"", a->line,
                           shown(a->at, a->end), a->at, shown(b->at, b->end), b->at);
            return;
        }
        a->line += *a->at == '\n';
        a->at++;
        b->at++;
    }
    if (a->at < a->end || b->at < b->end)
        agreement_deny(g, "line %ld: one of the two ends there", a->line);
}

/* ---- tables -------------------------------------------------------------------------
 */

/* A line of a TSV, cut into cells in a copy of it. */
struct row {
    char *line;
    char **cell;
    size_t n, cap;
};

static void row_release(struct row *r)
{
    free(r->line);
    free(r->cell);
    *r = (struct row){ 0 };
}

/* False at the end. */
static bool row_read(struct row *r, struct text *t)
{
    const char *end;
    char *rest, *cell;

    if (t->at >= t->end)
        return false;
    end = memchr(t->at, '\n', (size_t)(t->end - t->at));
    end = end ? end : t->end;
    free(r->line);
    rest = r->line = xstrndup(t->at, (size_t)(end - t->at));
    r->n = 0;
    while ((cell = strsep(&rest, "\t")) != NULL) {
        GROW(r->cell, r->n + 1, r->cap);
        r->cell[r->n++] = cell;
    }
    t->at = end < t->end ? end + 1 : end;
    t->line++;
    return true;
}

struct tables {
    struct agreement *g;
    const struct comparator *how;
    struct row head, a, b;
    int value, low, high; /* columns, or -1 */
    long line;
};

static int find_column(const struct row *head, const char *name)
{
    for (size_t i = 0; i < head->n; i++)
        if (!strcmp(head->cell[i], name))
            return (int)i;
    return -1;
}

static bool is_excepted(const struct tables *t, size_t i)
{
    struct buf word = { 0 };
    bool yes;

    if (!t->how->except)
        return false;
    buf_printf(&word, "\t%s\t", t->head.cell[i]);
    yes = strstr(t->how->except, word.s) != NULL;
    buf_release(&word);
    return yes;
}

static bool whole_number(const char *cell, double *x)
{
    size_t n = number_at(cell, x);

    return n > 0 && cell[n] == '\0';
}

static void deny_cell(struct tables *t, size_t i)
{
    agreement_deny(t->g, "line %ld, %s: \"%.*s\" and \"%.*s\"", t->line, t->head.cell[i],
                   GLANCE, t->a.cell[i], GLANCE, t->b.cell[i]);
}

static void compare_cell(struct tables *t, size_t i)
{
    bool same = !strcmp(t->a.cell[i], t->b.cell[i]);
    double x, y;

    if (!whole_number(t->a.cell[i], &x) || !whole_number(t->b.cell[i], &y)) {
        if (!same)
            deny_cell(t, i);
        return;
    }
    t->g->n++;
    if (!same && !add_numbers(t->g, t->how, x, y))
        deny_cell(t, i);
}

/* The three numbers of a row's interval: without a value its middle does not count. */
static bool read_interval(const struct tables *t, const struct row *r, double *value,
                          double *low, double *high)
{
    return whole_number(r->cell[t->low], low) && whole_number(r->cell[t->high], high) &&
           (t->value < 0 || whole_number(r->cell[t->value], value));
}

/* Each value lies in the other's interval; where there is no value, they overlap. False
 * where a row has no interval: then its cells are compared as all others. */
static bool compare_intervals(struct tables *t)
{
    double x = 0, y = 0, low[2], high[2], apart;
    struct agreement *g = t->g;
    bool fits;

    if (!read_interval(t, &t->a, &x, &low[0], &high[0]) ||
        !read_interval(t, &t->b, &y, &low[1], &high[1]))
        return false;
    fits = t->value >= 0 ? low[1] <= x && x <= high[1] && low[0] <= y && y <= high[0]
                         : low[0] <= high[1] && low[1] <= high[0];
    apart = t->value >= 0 ? fabs(x - y) : fabs(low[0] - low[1]);
    g->n++;
    if (apart > 0 || low[0] != low[1] || high[0] != high[1]) {
        g->n_differ++;
        g->most = larger(apart, g->most);
        worsen(g, VERDICT_WITHIN);
    }
    if (!fits) {
        g->n_beyond++;
        agreement_deny(g, "line %ld: %s [%s, %s] and %s [%s, %s]", t->line,
                       t->value >= 0 ? t->a.cell[t->value] : "", t->a.cell[t->low],
                       t->a.cell[t->high], t->value >= 0 ? t->b.cell[t->value] : "",
                       t->b.cell[t->low], t->b.cell[t->high]);
    }
    return true;
}

static bool is_of_interval(const struct tables *t, size_t i)
{
    return (int)i == t->value || (int)i == t->low || (int)i == t->high;
}

static void compare_rows(struct tables *t)
{
    bool judged = t->low >= 0 && t->high >= 0;

    if (t->a.n != t->head.n || t->b.n != t->head.n) {
        agreement_deny(t->g, "line %ld has %zu and %zu cells, the first line %zu",
                       t->line, t->a.n, t->b.n, t->head.n);
        return;
    }
    judged = judged && compare_intervals(t);
    for (size_t i = 0; i < t->head.n; i++)
        if (!(judged && is_of_interval(t, i)) && !is_excepted(t, i))
            compare_cell(t, i);
        else if (strcmp(t->a.cell[i], t->b.cell[i]) != 0)
            worsen(t->g, VERDICT_WITHIN);
}

/* The first lines: the names of the columns, which are the same. */
static bool compare_heads(struct tables *t, struct text *a, struct text *b)
{
    bool is = row_read(&t->head, a) && row_read(&t->b, b) && t->head.n == t->b.n;

    for (size_t i = 0; is && i < t->head.n; i++)
        is = !strcmp(t->head.cell[i], t->b.cell[i]);
    if (!is) {
        agreement_deny(t->g, "their first lines name other columns");
        return false;
    }
    t->value = t->low = t->high = -1;
    if (t->how->kind != COMPARE_INTERVAL)
        return true;
    t->value = find_column(&t->head, t->how->value);
    t->low = find_column(&t->head, t->how->low);
    t->high = find_column(&t->head, t->how->high);
    if (t->low >= 0 && t->high >= 0)
        return true;
    agreement_deny(t->g, "they have no columns %s and %s", t->how->low, t->how->high);
    return false;
}

static void compare_tables(struct agreement *g, const struct comparator *how,
                           struct text *a, struct text *b)
{
    struct tables t = { .g = g, .how = how, .line = 1 };
    bool go = compare_heads(&t, a, b);

    while (go) {
        bool more_a = row_read(&t.a, a), more_b = row_read(&t.b, b);

        t.line++;
        go = more_a && more_b;
        if (go)
            compare_rows(&t);
        else if (more_a != more_b)
            agreement_deny(g, "one of the two ends before line %ld", t.line);
    }
    row_release(&t.head);
    row_release(&t.a);
    row_release(&t.b);
}

void agreement_of_texts(struct agreement *g, const struct comparator *how, const char *a,
                        size_t n_a, const char *b, size_t n_b)
{
    struct text x = { a, a, a + n_a, 1 }, y = { b, b, b + n_b, 1 };

    if (n_a == n_b && memcmp(a, b, n_a) == 0)
        return;
    worsen(g, VERDICT_WITHIN); /* the bytes are others, whatever they mean */
    if (how->kind == COMPARE_NUMERIC)
        compare_numbers(g, how, &x, &y);
    else
        compare_tables(g, how, &x, &y);
}

void agreement_tell(const struct agreement *g, struct buf *to)
{
    if (g->verdict == VERDICT_SAME) {
        buf_adds(to, "the same");
        return;
    }
    if (g->n)
        buf_printf(to, "%zu number%s, %zu differ%s", g->n, g->n == 1 ? "" : "s",
                   g->n_differ, g->n_differ == 1 ? "s" : "");
    if (g->n && g->n_differ)
        buf_printf(to, ", by %.3g at most", g->most);
    if (g->n && g->relative > 0)
        buf_printf(to, ", relatively %.3g", g->relative);
    if (g->n_beyond)
        buf_printf(to, ", %zu by more than is allowed", g->n_beyond);
    if (!g->n && g->verdict == VERDICT_WITHIN)
        buf_adds(to, "only what does not count differs");
    if (g->verdict == VERDICT_OTHER)
        buf_printf(to, "%s%s", g->n ? ": " : "", buf_str(&g->where));
}
