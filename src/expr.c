#include "expr.h"

#include <string.h>

#include "larder/banned.h"
#include "witness.h"

enum { LOCAL_DEPTH = 8 };

static const char *const roots[] = { "params", "m", "env", "in", "out", "tool" };
enum { N_ROOTS = sizeof roots / sizeof *roots };

/* A pointer to the place of a piece, for messages. */
#define AT(p) ((struct pos[]){ expr_pos(p) })

/* ---- splitting --------------------------------------------------------------------- */

struct pos expr_pos(const struct piece *p)
{
    return node_pos_inside(p->node, p->at);
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '-' || c == '.';
}

/* Reads ROOT.NAME or ROOT.NAME[*] from s up to its end. */
static int read_reference(struct arena *arena, const char *s, size_t n, struct piece *p,
                          struct error *err)
{
    char *text = arena_strndup(arena, s, n);
    size_t i = 0, dot = strcspn(text, ".");

    if (n > 3 && !strcmp(text + n - 3, "[*]")) {
        p->each = true;
        text[n -= 3] = '\0';
    }
    while (is_name_char(text[i]))
        i++;
    if (n == 0 || i < n || text[n - 1] == '.' || strstr(text, ".."))
        return pos_error(AT(p), err,
                         "\"${%.*s}\" is no expression; they are ${params.x}, ${m.axis}, "
                         "${env.X}, ${in.x}, ${in.x[*]}, ${out.x} and ${tool.x}; write "
                         "$${ for a ${ that is none",
                         (int)(n > 60 ? 60 : n), s);
    char *root = arena_strndup(arena, text, dot < n ? dot : n);
    for (i = 0; i < N_ROOTS && strcmp(root, roots[i]) != 0; i++)
        ;
    if (i == N_ROOTS)
        return suggest_error(
            AT(p), err, root, roots, N_ROOTS,
            "an expression cannot begin with %s (write $${ for a ${ that "
            "is none)",
            root);
    if (dot >= n)
        return pos_error(AT(p), err, "${%s} says not which; write ${%s.NAME}", root,
                         root);
    p->ref = (enum ref_kind)i;
    p->text = text + dot + 1;
    if (p->each && p->ref != REF_IN)
        return pos_error(AT(p), err, "[*] goes with ${in.x} only");
    return 0;
}

static void add_text(struct arena *arena, struct piece *piece, size_t *n,
                     struct buf *text)
{
    if (text->len == 0)
        return;
    piece[(*n)++] =
        (struct piece){ .is_text = true, .text = arena_strdup(arena, text->s) };
    buf_reset(text);
}

int expr_split(struct arena *arena, const struct node *node, struct piece **out,
               size_t *n_out, struct error *err)
{
    size_t n = 0, max = 1;
    struct buf text = { 0 };
    int rc = 0;

    for (const char *s = node->text; (s = strstr(s, "${")); s += 2)
        max += 2;
    struct piece *piece = arena_alloc(arena, max * sizeof *piece);
    for (const char *s = node->text; *s && rc == 0;) {
        if (!strncmp(s, "$${", 3)) {
            buf_adds(&text, "${");
            s += 3;
        } else if (!strncmp(s, "${", 2)) {
            const char *end = strchr(s, '}');
            add_text(arena, piece, &n, &text);
            piece[n].node = node;
            piece[n].at = (size_t)(s - node->text);
            if (!end)
                rc = pos_error(AT(&piece[n]), err,
                               "this ${ has no }: write $${ for a ${ that is none");
            else
                rc = read_reference(arena, s + 2, (size_t)(end - s - 2), &piece[n], err);
            n++;
            s = end ? end + 1 : "";
        } else {
            buf_addc(&text, *s++);
        }
    }
    add_text(arena, piece, &n, &text);
    buf_release(&text);
    *out = piece;
    *n_out = n;
    return rc;
}

/* ---- looking up -------------------------------------------------------------------- */

static int look_up_params(const struct scope *s, const struct piece *p, struct value *v,
                          struct error *err)
{
    const struct node *at = s->params;
    const struct node *local = strchr(p->text, '.') ? NULL : node_get(s->local, p->text);

    if (local) {
        struct scope inner = *s;
        if (++inner.depth > LOCAL_DEPTH)
            return pos_error(AT(p), err,
                             "${params.%s} leads back to itself: write a value somewhere",
                             p->text);
        return expr_value(&inner, local, p->text, v, err);
    }
    for (const char *name = p->text; name;) {
        size_t n = strcspn(name, ".");
        char *word = arena_strndup(s->arena, name, n);
        const struct node *found = node_get(at, word);
        if (!found)
            return suggest_key_error(AT(p), err, word, at, "there is no params.%.*s",
                                     (int)(name - p->text + (long)n), p->text);
        at = found;
        name = name[n] ? name + n + 1 : NULL;
    }
    if (at->kind == NODE_MAP)
        return suggest_key_error(AT(p), err, "", at, "params.%s is a map", p->text);
    if (at->kind != NODE_SCALAR)
        return pos_error(AT(p), err, "params.%s is %s, not one value", p->text,
                         node_what(at));
    *v = (struct value){ at->text, at->plain, at->pos, NULL };
    return 0;
}

static int look_up_env(const struct scope *s, const struct piece *p, struct value *v,
                       struct error *err)
{
    for (size_t i = 0; i < s->n_env; i++) {
        if (strcmp(s->env[i], p->text) != 0)
            continue;
        if (s->env_passed && s->env_passed[i])
            return pos_error(AT(p), err,
                             "env.%s is passed to the step and not part of its key, so "
                             "nothing can be made of it here; let the command read it",
                             p->text);
        if (!s->env_value[i])
            return pos_error(AT(p), err, "the variable %s is not set", p->text);
        *v = (struct value){ s->env_value[i], false, p->node->pos, NULL };
        return 0;
    }
    if (!s->any_env)
        return suggest_error(AT(p), err, p->text, s->env, s->n_env,
                             "env.%s is not declared; write env: [%s] in the stage",
                             p->text, p->text);
    *v = (struct value){ witness_env(s->witness, p->text), false, p->node->pos, p->text };
    if (v->text && *v->text)
        v->text = arena_strdup(s->arena, v->text);
    else
        v->text = NULL;
    return 0;
}

int expr_piece(const struct scope *s, const struct piece *p, struct value *v,
               struct error *err)
{
    switch (p->ref) {
    case REF_PARAMS:
        return look_up_params(s, p, v, err);
    case REF_ENV:
        return look_up_env(s, p, v, err);
    case REF_MATRIX:
        for (size_t i = 0; i < s->n_axes; i++)
            if (!strcmp(s->axis[i], p->text)) {
                const struct node *n = s->axis_value[i];
                *v = (struct value){ n->text, n->plain, n->pos, NULL };
                return 0;
            }
        if (s->n_axes == 0)
            return pos_error(AT(p), err, "there is no m.%s: nothing here has a matrix",
                             p->text);
        return suggest_error(AT(p), err, p->text, s->axis, s->n_axes, "there is no m.%s",
                             p->text);
    case REF_IN:
    case REF_OUT:
    case REF_TOOL:
        break;
    }
    return pos_error(AT(p), err,
                     "${%s.%s} has a meaning in run: and sh: only: take it out here",
                     roots[p->ref], p->text);
}

/* ---- values ------------------------------------------------------------------------ */

bool expr_is_case(const struct node *node)
{
    return node->kind == NODE_MAP && node_get(node, "case");
}

bool expr_is_fixed(const struct node *node)
{
    return node->kind == NODE_SCALAR && !strstr(node->text, "${");
}

static int no_branch(const struct node *map, const struct node *of, const char *value,
                     struct error *err)
{
    const char **names = xcalloc(map->n + 1, sizeof *names);
    size_t n = 0;
    int rc;

    for (size_t i = 0; i < map->n; i++)
        if (map->item[i] != of)
            names[n++] = map->key[i]->text;
    rc = suggest_error(&of->pos, err, value, names, n, "case: there is no branch for %s",
                       value);
    free(names);
    return rc;
}

int expr_branch(const struct scope *s, const struct node *node,
                const struct node **branch, struct error *err)
{
    for (*branch = node; expr_is_case(*branch);) {
        const struct node *of = node_get(*branch, "case"), *found = NULL;
        struct value v;
        int rc = expr_value(s, of, "case", &v, err);
        if (rc < 0)
            return rc;
        for (size_t i = 0; i < (*branch)->n; i++)
            if ((*branch)->item[i] != of && !strcmp((*branch)->key[i]->text, v.text))
                found = (*branch)->item[i];
        if (!found)
            return no_branch(*branch, of, v.text, err);
        *branch = found;
    }
    return 0;
}

static int join(const struct scope *s, const struct piece *piece, size_t n,
                struct value *v, struct error *err)
{
    struct buf text = { 0 };
    int rc = 0;

    for (size_t i = 0; i < n && rc == 0; i++) {
        struct value part = { .text = piece[i].text };
        if (!piece[i].is_text)
            rc = expr_piece(s, &piece[i], &part, err);
        if (rc == 0 && !part.text)
            v->missing = part.missing;
        if (rc == 0 && part.text)
            buf_adds(&text, part.text);
    }
    v->text = v->missing ? NULL : arena_strdup(s->arena, buf_str(&text));
    buf_release(&text);
    return rc;
}

int expr_value(const struct scope *s, const struct node *node, const char *what,
               struct value *v, struct error *err)
{
    struct piece *piece;
    size_t n;
    int rc;

    rc = expr_branch(s, node, &node, err);
    if (rc == 0 && node->kind != NODE_SCALAR)
        rc = pos_error(&node->pos, err, "%s is %s, not one value", what, node_what(node));
    if (rc < 0)
        return rc;
    *v = (struct value){ node->text, node->plain, node->pos, NULL };
    if (!strstr(node->text, "${"))
        return 0;
    rc = expr_split(s->arena, node, &piece, &n, err);
    if (rc < 0)
        return rc;
    if (n == 1 && !piece[0].is_text)
        return expr_piece(s, &piece[0], v, err);
    v->plain = false;
    return join(s, piece, n, v, err);
}
