#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "expr.h"

/* A scalar that stands alone on the first line of a recipe. */
static struct node scalar(struct recipe_text *text, const char *s)
{
    *text = (struct recipe_text){
        .file = "r.yaml", .path = "/r.yaml", .s = s, .n = strlen(s)
    };
    return (struct node){
        .kind = NODE_SCALAR, .pos = { "r.yaml", 1, 1, text }, .text = s, .plain = true
    };
}

static struct node *word(struct arena *arena, const char *s, bool plain)
{
    struct node *n = arena_alloc(arena, sizeof *n);

    *n = (struct node){ .kind = NODE_SCALAR, .text = s, .plain = plain };
    return n;
}

/* params: {n: 3, deep: {x: "text"}} and an axis arch=alexnet. */
struct world {
    struct arena arena;
    struct node params, deep, *value[1];
    const char *axis[1], *env[1], *env_value[1];
    struct scope scope;
};

static void make(struct world *w)
{
    w->deep = (struct node){ .kind = NODE_MAP };
    node_set(&w->arena, &w->deep, word(&w->arena, "x", true),
             word(&w->arena, "text", false));
    w->params = (struct node){ .kind = NODE_MAP };
    node_set(&w->arena, &w->params, word(&w->arena, "n", true),
             word(&w->arena, "3", true));
    node_set(&w->arena, &w->params, word(&w->arena, "deep", true), &w->deep);
    w->axis[0] = "arch";
    w->value[0] = word(&w->arena, "alexnet", true);
    w->env[0] = "FRUIT";
    w->env_value[0] = "plum";
    w->scope = (struct scope){ .arena = &w->arena,
                               .params = &w->params,
                               .axis = w->axis,
                               .axis_value = w->value,
                               .n_axes = 1,
                               .env = w->env,
                               .env_value = w->env_value,
                               .n_env = 1 };
}

static int value_of(struct world *w, const char *s, struct value *v, struct error *err)
{
    struct recipe_text *text = arena_alloc(&w->arena, sizeof *text);
    struct node *n = arena_alloc(&w->arena, sizeof *n);

    *n = scalar(text, s);
    return expr_value(&w->scope, n, "option x", v, err);
}

Test(expr, a_lone_expression_keeps_its_type)
{
    struct world w = { 0 };
    struct value v;

    make(&w);
    cr_assert_eq(value_of(&w, "${params.n}", &v, NULL), 0);
    cr_assert_str_eq(v.text, "3");
    cr_assert(v.plain);
    cr_assert_eq(value_of(&w, "${params.deep.x}", &v, NULL), 0);
    cr_assert_not(v.plain);
    arena_release(&w.arena);
}

Test(expr, a_text_with_expressions_is_a_text)
{
    struct world w = { 0 };
    struct value v;

    make(&w);
    cr_assert_eq(value_of(&w, "${m.arch}-${params.n}/${env.FRUIT}$5 $${x}", &v, NULL), 0);
    cr_assert_str_eq(v.text, "alexnet-3/plum$5 ${x}");
    cr_assert_not(v.plain);
    arena_release(&w.arena);
}

Test(expr, unknown_names_stand_at_their_own_column)
{
    struct world w = { 0 };
    struct error err = { 0 };
    struct value v;

    make(&w);
    cr_assert_eq(value_of(&w, "é ${params.m}", &v, &err), E_INPUT);
    cr_assert_str_eq(err.text, "r.yaml:1:3: there is no params.m; there are n and deep\n"
                               "    é ${params.m}\n"
                               "      ^");
    arena_release(&w.arena);
}

Test(expr, pieces_are_split_at_expressions)
{
    struct arena arena = { 0 };
    struct recipe_text text;
    struct node n = scalar(&text, "-o${out.png} ${in.x[*]}");
    struct piece *p = NULL;
    size_t count = 0;

    cr_assert_eq(expr_split(&arena, &n, &p, &count, NULL), 0);
    cr_assert_eq(count, 4);
    cr_assert(p[0].is_text && !strcmp(p[0].text, "-o"));
    cr_assert(p[1].ref == REF_OUT && !strcmp(p[1].text, "png"));
    cr_assert(p[3].ref == REF_IN && p[3].each && !strcmp(p[3].text, "x"));
    arena_release(&arena);
}

Test(expr, what_is_no_lookup_is_refused)
{
    static const char *const wrong[] = {
        "${}",     "${params}",      "${params.}",   "${params..n}",
        "${n}",    "${params.n",     "${m.kind}",    "${env.TREE}",
        "${in.x}", "${params.n[*]}", "${params[n]}", "${params.n*2}"
    };
    struct world w = { 0 };

    make(&w);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct value v;
        cr_assert_eq(value_of(&w, wrong[i], &v, NULL), E_INPUT, "%s is taken", wrong[i]);
    }
    arena_release(&w.arena);
}

Test(expr, only_the_chosen_branch_of_a_case_is_read)
{
    struct world w = { 0 };
    struct node map = { .kind = NODE_MAP };
    struct value v;
    struct error err = { 0 };

    make(&w);
    node_set(&w.arena, &map, word(&w.arena, "case", true),
             word(&w.arena, "${m.arch}", false));
    node_set(&w.arena, &map, word(&w.arena, "alexnet", true), word(&w.arena, "1", true));
    node_set(&w.arena, &map, word(&w.arena, "vgg", true),
             word(&w.arena, "${no.such}", true));
    cr_assert_eq(expr_value(&w.scope, &map, "seed", &v, NULL), 0);
    cr_assert_str_eq(v.text, "1");
    w.value[0] = word(&w.arena, "resnet50", true);
    cr_assert_eq(expr_value(&w.scope, &map, "seed", &v, &err), E_INPUT);
    cr_assert_str_eq(err.text,
                     "case: there is no branch for resnet50; there are alexnet and vgg");
    arena_release(&w.arena);
}
