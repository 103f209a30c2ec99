/*
 * Keys of random recipes: what is written in another order or called by another name
 * keeps the key; whatever can change an output changes it.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "key.h"
#include "larder/fs.h"

enum { PLANS = 200, OPTIONS = 5, VARIABLES = 2, SHUFFLED = 24 };

static const char *const option_name[OPTIONS] = { "epochs", "lr", "arch", "mirror",
                                                  "note" };

/* A stage `train`, to be written in any order. */
struct draft {
    char option[OPTIONS][24]; /* values as written; "" leaves the default */
    char variable[VARIABLES][16];
    char seed[16], stage[16], profile[16];
    bool val;   /* the optional input */
    bool extra; /* resources, visibility, checkpoint, an output's path */
    unsigned char order[SHUFFLED];
};

static uint64_t next(uint64_t *state) /* SplitMix64 */
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static int below(uint64_t *state, int n)
{
    return (int)(next(state) % (uint64_t)n);
}

/* Another value of the option than the one it has, the default included. */
static void draw_option(uint64_t *state, int i, char value[24])
{
    static const char *const nets[] = { "alexnet", "googlenet", "resnet50" };
    static const char *const standard[] = { "30", "0.04", "alexnet", "true", "\"\"" };
    char former[24];

    snprintf(former, sizeof former, "%s", *value ? value : standard[i]);
    do {
        switch (i) {
        case 0:
            snprintf(value, 24, "%d", 1 + below(state, 1000));
            break;
        case 1:
            snprintf(value, 24, "0.%03d1", below(state, 1000));
            break;
        case 2:
            snprintf(value, 24, "%s", nets[below(state, 3)]);
            break;
        case 3:
            snprintf(value, 24, "%s", below(state, 2) ? "true" : "false");
            break;
        default:
            snprintf(value, 24, "\"note %d\"", below(state, 1000));
        }
    } while (!strcmp(former, value));
}

static void shuffle(uint64_t *state, struct draft *d)
{
    for (int i = 0; i < SHUFFLED; i++)
        d->order[i] = (unsigned char)next(state);
}

static void draw(uint64_t *state, struct draft *d)
{
    *d = (struct draft){ .stage = "train", .profile = "mini", .val = below(state, 2) };
    snprintf(d->seed, sizeof d->seed, "%d", below(state, 1000));
    for (int i = 0; i < OPTIONS; i++)
        if (below(state, 2))
            draw_option(state, i, d->option[i]);
    for (int i = 0; i < VARIABLES; i++)
        snprintf(d->variable[i], sizeof d->variable[i], "v%d", below(state, 1000));
    shuffle(state, d);
}

/* Writes the lines in the order that d->order gives from `first` on. */
static void add_lines(struct buf *b, const struct draft *d, int first,
                      const char *const *line, int n)
{
    bool done[16] = { false };

    for (int left = n; left > 0; left--) {
        int pick = d->order[first + left - 1] % left, i = 0;
        while (done[i] || pick-- > 0)
            i++;
        done[i] = true;
        buf_adds(b, line[i]);
    }
}

static void write_draft(const struct draft *d, struct buf *b)
{
    char option[OPTIONS][64], env[VARIABLES][64];
    const char *options[OPTIONS], *envs[VARIABLES], *parts[4];
    struct buf part[4] = { 0 };
    const char *ins[2] = { "      data: ./data/\n", d->val ? "      val: ./val/\n" : "" };

    for (int i = 0; i < OPTIONS; i++) {
        snprintf(option[i], sizeof option[i], "      %s: %s\n", option_name[i],
                 d->option[i]);
        options[i] = *d->option[i] ? option[i] : "";
    }
    for (int i = 0; i < VARIABLES; i++) {
        snprintf(env[i], sizeof env[i], "      VARIABLE_%d: %s\n", i, d->variable[i]);
        envs[i] = env[i];
    }
    buf_printf(b, "larder: 1\nparams: {seed: %s}\nprofiles: {%s: {params: {seed: %s}}}\n",
               d->seed, d->profile, d->seed);
    buf_printf(b, "default: {profile: %s}\nstages:\n  %s:\n", d->profile, d->stage);
    buf_adds(&part[0], "    program: train\n");
    buf_adds(&part[1], "    in:\n");
    add_lines(&part[1], d, 0, ins, 2);
    buf_adds(&part[2], "    params:\n");
    add_lines(&part[2], d, 2, options, OPTIONS);
    buf_adds(&part[3], "    env:\n");
    add_lines(&part[3], d, 7, envs, VARIABLES);
    for (int i = 0; i < 4; i++)
        parts[i] = buf_str(&part[i]);
    add_lines(b, d, 9, parts, 4);
    if (d->extra)
        buf_adds(
            b,
            "    resources: {cpu: 3, memory: 2GiB, time: 3h}\n    visibility: private\n"
            "    checkpoint: true\n    out: {model: elsewhere/m.bin}\n");
    for (int i = 0; i < 4; i++)
        buf_release(&part[i]);
}

/* What tests vary about a step besides its recipe. */
struct outside {
    const char *data, *val; /* contents of the inputs */
    const char *identity;   /* of the program, or NULL: its own */
};

static const struct outside usual = { "data", "val", NULL };

static struct digest key_of(struct programs *programs, const char *dir,
                            const struct draft *d, const struct outside *o)
{
    struct buf text = { 0 }, path = { 0 }, document = { 0 };
    struct recipe *recipe = NULL;
    struct plan *plan = NULL;
    struct error err = { 0 };
    struct digest key;

    write_draft(d, &text);
    fs_join(&path, dir, "larder.yaml");
    cr_assert_eq(fs_write(path.s, text.s, text.len, false, &err), 0, "%s", err.text);
    cr_assert_eq(
        recipe_read(&recipe, dir, "larder.yaml", NULL, NULL, 0, NULL, NULL, &err), 0,
        "%s\n%s", err.text, text.s);
    cr_assert_eq(plan_build(&plan, recipe, programs, &err), 0, "%s\n%s", err.text,
                 text.s);
    cr_assert_eq(plan->n_steps, 1);

    struct step step = *plan->step[0];
    struct program program = *step.program;
    struct object data = { OBJECT_TREE, { { 0 } }, 1 }, val = data,
                  *inputs[] = { &data, &val };
    struct key_facts facts = { .input = inputs };
    digest_bytes(&data.id, o->data, strlen(o->data));
    digest_bytes(&val.id, o->val, strlen(o->val));
    if (o->identity)
        digest_bytes(&program.identity, o->identity, strlen(o->identity));
    step.program = &program;
    key_of_step(&step, &facts, &document, &key);
    plan_free(plan);
    recipe_free(recipe);
    buf_release(&document);
    buf_release(&path);
    buf_release(&text);
    return key;
}

/* A folder of this test's own, and the programs of the recipe tests. */
struct place {
    char dir[64];
    struct programs *programs;
};

static void open_place(struct place *p)
{
    snprintf(p->dir, sizeof p->dir, "/tmp/larder-unit-plan.XXXXXX");
    cr_assert_not_null(mkdtemp(p->dir));
    setenv("LARDER_PROGRAMS", LARDER_SOURCE "/tests/recipes/programs", 1);
    cr_assert_eq(programs_open(&p->programs, "/nowhere", NULL, NULL, NULL), 0);
}

static void close_place(struct place *p)
{
    programs_close(p->programs);
    fs_remove_tree(p->dir, NULL);
}

Test(plan, keys_do_not_depend_on_order_or_names)
{
    struct place p;
    uint64_t state = 1;

    open_place(&p);
    for (int i = 0; i < PLANS; i++) {
        struct draft d, other;
        draw(&state, &d);
        struct digest key = key_of(p.programs, p.dir, &d, &usual), again;
        other = d;
        shuffle(&state, &other);
        snprintf(other.stage, sizeof other.stage, "stage-%d", below(&state, 1000));
        snprintf(other.profile, sizeof other.profile, "p%d", below(&state, 1000));
        other.extra = true;
        again = key_of(p.programs, p.dir, &other, &usual);
        cr_assert(digest_equal(&key, &again), "plan %d", i);
    }
    close_place(&p);
}

static void must_differ(const struct place *p, const struct digest *key,
                        const struct draft *d, const struct outside *o, const char *what,
                        int plan)
{
    struct digest other = key_of(p->programs, p->dir, d, o);

    cr_assert_not(digest_equal(key, &other), "plan %d: %s is not in the key", plan, what);
}

Test(plan, keys_depend_on_all_that_can_change_an_output)
{
    static const struct outside data = { "other", "val", NULL };
    static const struct outside val = { "data", "other", NULL };
    static const struct outside identity = { "data", "val", "other" };
    struct place p;
    uint64_t state = 2;

    open_place(&p);
    for (int i = 0; i < PLANS; i++) {
        struct draft d, other;
        draw(&state, &d);
        struct digest key = key_of(p.programs, p.dir, &d, &usual);
        for (int j = 0; j < OPTIONS; j++) {
            other = d;
            draw_option(&state, j, other.option[j]);
            must_differ(&p, &key, &other, &usual, option_name[j], i);
        }
        other = d;
        other.variable[i % VARIABLES][0] = 'w';
        must_differ(&p, &key, &other, &usual, "a variable", i);
        other = d;
        snprintf(other.seed, sizeof other.seed, "%.14s1", d.seed);
        must_differ(&p, &key, &other, &usual, "the seed", i);
        other = d;
        other.val = !d.val;
        must_differ(&p, &key, &other, &usual, "whether an input is there", i);
        must_differ(&p, &key, &d, &data, "the input", i);
        if (d.val)
            must_differ(&p, &key, &d, &val, "the second input", i);
        must_differ(&p, &key, &d, &identity, "the program", i);
    }
    close_place(&p);
}

Test(plan, the_seed_is_that_of_the_documentation)
{
    struct place p;
    struct draft d = { .stage = "train", .profile = "mini", .seed = "20210401" };
    struct recipe *recipe = NULL;
    struct plan *plan = NULL;
    struct buf text = { 0 }, path = { 0 };
    struct digest sum;
    uint64_t seed = 0;

    open_place(&p);
    write_draft(&d, &text);
    fs_join(&path, p.dir, "larder.yaml");
    fs_write(path.s, text.s, text.len, false, NULL);
    cr_assert_eq(
        recipe_read(&recipe, p.dir, "larder.yaml", NULL, NULL, 0, NULL, NULL, NULL), 0);
    cr_assert_eq(plan_build(&plan, recipe, p.programs, NULL), 0);
    digest_bytes(&sum, "larder-seed\n20210401", 20);
    for (int i = 0; i < 8; i++)
        seed = seed << 8 | sum.byte[i];
    cr_assert_eq(plan->step[0]->seed, seed);
    cr_assert_eq(seed, UINT64_C(0xb755e95b47651f72), "%016" PRIx64, seed);
    plan_free(plan);
    recipe_free(recipe);
    buf_release(&path);
    buf_release(&text);
    close_place(&p);
}

Test(plan, the_page_about_recipes_shows_a_recipe_that_is_tested)
{
    struct buf page = { 0 }, recipe = { 0 };

    cr_assert_eq(fs_read(LARDER_SOURCE "/docs/recipe-format.md", &page, NULL), 0);
    cr_assert_eq(
        fs_read(LARDER_SOURCE "/tests/recipes/example/larder.yaml", &recipe, NULL), 0);
    cr_assert_not_null(strstr(page.s, recipe.s));
    buf_release(&page);
    buf_release(&recipe);
}
