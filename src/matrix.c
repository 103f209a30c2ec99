#include "matrix.h"

#include <fnmatch.h>
#include <string.h>

#include "larder/buf.h"
#include "sieve.h"

#include "larder/banned.h"

/* ---- values ------------------------------------------------------------------------ */

/* Values stand in step names and selections, so they leave out what those are made of. */
int matrix_check_value(const struct node *node, struct error *err)
{
    int rc = node_expect(node, NODE_SCALAR, "a value of an axis", err);
    const char *bad;

    if (rc < 0)
        return rc;
    if (!*node->text)
        return pos_error(&node->pos, err, "a value of an axis cannot be empty");
    bad = strpbrk(node->text, ",=[]@*?{}$\"'\\\n\t ");
    if (bad)
        return pos_error(
            &node->pos, err,
            "a value of an axis cannot contain \"%c\": write another word for it", *bad);
    return 0;
}

static int add_values(struct values_pool *pool, struct arena *arena,
                      const struct node *list, const char *what, struct values **out,
                      struct error *err)
{
    struct values *v = arena_alloc(arena, sizeof *v);
    int rc = node_expect(list, NODE_LIST, what, err);

    *out = v;
    GROW(pool->values, pool->n + 1, pool->cap);
    pool->values[pool->n++] = v;
    if (rc == 0 && list->n == 0)
        rc = pos_error(&list->pos, err, "%s has no values", what);
    v->node = list->item;
    v->n = list->n;
    for (size_t i = 0; rc == 0 && i < v->n; i++) {
        rc = matrix_check_value(v->node[i], err);
        if (rc == 0 && map_set(&v->index, v->node[i]->text, &v->node[i]))
            rc = pos_error(&v->node[i]->pos, err, "%s has %s twice: take one out", what,
                           v->node[i]->text);
    }
    return rc;
}

/* `stage` and `path` are columns that every manifest may have; rules have names too. */
static int check_axis_name(const struct node *key, struct error *err)
{
    int rc = node_check_name(key, "an axis", err);

    if (rc == 0 && (!strcmp(key->text, "path") || !strcmp(key->text, "stage") ||
                    sieve_is_key(key->text)))
        rc = pos_error(&key->pos, err, "an axis cannot be called %s: use another name",
                       key->text);
    return rc;
}

int values_pool_read(struct values_pool *pool, struct arena *arena,
                     const struct node *axes, struct error *err)
{
    int rc = 0;

    if (!axes || axes->kind == NODE_NULL)
        return 0;
    for (size_t i = 0; rc == 0 && i < axes->n; i++) {
        struct values *v = NULL;
        rc = node_check_name(axes->key[i], "an axis", err);
        if (rc == 0)
            rc = add_values(pool, arena, axes->item[i],
                            arena_printf(arena, "axis %s", axes->key[i]->text), &v, err);
        if (rc == 0)
            map_set(&pool->named, axes->key[i]->text, v);
    }
    return rc;
}

void values_add(struct values **at, struct values_pool *pool, struct arena *arena,
                struct node *value, size_t n_shared)
{
    struct values *old = *at, *v = old;

    if (map_get(&old->index, value->text))
        return;
    if (old->n == n_shared) {
        v = arena_alloc(arena, sizeof *v);
        GROW(pool->values, pool->n + 1, pool->cap);
        pool->values[pool->n++] = v;
    }
    struct node **node = arena_alloc(arena, (old->n + 1) * sizeof *node);
    memcpy(node, old->node, old->n * sizeof *node);
    node[old->n] = value;
    v->n = old->n + 1;
    v->node = node;
    for (size_t i = 0; i < v->n; i++)
        map_set(&v->index, node[i]->text, &node[i]);
    *at = v;
}

void values_pool_release(struct values_pool *pool)
{
    for (size_t i = 0; i < pool->n; i++)
        map_release(&pool->values[i]->index);
    free(pool->values);
    map_release(&pool->named);
    *pool = (struct values_pool){ 0 };
}

/* ---- a matrix ---------------------------------------------------------------------- */

static int named_values(const struct values_pool *pool, const struct node *node,
                        const char *name, struct values **v, struct error *err)
{
    const char **names;
    int rc;

    *v = map_get(&pool->named, name);
    if (*v)
        return 0;
    names = xcalloc(pool->named.n + 1, sizeof *names);
    for (size_t i = 0; i < pool->named.n; i++)
        names[i] = pool->named.entry[i].key;
    rc = suggest_error(&node->pos, err, name, names, pool->named.n, "there is no axis %s",
                       name);
    free(names);
    return rc;
}

static int read_axis(struct matrix *m, struct values_pool *pool, struct arena *arena,
                     const struct node *key, const struct node *node, struct error *err)
{
    struct values *v = NULL;
    int rc = check_axis_name(key, err);

    if (rc < 0)
        return rc;
    if (key == node)
        rc = named_values(pool, node, node->text, &v, err);
    else if (node->kind == NODE_SCALAR && !strncmp(node->text, "axes.", 5))
        rc = named_values(pool, node, node->text + 5, &v, err);
    else if (node->kind == NODE_LIST)
        rc = add_values(pool, arena, node, arena_printf(arena, "axis %s", key->text), &v,
                        err);
    else
        rc = pos_error(&node->pos, err,
                       "axis %s is neither axes.NAME nor a list of values", key->text);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < m->n_axes; i++)
        if (!strcmp(m->axis[i], key->text))
            return pos_error(&key->pos, err,
                             "axis %s stands twice in the matrix: take one out",
                             key->text);
    m->axis[m->n_axes] = key->text;
    m->values[m->n_axes++] = v;
    return 0;
}

/* The product, in which the last axis changes fastest. */
static int lay_out(struct matrix *m, const struct node *node, struct error *err)
{
    m->n_places = 1;
    for (size_t i = m->n_axes; i-- > 0;) {
        m->stride[i] = m->n_places;
        if (m->n_places * m->values[i]->n > MATRIX_MEMBERS)
            return pos_error(&node->pos, err,
                             "the matrix has more than %d members: write fewer values, "
                             "or where: rules",
                             MATRIX_MEMBERS);
        m->n_places *= m->values[i]->n;
    }
    m->n = m->n_places;
    return 0;
}

/* Numbers the places that are members. */
static int number(struct matrix *m, struct arena *arena, const struct node *node,
                  const bool *keep, struct error *err)
{
    if (!keep)
        return 0;
    m->n = 0;
    m->place = arena_alloc(arena, (m->n_places + 1) * sizeof *m->place);
    m->member_at = arena_alloc(arena, (m->n_places + 1) * sizeof *m->member_at);
    for (size_t p = 0; p < m->n_places; p++) {
        m->member_at[p] = keep[p] ? m->n : MATRIX_NONE;
        if (keep[p])
            m->place[m->n++] = p;
    }
    return m->n ? 0
                : pos_error(&node->pos, err,
                            "the rules of the matrix leave no member: take one out");
}

/* A map has rules beside its axes. */
static int read_axes(struct matrix *m, struct values_pool *pool, struct arena *arena,
                     const struct node *node, struct error *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < node->n; i++) {
        const struct node *key = node->kind == NODE_MAP ? node->key[i] : node->item[i];

        rc = node_expect(key, NODE_SCALAR, "an axis", err);
        if (rc == 0 && node->kind == NODE_MAP && sieve_is_key(key->text))
            continue;
        if (rc == 0 && m->n_axes == MATRIX_AXES)
            rc = pos_error(&node->pos, err, "a matrix has at most %d axes", MATRIX_AXES);
        if (rc == 0)
            rc = read_axis(m, pool, arena, key, node->item[i], err);
    }
    return rc;
}

int matrix_read(struct matrix *m, struct values_pool *pool, struct arena *arena,
                const struct node *node, struct error *err)
{
    size_t base[MATRIX_AXES];
    bool *keep = NULL;
    int rc = 0;

    *m = (struct matrix){ .n = 1, .n_places = 1 };
    if (!node)
        return 0;
    if (node->kind != NODE_LIST)
        rc = node_expect(node, NODE_MAP, "matrix", err);
    if (rc < 0)
        return rc;
    m->axis = arena_alloc(arena, (node->n + 1) * sizeof *m->axis);
    m->values = arena_alloc(arena, (node->n + 1) * sizeof *m->values);
    m->stride = arena_alloc(arena, (node->n + 1) * sizeof *m->stride);
    rc = read_axes(m, pool, arena, node, err);
    if (rc == 0)
        rc = sieve_extend(m, pool, arena, node, base, err);
    if (rc == 0)
        rc = lay_out(m, node, err);
    if (rc == 0)
        rc = sieve_read(m, arena, node, base, &keep, err);
    return rc < 0 ? rc : number(m, arena, node, keep, err);
}

struct node *matrix_node(const struct matrix *m, size_t member, size_t axis)
{
    const struct values *v = m->values[axis];
    size_t place = m->place ? m->place[member] : member;

    return v->node[place / m->stride[axis] % v->n];
}

const char **matrix_values(const struct matrix *m, struct arena *arena, size_t member)
{
    const char **value = arena_alloc(arena, (m->n_axes + 1) * sizeof *value);

    for (size_t i = 0; i < m->n_axes; i++)
        value[i] = matrix_node(m, member, i)->text;
    return value;
}

/* ---- selecting --------------------------------------------------------------------- */

size_t matrix_axis(const struct matrix *m, const char *name)
{
    size_t i = 0;

    while (i < m->n_axes && strcmp(m->axis[i], name) != 0)
        i++;
    return i;
}

/* The position of a value on an axis, or -1. */
static long find_value(const struct values *v, const char *text)
{
    struct node **at = map_get(&v->index, text);

    return at ? (long)(at - v->node) : -1;
}

size_t matrix_place(const struct matrix *m, const char *const *value)
{
    size_t place = 0;

    for (size_t i = 0; i < m->n_axes; i++)
        place += (size_t)find_value(m->values[i], value[i]) * m->stride[i];
    return place;
}

/* MATRIX_NONE where the rules leave it out. */
static size_t member_at(const struct matrix *m, size_t place)
{
    return m->member_at ? m->member_at[place] : place;
}

long matrix_member(const struct matrix *m, const char *const *value)
{
    for (size_t i = 0; i < m->n_axes; i++)
        if (find_value(m->values[i], value[i]) < 0)
            return -1;
    return (long)member_at(m, matrix_place(m, value));
}

static int no_such_value(const struct matrix *m, size_t axis, const char *name,
                         const struct reference *r, const char *value, size_t at,
                         struct error *err)
{
    const struct values *v = m->values[axis];
    const char **names = xcalloc(v->n, sizeof *names);
    struct pos pos = reference_pos(r, at);
    int rc;

    for (size_t i = 0; i < v->n; i++)
        names[i] = v->node[i]->text;
    rc = suggest_error(&pos, err, value, names, v->n, "axis %s of %s has no value %s%s",
                       m->axis[axis], name, strpbrk(value, "*?") ? "like " : "", value);
    free(names);
    return rc;
}

/* The values of an axis that a selection leaves. */
struct choice {
    const size_t *at; /* NULL: all of them */
    size_t n;
    bool open; /* gives a list, even of one */
};

static const char *own_value(const struct matrix *own, size_t own_member,
                             const char *axis)
{
    size_t i = matrix_axis(own, axis);

    return i < own->n_axes ? matrix_node(own, own_member, i)->text : NULL;
}

/* The values that `value` means: one by name, or all that fit it as a glob. None: n is 0.
 */
static void choose_values(const struct values *v, const char *value, struct arena *arena,
                          struct choice *c)
{
    long one = find_value(v, value);
    size_t *at;

    *c = (struct choice){ .open = strpbrk(value, "*?") != NULL };
    if (!strcmp(value, "*")) {
        c->n = v->n;
        return;
    }
    at = arena_alloc(arena, (c->open ? v->n : 1) * sizeof *at);
    for (size_t i = 0; c->open && i < v->n; i++)
        if (fnmatch(value, v->node[i]->text, 0) == 0)
            at[c->n++] = i;
    if (one >= 0)
        at[c->n++] = (size_t)one;
    c->at = at;
}

/* Sets choice[] of each axis: all values where nothing is said. */
static int choose_axes(const struct matrix *m, const char *name,
                       const struct reference *r, const struct matrix *own,
                       size_t own_member, struct arena *arena, struct choice *choice,
                       struct error *err)
{
    for (size_t i = 0; i < m->n_axes; i++) {
        const char *value = r->own ? own_value(own, own_member, m->axis[i]) : NULL;
        choose_values(m->values[i], value ? value : "*", arena, &choice[i]);
    }
    for (size_t t = 0; t < r->n_terms; t++) {
        const struct reference_term *term = &r->term[t];
        size_t i = matrix_axis(m, term->axis);
        if (i == m->n_axes) {
            struct pos pos = reference_pos(r, term->at);
            return suggest_error(&pos, err, term->axis, m->axis, m->n_axes,
                                 "%s has no axis %s", name, term->axis);
        }
        choose_values(m->values[i], term->value, arena, &choice[i]);
        if (choice[i].n == 0)
            return no_such_value(m, i, name, r, term->value, term->at, err);
    }
    for (size_t i = 0; i < m->n_axes; i++)
        if (choice[i].n == 0)
            return no_such_value(m, i, name, r, own_value(own, own_member, m->axis[i]), 0,
                                 err);
    return 0;
}

static void enumerate(const struct matrix *m, const struct choice *choice,
                      struct arena *arena, struct members *out)
{
    size_t n = 1;

    for (size_t i = 0; i < m->n_axes; i++) {
        out->open |= choice[i].open;
        n *= choice[i].n;
    }
    out->member = arena_alloc(arena, n * sizeof *out->member);
    for (size_t k = 0; k < n; k++) {
        size_t left = k, place = 0, member;
        for (size_t i = m->n_axes; i-- > 0;) {
            size_t at = left % choice[i].n;
            left /= choice[i].n;
            place += (choice[i].at ? choice[i].at[at] : at) * m->stride[i];
        }
        member = member_at(m, place);
        if (member != MATRIX_NONE)
            out->member[out->n++] = member;
    }
}

/* What is selected is no member: the rules leave it out. */
static int left_out(const struct matrix *m, const char *name, const struct choice *choice,
                    const struct pos *pos, struct error *err)
{
    struct buf text = { 0 };
    int rc;

    for (size_t i = 0; i < m->n_axes; i++) {
        buf_printf(&text, "%s%s=", i ? "," : "", m->axis[i]);
        if (choice[i].n == 1)
            buf_adds(&text, m->values[i]->node[choice[i].at ? *choice[i].at : 0]->text);
        else
            buf_addc(&text, '*');
    }
    rc = pos_error(pos, err,
                   "%s has no member %s: the rules of its matrix leave it out; "
                   "name another one, or change them",
                   name, buf_str(&text));
    buf_release(&text);
    return rc;
}

int matrix_select(const struct matrix *m, const char *name, const struct reference *r,
                  const struct matrix *own, size_t own_member, struct arena *arena,
                  struct members *out, struct error *err)
{
    struct pos pos = r->pos;
    struct choice choice[MATRIX_AXES];
    int rc;

    *out = (struct members){ 0 };
    if (m->n_axes > 0 && !r->selects)
        return pos_error(&pos, err,
                         "%s has a matrix; say which of its %zu members: [@] for our own "
                         "values, [%s=VALUE], or [*] for all",
                         name, m->n, m->axis[0]);
    rc = choose_axes(m, name, r, own, own_member, arena, choice, err);
    if (rc == 0)
        enumerate(m, choice, arena, out);
    return rc == 0 && out->n == 0 ? left_out(m, name, choice, &pos, err) : rc;
}
