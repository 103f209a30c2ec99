#include "comparator.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "larder/banned.h"

static const char *const kind_name[] = {
    [COMPARE_BITWISE] = "bitwise", [COMPARE_NUMERIC] = "numeric",
    [COMPARE_TABLE] = "table",     [COMPARE_INTERVAL] = "interval",
    [COMPARE_PICTURE] = "picture", [COMPARE_TENSORS] = "tensors",
};
enum { N_KINDS = sizeof kind_name / sizeof kind_name[0] };

const char *comparator_name(enum compare_kind kind)
{
    return kind_name[kind];
}

/* A number that is not negative; absent it stays as it is. */
static int read_bound(const struct filling *f, const struct node *map, const char *key,
                      double *to)
{
    const struct node *node = node_get(map, key);
    struct value v;
    char *end;
    int rc = node ? expr_value(&f->scope, node, key, &v, f->err) : 0;

    if (rc < 0 || !node)
        return rc;
    *to = strtod(v.text, &end);
    if (!*v.text || *end || !isfinite(*to) || *to < 0 ||
        v.text[strspn(v.text, "0123456789.eE+-")])
        return pos_error(
            &v.pos, f->err,
            "%s: \"%s\" is no tolerance: write a number that is not negative", key,
            v.text);
    return 0;
}

static int read_column(const struct filling *f, const struct node *map, const char *key,
                       const char **to)
{
    const struct node *node = node_get(map, key);
    struct value v;
    int rc = node ? expr_value(&f->scope, node, key, &v, f->err) : 0;

    if (rc == 0 && node)
        *to = arena_strdup(f->b->arena, v.text);
    return rc;
}

/* Names of columns, kept with a tab before and behind each. */
static int read_except(const struct filling *f, const struct node *map, const char **to)
{
    const struct node *node = node_get(map, "except");
    struct buf names = { 0 };
    int rc = node ? node_expect(node, NODE_LIST, "except", f->err) : 0;

    for (size_t i = 0; node && rc == 0 && i < node->n; i++) {
        struct value v;

        rc = expr_value(&f->scope, node->item[i], "except", &v, f->err);
        if (rc == 0)
            buf_printf(&names, "%s%s\t", names.len ? "" : "\t", v.text);
    }
    if (rc == 0 && names.len)
        *to = arena_strdup(f->b->arena, buf_str(&names));
    buf_release(&names);
    return rc;
}

static int read_bounds(const struct filling *f, const struct node *map,
                       struct comparator *to)
{
    static const char *const known[N_KINDS][6] = {
        [COMPARE_NUMERIC] = { "abs", "rel" },
        [COMPARE_TABLE] = { "abs", "rel", "except" },
        [COMPARE_INTERVAL] = { "abs", "rel", "except", "value", "low", "high" },
        [COMPARE_PICTURE] = { "max", "mean" },
        [COMPARE_TENSORS] = { "abs", "rel" },
    };
    const char *const *keys = known[to->kind];
    size_t n = 0;
    int rc;

    while (n < 6 && keys[n])
        n++;
    rc = node_expect(map, NODE_MAP, kind_name[to->kind], f->err);
    if (rc == 0)
        rc = node_check_keys(map, kind_name[to->kind], keys, n, f->err);
    if (rc == 0)
        rc = read_bound(f, map, "abs", &to->abs);
    if (rc == 0)
        rc = read_bound(f, map, "rel", &to->rel);
    if (rc == 0)
        rc = read_bound(f, map, "max", &to->max);
    if (rc == 0)
        rc = read_bound(f, map, "mean", &to->mean);
    if (rc == 0)
        rc = read_column(f, map, "value", &to->value);
    if (rc == 0)
        rc = read_column(f, map, "low", &to->low);
    if (rc == 0)
        rc = read_column(f, map, "high", &to->high);
    return rc == 0 ? read_except(f, map, &to->except) : rc;
}

/* A word, or the one key of a map, which is then in *bounds. */
static int read_kind(const struct filling *f, const struct node *node,
                     enum compare_kind *kind, const struct node **bounds)
{
    const struct node *word = node;
    size_t i = 0;
    int rc;

    if (node->kind == NODE_MAP) {
        rc = node_check_keys(node, "compare", kind_name + 1, N_KINDS - 1, f->err);
        if (rc == 0 && node->n != 1)
            rc = pos_error(&node->pos, f->err,
                           "compare: takes one comparison, as {numeric: {rel: 1e-6}}");
        if (rc < 0)
            return rc;
        word = node->key[0];
        *bounds = node->item[0];
    }
    rc = node_expect(word, NODE_SCALAR, "compare", f->err);
    if (rc < 0)
        return rc;
    while (i < N_KINDS && strcmp(word->text, kind_name[i]) != 0)
        i++;
    *kind = (enum compare_kind)i;
    if (i < N_KINDS)
        return 0;
    return suggest_error(&word->pos, f->err, word->text, kind_name, N_KINDS,
                         "compare: %s is no comparison", word->text);
}

int comparator_fill(const struct filling *f, const struct stage_output *from,
                    struct output *to)
{
    struct comparator *how;
    const struct node *node = from->compare, *bounds = NULL;
    int rc;

    if (!node)
        return 0;
    rc = expr_branch(&f->scope, node, &node, f->err);
    if (rc < 0)
        return rc;
    how = arena_alloc(f->b->arena, sizeof *how);
    *how = (struct comparator){
        .pos = node->pos, .value = "value", .low = "low", .high = "high"
    };
    rc = read_kind(f, node, &how->kind, &bounds);
    if (rc == 0 && bounds)
        rc = read_bounds(f, bounds, how);
    to->compare = how->kind == COMPARE_BITWISE ? NULL : how;
    return rc;
}
