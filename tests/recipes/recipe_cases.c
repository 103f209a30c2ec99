/*
 * recipe_cases - reads every case below a folder and compares what it gives.
 *
 * A case is a folder with larder.yaml and either `plan`, the text that dump_plan() must
 * give, or `error`, the exact message. It may have `with`: lines `profile NAME`,
 * `set NAME=VALUE`, `env NAME=VALUE` and `choose NAME`. The programs are the scripts in
 * programs/, which answer --describe. With --write the file that is there is written
 * anew.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump.h"
#include "image.h"
#include "larder/fs.h"
#include "recipe.h"

#include "larder/banned.h"

enum { MAX_SETTINGS = 16 };

struct with {
    struct buf text;
    const char *profile, *choose;
    struct setting setting[MAX_SETTINGS];
    size_t n_settings;
};

/* The path of a file of a case; one at a time. */
static const char *path_of(const char *dir, const char *name)
{
    static struct buf path;

    buf_reset(&path);
    fs_join(&path, dir, name);
    return buf_str(&path);
}

/* Splits at the first c and returns what follows, or the empty end. */
static char *cut(char *s, char c)
{
    char *at = strchr(s, c);

    if (!at)
        return s + strlen(s);
    *at = '\0';
    return at + 1;
}

static void read_with(const char *dir, struct with *w)
{
    const char *path = path_of(dir, "with");

    if (!fs_exists(path) || fs_read(path, &w->text, NULL) < 0)
        return;
    for (char *line = w->text.s, *next; *line; line = next) {
        next = cut(line, '\n');
        char *value = cut(line, ' ');
        if (!strcmp(line, "profile")) {
            w->profile = value;
        } else if (!strcmp(line, "choose")) {
            w->choose = value;
        } else if (!strcmp(line, "env")) {
            char *text = cut(value, '=');
            setenv(value, text, 1);
        } else if (!strcmp(line, "set") && w->n_settings < MAX_SETTINGS) {
            char *text = cut(value, '=');
            w->setting[w->n_settings++] = (struct setting){ value, text };
        }
    }
}

static int choose(const struct plan *plan, const char *name, struct buf *to,
                  struct error *err)
{
    bool *chosen = xcalloc(plan->n_steps + 1, sizeof *chosen);
    int rc = plan_choose(plan, name, chosen, NULL, err);

    for (int closed = 0; rc == 0 && closed < 2; closed++) {
        buf_printf(to, "%s %s\n", closed ? "with what is needed" : "choose", name);
        for (size_t i = 0; i < plan->n_steps; i++)
            if (chosen[i])
                buf_printf(to, "  %s\n", plan->step[i]->name);
        plan_close(plan, chosen);
    }
    free(chosen);
    return rc;
}

/* What a kept plan gives must be what the plan gave. */
static bool keeps(const struct plan *plan, const struct buf *wanted)
{
    static const char path[] = "recipe-case.plan";
    struct witness witness = { 0 };
    struct image *image = NULL;
    const struct plan *kept = NULL;
    struct error err = { 0 };
    struct buf got = { 0 };
    uint64_t id;
    bool same = image_write(path, "question", plan, &witness, &id, &err) == 0 &&
                image_open(&image, path, "question") == IMAGE_FOUND &&
                image_plan(image, NULL, &kept) == IMAGE_FOUND;

    if (same)
        dump_plan(kept, &got);
    same = same && !strcmp(buf_str(&got), buf_str(wanted));
    if (!same)
        printf("the kept plan: %s\n%s\n", err.text, buf_str(&got));
    image_close(image);
    fs_remove(path, NULL);
    buf_release(&got);
    return same;
}

/* What the case gives: true for a plan, false for an error message. */
static bool give(const char *dir, struct programs *programs, struct buf *to, bool *kept)
{
    struct recipe *recipe = NULL;
    struct plan *plan = NULL;
    struct error err = { 0 };
    struct with w = { 0 };
    int rc;

    read_with(dir, &w);
    rc = recipe_read(&recipe, dir, "larder.yaml", w.profile, w.setting, w.n_settings,
                     NULL, NULL, &err);
    if (rc == 0)
        rc = plan_build(&plan, recipe, programs, &err);
    if (rc == 0 && w.choose)
        rc = choose(plan, w.choose, to, &err);
    else if (rc == 0) {
        dump_plan(plan, to);
        *kept = keeps(plan, to);
    }
    if (rc < 0) {
        buf_reset(to);
        buf_printf(to, "%s%s\n", rc == E_USAGE ? "usage: " : "", err.text);
    }
    plan_free(plan);
    recipe_free(recipe);
    buf_release(&w.text);
    return rc == 0;
}

static bool run_case(const char *dir, const char *name, struct programs *programs,
                     bool write)
{
    struct buf got = { 0 }, wanted = { 0 };
    bool kept = true, plan = give(dir, programs, &got, &kept), ok;
    const char *given = plan ? "plan" : "error";
    bool other = fs_exists(path_of(dir, plan ? "error" : "plan"));

    if (write && !other)
        fs_write(path_of(dir, given), buf_str(&got), got.len, false, NULL);
    if (fs_exists(path_of(dir, given)))
        fs_read(path_of(dir, given), &wanted, NULL);
    ok = !other && kept && wanted.len > 0 && !strcmp(buf_str(&wanted), buf_str(&got));
    if (!ok)
        printf("FAILED %s%s\n--- wanted\n%s--- given: %s\n%s\n", name,
               other ? ": it must give the other" : "", buf_str(&wanted), given,
               buf_str(&got));
    buf_release(&got);
    buf_release(&wanted);
    return ok;
}

int main(int argc, char **argv)
{
    bool write = argc > 2 && !strcmp(argv[2], "--write");
    struct programs *programs = NULL;
    struct error err = { 0 };
    struct buf dir = { 0 };
    char **entry = NULL;
    size_t n = 0, cases = 0, failed = 0;

    if (argc < 2 || fs_list(argv[1], &entry, &n, &err) < 0) {
        fprintf(stderr, "usage: recipe_cases FOLDER [--write]\n%s\n", err.text);
        return 2;
    }
    setenv("LARDER_PROGRAMS", path_of(argv[1], "programs"), 1);
    programs_open(&programs, argv[1], NULL, NULL, &err);
    for (size_t i = 0; i < n; i++) {
        buf_reset(&dir);
        fs_join(&dir, argv[1], entry[i]);
        if (!fs_exists(path_of(buf_str(&dir), "larder.yaml")))
            continue;
        cases++;
        failed += !run_case(buf_str(&dir), entry[i], programs, write);
    }
    buf_release(&dir);
    printf("%zu cases, %zu failed\n", cases, failed);
    programs_close(programs);
    free(entry);
    return failed > 0 || cases < 55;
}
