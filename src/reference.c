#include "reference.h"

#include <string.h>

#include "larder/banned.h"

struct pos reference_pos(const struct reference *r, size_t at)
{
    if (r->node->kind == NODE_SCALAR && !strcmp(r->node->text, r->text))
        return node_pos_inside(r->node, at);
    return r->pos;
}

static int refuse(const struct reference *r, size_t at, struct error *err,
                  const char *what)
{
    struct pos pos = reference_pos(r, at);

    return pos_error(&pos, err,
                     "%s; write ./path, import.NAME, STAGE.OUTPUT or "
                     "STAGE[axis=value].OUTPUT",
                     what);
}

/* A word without the blanks around it, in arena memory. */
static const char *trimmed(struct arena *arena, const char *s, size_t n)
{
    while (n > 0 && *s == ' ') {
        s++;
        n--;
    }
    while (n > 0 && s[n - 1] == ' ')
        n--;
    return arena_strndup(arena, s, n);
}

static int read_term(struct reference *r, struct arena *arena, const char *s, size_t n,
                     struct error *err)
{
    const char *term = trimmed(arena, s, n), *equals = strchr(term, '=');
    size_t at = (size_t)(s - r->text) + strspn(s, " ");
    struct reference_term *t = &r->term[r->n_terms];

    if (!*term)
        return refuse(r, at, err, "an empty selection");
    if (r->n_terms == REFERENCE_TERMS)
        return refuse(r, at, err, "too long a selection");
    if (!strcmp(term, "@") || !strcmp(term, "*")) {
        r->own |= *term == '@';
        return 0;
    }
    if (!equals)
        return refuse(r, at, err, "a selection is axis=value, axis=*, * or @");
    t->axis = trimmed(arena, term, (size_t)(equals - term));
    t->value = trimmed(arena, equals + 1, strlen(equals + 1));
    t->at = at;
    for (size_t i = 0; i < r->n_terms; i++)
        if (!strcmp(r->term[i].axis, t->axis))
            return refuse(r, at, err, "an axis is selected twice");
    r->n_terms++;
    return 0;
}

/* Reads from [ to ]; *end is set to what follows. */
static int read_selection(struct reference *r, struct arena *arena, const char *s,
                          const char **end, struct error *err)
{
    const char *close = strchr(s, ']');
    int rc = 0;

    if (r->selects)
        return refuse(r, (size_t)(s - r->text), err, "a second selection");
    if (!close)
        return refuse(r, (size_t)(s - r->text), err, "this [ has no ]");
    r->selects = true;
    for (s++; rc == 0 && s <= close;) {
        size_t n = strcspn(s, ",]");
        rc = read_term(r, arena, s, n, err);
        s += n + 1;
    }
    *end = close + 1;
    return rc;
}

int reference_read(struct reference *r, struct arena *arena, const struct node *node,
                   const char *text, const struct pos *pos, struct error *err)
{
    const char *s = text;
    size_t n = strcspn(text, ".[");
    int rc = 0;

    *r = (struct reference){ .text = text, .node = node, .pos = *pos, .name = text };
    if (*text == '/' || !strncmp(text, "./", 2) || !strncmp(text, "../", 3))
        return 0; /* TO_SOURCE */
    if (!strcmp(text, "plan.provenance")) {
        r->kind = TO_PROVENANCE;
        return 0;
    }
    if (strstr(text, "://"))
        return pos_error(pos, err,
                         "%s: what is fetched is pinned: write it under imports:, and "
                         "import.NAME here",
                         text);
    r->kind = TO_STAGE;
    r->name = arena_strndup(arena, s, n);
    s += n;
    if (!strcmp(r->name, "import") && *s == '.') {
        r->kind = TO_IMPORT;
        n = strcspn(++s, "[");
        r->name = arena_strndup(arena, s, n);
        s += n;
    }
    r->glob = r->kind == TO_STAGE && strpbrk(r->name, "*?");
    if (!r->glob && !name_is_word(r->name))
        return refuse(r, 0, err, "this names no input");
    if (*s == '[')
        rc = read_selection(r, arena, s, &s, err);
    if (rc == 0 && r->kind == TO_STAGE) {
        if (*s != '.')
            return refuse(r, (size_t)(s - text), err, "which output is not said");
        n = strcspn(++s, "[");
        r->output = arena_strndup(arena, s, n);
        r->output_at = (size_t)(s - text);
        s += n;
        if (*s == '[')
            rc = read_selection(r, arena, s, &s, err);
    }
    if (rc == 0 && *s)
        rc = refuse(r, (size_t)(s - text), err, "there is more than one name here");
    return rc;
}
