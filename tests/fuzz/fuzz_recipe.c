/* A recipe: what is read becomes a plan, whose steps have names, keys and a copy. Run it
 * with -max_len=4000: a matrix may have a million members. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "key.h"
#include "larder/mem.h"
#include "place.h"
#include "plan.h"
#include "plancopy.h"

enum { STEPS = 50, COPY_ROOM = 1 << 20 };

/* Those of tests/recipes, asked once. */
static struct programs *programs(void)
{
    static struct programs *p;

    if (!p) {
        setenv("LARDER_PROGRAMS", LARDER_SOURCE "/tests/recipes/programs", 1);
        place_file("part.yaml", "params: {n: 2}\n", 15);
        place_file("table.tsv", "arch\tsha256\tsize\tfrom\n", 21);
        place_file("data/a.txt", "a\n", 2);
        place_file("plot.py", "print()\n", 8);
        programs_open(&p, "/nowhere", NULL, NULL, NULL);
    }
    return p;
}

/* The key, as if every file had the same content. */
static void make_key(const struct step *step)
{
    struct arena arena = { 0 };
    struct object **input = arena_alloc(&arena, (step->n_inputs + 1) * sizeof *input);
    struct key_facts facts = { .input = input };
    struct buf text = { 0 };
    struct digest key, other;

    for (size_t i = 0; i < step->n_inputs; i++)
        input[i] = arena_alloc(&arena, (step->input[i].n_items + 1) * sizeof **input);
    facts.code = arena_alloc(&arena, (step->n_code + 1) * sizeof *facts.code);
    facts.tool = arena_alloc(&arena, (step->n_tools + 1) * sizeof *facts.tool);
    key_of_step(step, &facts, &text, &key);
    digest_bytes(&other, text.s, text.len);
    if (!digest_equal(&key, &other))
        abort();
    buf_release(&text);
    arena_release(&arena);
}

static void look_at(const struct plan *plan)
{
    bool *chosen = calloc(plan->n_steps + 1, sizeof *chosen);
    char *copy = calloc(1, COPY_ROOM);

    for (size_t i = 0; i < plan->n_steps && i < STEPS; i++) {
        if (plan_find(plan, plan->step[i]->name) != plan->step[i])
            abort();
        if (plan_choose(plan, plan->step[i]->name, chosen, NULL, NULL) < 0)
            abort();
        make_key(plan->step[i]);
    }
    plan_close(plan, chosen);
    if (plan->n_steps < STEPS)
        plan_copy(plan, copy, COPY_ROOM);
    free(copy);
    free(chosen);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct recipe *recipe = NULL;
    struct plan *plan = NULL;
    struct error err = { 0 };
    struct programs *p = programs();

    place_file("larder.yaml", bytes, n);
    if (recipe_read(&recipe, place_folder(), "larder.yaml", NULL, NULL, 0, NULL, NULL,
                    &err) == 0 &&
        plan_build(&plan, recipe, p, &err) == 0)
        look_at(plan);
    plan_free(plan);
    recipe_free(recipe);
    return 0;
}
