#include "sieve.h"

#include <fnmatch.h>
#include <string.h>

#include "larder/banned.h"

static const char *const keys[] = { "where", "exclude", "include" };
enum { N_KEYS = sizeof keys / sizeof *keys };

bool sieve_is_key(const char *name)
{
    for (size_t i = 0; i < N_KEYS; i++)
        if (!strcmp(name, keys[i]))
            return true;
    return false;
}

/* A map, or each map of a list: the i-th, or NULL. */
static const struct node *nth(const struct node *rules, size_t i)
{
    if (rules && rules->kind == NODE_LIST)
        return i < rules->n ? rules->item[i] : NULL;
    return i == 0 ? rules : NULL;
}

static int find_axis(const struct matrix *m, const struct node *key, size_t *axis,
                     struct error *err)
{
    *axis = matrix_axis(m, key->text);
    return *axis < m->n_axes
               ? 0
               : suggest_error(&key->pos, err, key->text, m->axis, m->n_axes,
                               "the matrix has no axis %s", key->text);
}

/* ---- include ------------------------------------------------------------------------
 */

/* One value on each axis. */
static int check_member(const struct matrix *m, const struct node *member,
                        struct error *err)
{
    size_t axis;
    int rc = node_expect(member, NODE_MAP, "a member of include:", err);

    for (size_t i = 0; rc == 0 && i < member->n; i++)
        rc = find_axis(m, member->key[i], &axis, err);
    for (size_t i = 0; rc == 0 && i < member->n; i++)
        rc = matrix_check_value(member->item[i], err);
    for (size_t i = 0; rc == 0 && i < m->n_axes; i++)
        if (!node_get(member, m->axis[i]))
            rc = pos_error(&member->pos, err,
                           "include: a member has a value on every axis; here is none "
                           "on %s",
                           m->axis[i]);
    return rc;
}

int sieve_extend(struct matrix *m, struct values_pool *pool, struct arena *arena,
                 const struct node *node, size_t base[], struct error *err)
{
    const struct node *include = node_get(node, "include"), *member;
    int rc = 0;

    for (size_t i = 0; i < m->n_axes; i++)
        base[i] = m->values[i]->n;
    for (size_t k = 0; rc == 0 && (member = nth(include, k)) != NULL; k++) {
        rc = check_member(m, member, err);
        for (size_t i = 0; rc == 0 && i < m->n_axes; i++)
            values_add(&m->values[i], pool, arena, node_get(member, m->axis[i]), base[i]);
    }
    return rc;
}

static void keep_included(const struct matrix *m, const struct node *include, bool *keep)
{
    const struct node *member;

    for (size_t k = 0; (member = nth(include, k)) != NULL; k++) {
        const char *value[MATRIX_AXES];

        for (size_t i = 0; i < m->n_axes; i++)
            value[i] = node_get(member, m->axis[i])->text;
        keep[matrix_place(m, value)] = true;
    }
}

/* ---- rules --------------------------------------------------------------------------
 */

struct rule {
    bool *fits[MATRIX_AXES]; /* of each value of the axis; NULL: all do */
};

/* Marks the values of an axis that one word of a rule means. */
static int mark(const struct values *v, const struct node *word, bool *fits,
                struct error *err)
{
    int rc = node_expect(word, NODE_SCALAR, "a value of a rule", err);
    bool glob;

    if (rc == 0 && strstr(word->text, "${"))
        rc = pos_error(&word->pos, err,
                       "expressions are not read in rules of a matrix: write the "
                       "value itself");
    if (rc < 0)
        return rc;
    glob = strpbrk(word->text, "*?") != NULL;
    for (size_t i = 0; i < v->n; i++)
        fits[i] |= glob ? fnmatch(word->text, v->node[i]->text, FNM_NOESCAPE) == 0
                        : !strcmp(word->text, v->node[i]->text);
    return 0;
}

static int read_words(const struct values *v, struct arena *arena,
                      const struct node *node, bool **fits, struct error *err)
{
    int rc = 0;

    *fits = arena_alloc(arena, (v->n + 1) * sizeof **fits);
    if (node->kind != NODE_LIST)
        return mark(v, node, *fits, err);
    for (size_t i = 0; rc == 0 && i < node->n; i++)
        rc = mark(v, node->item[i], *fits, err);
    return rc;
}

static int read_rule(const struct matrix *m, struct arena *arena, const char *what,
                     const struct node *node, struct rule *r, struct error *err)
{
    int rc = node_expect(node, NODE_MAP, what, err);

    *r = (struct rule){ 0 };
    if (rc == 0 && node->n == 0)
        rc = pos_error(&node->pos, err, "%s: a rule names at least one axis", what);
    for (size_t i = 0; rc == 0 && i < node->n; i++) {
        size_t axis;

        rc = find_axis(m, node->key[i], &axis, err);
        if (rc == 0)
            rc = read_words(m->values[axis], arena, node->item[i], &r->fits[axis], err);
    }
    return rc;
}

/* How a place of the product stands on an axis. */
static size_t value_at(const struct matrix *m, size_t place, size_t axis)
{
    return place / m->stride[axis] % m->values[axis]->n;
}

static bool fits_rule(const struct matrix *m, const struct rule *r, size_t place)
{
    for (size_t i = 0; i < m->n_axes; i++)
        if (r->fits[i] && !r->fits[i][value_at(m, place, i)])
            return false;
    return true;
}

/* fits[] gets, of each place, whether it fits one of the rules. */
static int sift(const struct matrix *m, struct arena *arena, const char *what,
                const struct node *rules, bool *fits, struct error *err)
{
    const struct node *node;
    int rc = 0;

    for (size_t k = 0; rc == 0 && (node = nth(rules, k)) != NULL; k++) {
        struct rule r;

        rc = read_rule(m, arena, what, node, &r, err);
        for (size_t p = 0; rc == 0 && p < m->n_places; p++)
            fits[p] |= fits_rule(m, &r, p);
    }
    return rc;
}

/* Not a value that only `include:` has named. */
static bool is_in_base(const struct matrix *m, const size_t base[], size_t place)
{
    for (size_t i = 0; i < m->n_axes; i++)
        if (value_at(m, place, i) >= base[i])
            return false;
    return true;
}

int sieve_read(const struct matrix *m, struct arena *arena, const struct node *node,
               const size_t base[], bool **keep, struct error *err)
{
    const struct node *where = node_get(node, "where"),
                      *exclude = node_get(node, "exclude"),
                      *include = node_get(node, "include");
    bool *wanted, *unwanted;
    int rc;

    *keep = NULL;
    if (!where && !exclude && !include)
        return 0;
    wanted = arena_alloc(arena, m->n_places * sizeof *wanted);
    unwanted = arena_alloc(arena, m->n_places * sizeof *unwanted);
    rc = sift(m, arena, "where", where, wanted, err);
    if (rc == 0)
        rc = sift(m, arena, "exclude", exclude, unwanted, err);
    for (size_t p = 0; rc == 0 && p < m->n_places; p++)
        wanted[p] = (wanted[p] || !where) && !unwanted[p] && is_in_base(m, base, p);
    if (rc == 0)
        keep_included(m, include, wanted);
    *keep = wanted;
    return rc;
}
