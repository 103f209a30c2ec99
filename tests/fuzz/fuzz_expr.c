/* A value with expressions: its pieces are those of the text, and where each stands is
 * inside of it; what is looked up is the same each time. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "expr.h"

struct world {
    struct arena arena;
    struct node params, deep, *value[1];
    const char *axis[1], *env[1], *env_value[1];
    struct recipe_text text;
    struct scope scope;
};

static struct node *word(struct arena *arena, const char *s)
{
    struct node *n = arena_alloc(arena, sizeof *n);

    *n = (struct node){ .kind = NODE_SCALAR, .text = s, .plain = true };
    return n;
}

/* params: {n: 3, deep: {x: text}, loop: ${params.loop}}, an axis and a variable. */
static void make(struct world *w)
{
    struct arena *a = &w->arena;

    w->deep = (struct node){ .kind = NODE_MAP };
    node_set(a, &w->deep, word(a, "x"), word(a, "text"));
    w->params = (struct node){ .kind = NODE_MAP };
    node_set(a, &w->params, word(a, "n"), word(a, "3"));
    node_set(a, &w->params, word(a, "deep"), &w->deep);
    node_set(a, &w->params, word(a, "loop"), word(a, "${params.loop}"));
    w->axis[0] = "arch";
    w->value[0] = word(a, "alexnet");
    w->env[0] = "FRUIT";
    w->env_value[0] = "plum";
    w->scope = (struct scope){ .arena = a,
                               .params = &w->params,
                               .local = &w->params,
                               .axis = w->axis,
                               .axis_value = w->value,
                               .n_axes = 1,
                               .env = w->env,
                               .env_value = w->env_value,
                               .n_env = 1 };
}

static void look_at_pieces(const struct piece *piece, size_t n, const char *s)
{
    size_t texts = 0;

    for (size_t i = 0; i < n; i++) {
        struct pos pos;

        if (i > 0 && piece[i].is_text && piece[i - 1].is_text)
            abort();
        texts += piece[i].is_text ? strlen(piece[i].text) : 0;
        if (piece[i].is_text)
            continue;
        if (strncmp(s + piece[i].at, "${", 2) != 0)
            abort();
        pos = expr_pos(&piece[i]);
        if (pos.line < 1 || pos.column < 1)
            abort();
    }
    if (texts > strlen(s))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct world w = { 0 };
    char *s = arena_strndup(&w.arena, (const char *)bytes, n);
    struct node node = {
        .kind = NODE_SCALAR, .pos = { "r.yaml", 1, 1, &w.text }, .text = s, .plain = true
    };
    struct error err = { 0 };
    struct piece *piece;
    struct value v, again;
    size_t n_pieces;
    int rc;

    make(&w);
    w.text = (struct recipe_text){
        .file = "r.yaml", .path = "/r.yaml", .s = s, .n = strlen(s)
    };
    if (expr_split(&w.arena, &node, &piece, &n_pieces, &err) == 0)
        look_at_pieces(piece, n_pieces, s);
    rc = expr_value(&w.scope, &node, "option x", &v, &err);
    if (rc != expr_value(&w.scope, &node, "option x", &again, &err) ||
        (rc == 0 && strcmp(v.text, again.text) != 0))
        abort();
    if (rc == 0 && expr_is_fixed(&node) && strcmp(v.text, s) != 0)
        abort();
    arena_release(&w.arena);
    return 0;
}
