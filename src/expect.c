#include "expect.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "larder/banned.h"

/* ---- numbers ----------------------------------------------------------------------- */

static int read_number(const struct filling *f, const struct node *node, const char *what,
                       double *x)
{
    struct value v;
    char *end;
    int rc = expr_value(&f->scope, node, what, &v, f->err);

    if (rc < 0)
        return rc;
    *x = strtod(v.text, &end);
    if (!*v.text || *end || !isfinite(*x) || v.text[strspn(v.text, "0123456789.eE+-")])
        return pos_error(&v.pos, f->err,
                         "%s: \"%s\" is no number: write one, or [LOW, HIGH]", what,
                         v.text);
    return 0;
}

/* N, or [LOW, HIGH] where either may be left open as null. */
static int read_range(const struct filling *f, const struct node *node, const char *what,
                      struct bounds *range)
{
    int rc = expr_branch(&f->scope, node, &node, f->err);

    if (rc < 0)
        return rc;
    if (node->kind != NODE_LIST) {
        rc = read_number(f, node, what, &range->low);
        range->high = range->low;
        return rc;
    }
    if (node->n != 2)
        return pos_error(&node->pos, f->err,
                         "%s: a range is two numbers: write [LOW, HIGH]", what);
    range->low = -INFINITY;
    range->high = INFINITY;
    if (node->item[0]->kind != NODE_NULL)
        rc = read_number(f, node->item[0], what, &range->low);
    if (rc == 0 && node->item[1]->kind != NODE_NULL)
        rc = read_number(f, node->item[1], what, &range->high);
    if (rc == 0 && range->low > range->high)
        rc = pos_error(&node->pos, f->err,
                       "%s: no number is in this range: write the lower one first", what);
    return rc;
}

static int new_range(const struct filling *f, const struct node *map, const char *key,
                     const struct bounds **to)
{
    const struct node *node = node_get(map, key);
    struct bounds *range = arena_alloc(f->b->arena, sizeof *range);
    int rc = node ? read_range(f, node, key, range) : 0;

    *to = node ? range : NULL;
    return rc;
}

/* ---- outputs ----------------------------------------------------------------------- */

/* `non-empty` alone, or a key with true or false. */
static int read_non_empty(const struct node *node, bool *non_empty, struct error *err)
{
    const struct node *word = node->kind == NODE_MAP ? node_get(node, "non-empty") : node;
    bool yes = word && word->kind == NODE_SCALAR &&
               !strcmp(word->text, word == node ? "non-empty" : "true");

    if (word)
        *non_empty = yes;
    if (word && !yes &&
        (word == node || word->kind != NODE_SCALAR || strcmp(word->text, "false") != 0))
        return pos_error(&word->pos, err,
                         "expect: has nothing to look for: write non-empty, or a map as "
                         "{records: 10}");
    return 0;
}

static int read_digest(const struct filling *f, const struct node *map,
                       const struct digest **to)
{
    const struct node *node = node_get(map, "sha256");
    struct digest *d = arena_alloc(f->b->arena, sizeof *d);
    struct value v;
    int rc = node ? expr_value(&f->scope, node, "sha256", &v, f->err) : 0;

    *to = node ? d : NULL;
    if (rc == 0 && node && !digest_parse(d, v.text))
        rc = pos_error(&v.pos, f->err, "sha256: \"%s\" is not 64 hex digits", v.text);
    return rc;
}

/* The names of a table's columns, as its header has them. */
static int read_columns(const struct filling *f, const struct node *map, const char **to)
{
    const struct node *node = node_get(map, "columns");
    struct buf header = { 0 };
    int rc = node ? expr_branch(&f->scope, node, &node, f->err) : 0;

    if (rc < 0 || !node)
        return rc;
    rc = node_expect(node, NODE_LIST, "columns", f->err);
    if (rc == 0 && node->n == 0)
        rc = pos_error(&node->pos, f->err, "columns: a table has at least one");
    for (size_t i = 0; rc == 0 && i < node->n; i++) {
        struct value v;
        rc = expr_value(&f->scope, node->item[i], "columns", &v, f->err);
        if (rc == 0 && (!*v.text || strpbrk(v.text, "\t\n")))
            rc = pos_error(&v.pos, f->err,
                           "columns: a name is not empty and holds no tab or newline");
        if (rc == 0)
            buf_printf(&header, "%s%s", i ? "\t" : "", v.text);
    }
    *to = arena_strdup(f->b->arena, buf_str(&header));
    buf_release(&header);
    return rc;
}

/* Only a file is text. */
static int check_text(const struct output *o, const struct node *map, const char *key,
                      struct error *err)
{
    if (o->kind != OBJECT_TREE || !node_get(map, key))
        return 0;
    return pos_error(&node_key(map, key)->pos, err,
                     "output %s is a folder and has no %s; records: counts its files",
                     o->name, key);
}

static int read_output(const struct filling *f, const struct node *node,
                       const struct output *o, struct expect *to)
{
    static const char *const known[] = { "non-empty", "records", "lines", "columns",
                                         "sha256" };
    int rc = read_non_empty(node, &to->non_empty, f->err);

    if (rc < 0 || node->kind != NODE_MAP)
        return rc;
    rc = node_check_keys(node, "expect", known, 5, f->err);
    if (rc == 0)
        rc = new_range(f, node, "records", &to->records);
    if (rc == 0)
        rc = new_range(f, node, "lines", &to->lines);
    if (rc == 0)
        rc = read_columns(f, node, &to->columns);
    if (rc == 0)
        rc = check_text(o, node, "lines", f->err);
    if (rc == 0)
        rc = check_text(o, node, "columns", f->err);
    return rc < 0 ? rc : read_digest(f, node, &to->sha256);
}

int expect_fill(const struct filling *f, const struct stage_output *from,
                struct output *to)
{
    const struct node *all = node_get(f->stage->node, "expect");
    struct expect *expect;
    int rc = 0;

    if (!all && !from->expect)
        return 0;
    expect = arena_alloc(f->b->arena, sizeof *expect);
    expect->pos = from->expect ? from->expect->pos : all->pos;
    if (all)
        rc = read_non_empty(all, &expect->non_empty, f->err);
    if (rc == 0 && from->expect)
        rc = read_output(f, from->expect, to, expect);
    to->expect = expect;
    return rc;
}

/* ---- the stage --------------------------------------------------------------------- */

int expect_fill_metrics(const struct filling *f)
{
    static const char *const known[] = { "non-empty", "metric" };
    const struct node *all = node_get(f->stage->node, "expect");
    const struct node *metric = node_get(all, "metric");
    struct step *step = f->step;
    int rc = 0;

    if (all && all->kind == NODE_MAP)
        rc = node_check_keys(all, "expect", known, 2, f->err);
    if (rc == 0 && metric)
        rc = node_expect(metric, NODE_MAP, "metric", f->err);
    if (rc < 0 || !metric)
        return rc;
    step->metric = arena_alloc(f->b->arena, (metric->n + 1) * sizeof *step->metric);
    for (size_t i = 0; rc == 0 && i < metric->n; i++) {
        struct metric *to = &step->metric[step->n_metrics++];
        to->name = metric->key[i]->text;
        to->pos = metric->key[i]->pos;
        rc = read_range(f, metric->item[i], to->name, &to->range);
    }
    return rc;
}
