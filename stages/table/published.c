#include "table/published.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "kit/number.h"
#include "larder/mem.h"

#include "larder/banned.h"

int published_is_near(double x, double number, const char *within, bool *near,
                      struct error *err)
{
    size_t n = strlen(within);
    bool share = n > 0 && within[n - 1] == '%';
    char *digits = xstrndup(within, share ? n - 1 : n);
    double limit;
    enum number_outcome outcome = number_double(digits, &limit);

    free(digits);
    if (outcome != NUMBER_OK)
        return error_set(err, E_INPUT, "within is \"%s\", neither a number nor percents",
                         within);
    *near = fabs(x - number) <= (share ? limit / 100 * fabs(number) : limit);
    return 0;
}

static int add_line(struct published *p, size_t line, const int column[2],
                    published_has *has, const void *table, struct error *err)
{
    const struct tsv *t = &p->tsv;
    const char *row = tsv_get(t, line, column[0]), *name = tsv_get(t, line, column[1]);
    struct buf place = { 0 };
    bool near;
    int rc = 0;

    if (!has(table, row, NULL))
        return 0;
    if (!has(table, row, name))
        return error_set(err, E_INPUT, "%s:%zu: the table has no cell at %s, %s", t->path,
                         tsv_line(t, line), row, name);
    if (p->within >= 0 && tsv_get(t, line, p->within)[0] != '\0')
        rc = published_is_near(0, 0, tsv_get(t, line, p->within), &near, err);
    if (rc < 0)
        return error_context(err, "%s:%zu", t->path, tsv_line(t, line));
    buf_printf(&place, "%s\t%s", row, name);
    map_set(&p->at, buf_str(&place), (void *)(uintptr_t)(line + 1));
    buf_release(&place);
    return 0;
}

int published_read(struct published *p, const char *path, published_has *has,
                   const void *table, struct error *err)
{
    int column[2], rc;

    *p = (struct published){ .value = -1, .within = -1 };
    rc = tsv_read(&p->tsv, path, err);
    if (rc < 0)
        return rc;
    column[0] = tsv_column(&p->tsv, "row", err);
    column[1] = tsv_column(&p->tsv, "column", err);
    p->value = tsv_column(&p->tsv, "value", err);
    p->within = tsv_find(&p->tsv, "within");
    if (column[0] < 0 || column[1] < 0 || p->value < 0)
        return E_INPUT;
    for (size_t i = 0; i < p->tsv.n_rows && rc == 0; i++)
        rc = add_line(p, i, column, has, table, err);
    return rc;
}

void published_release(struct published *p)
{
    map_release(&p->at);
    tsv_release(&p->tsv);
    *p = (struct published){ 0 };
}

static const char *field(const struct published *p, const char *row, const char *column,
                         int which)
{
    struct buf place = { 0 };
    uintptr_t line;

    if (p->at.n == 0 || which < 0)
        return "";
    buf_printf(&place, "%s\t%s", row, column);
    line = (uintptr_t)map_get(&p->at, buf_str(&place));
    buf_release(&place);
    return line > 0 ? tsv_get(&p->tsv, line - 1, which) : "";
}

const char *published_value(const struct published *p, const char *row,
                            const char *column)
{
    return field(p, row, column, p->value);
}

const char *published_within(const struct published *p, const char *row,
                             const char *column)
{
    return field(p, row, column, p->within);
}
