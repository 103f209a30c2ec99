#include "command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "larder/banned.h"
#include "larder/buf.h"
#include "larder/fs.h"
#include "larder/mem.h"

#include "dvc.h"
#include "onpath.h"
#include "prefix.h"
#include "say.h"
#include "session.h"
#include "template.h"

/* Where an editor finds the keys of a recipe, if Larder was installed: the first line of
 * the recipe says it. */
static void add_schema(struct buf *text)
{
    struct buf self = { 0 }, path = { 0 };
    char *real;

    own_path(&self);
    fs_dirname(&path, buf_str(&self));
    buf_adds(&path, "/../share/larder/recipe.schema.json");
    real = realpath(path.s, NULL);
    if (real)
        buf_printf(text, "# yaml-language-server: $schema=%s\n", real);
    free(real);
    buf_release(&path);
    buf_release(&self);
}

/* The folder of a Python that is not the system's, which a step may only read if the
 * recipe names it as a tool; NULL where /usr/bin/python3 comes first. */
static const char *python_of(struct arena *arena)
{
    struct buf path = { 0 };
    const char *folder, *prefix = NULL;
    char *real = NULL;

    if (!on_path("python3", &path))
        goto out;
    folder = arena_printf(arena, "%.*s..", (int)(fs_basename(path.s) - path.s), path.s);
    real = realpath(folder, NULL);
    folder = arena_strdup(arena, real ? real : "");
    free(real);
    real = realpath(path.s, NULL);
    if (fs_exists(arena_printf(arena, "%s/pyvenv.cfg", folder)))
        prefix = folder;
    else if (fs_exists(arena_printf(arena, "%s/libexec/pyenv", folder)))
        prefix = prefix_of_shim(arena, arena_printf(arena, "%s/libexec/pyenv", folder),
                                "/nowhere");
    else if (real && strncmp(real, "/usr/", 5) != 0 && strncmp(real, "/opt/", 5) != 0)
        prefix = prefix_of(arena, real, "/nowhere");
out:
    free(real);
    buf_release(&path);
    return prefix;
}

/* Appends the recipe; with the tool that python3 is, where that has to be named. */
static void add_recipe(const struct template_file *f, struct buf *text)
{
    static const char plain[] = "run: [python3,", before[] = "\n# Values that you may";
    struct arena arena = { 0 };
    const char *python = python_of(&arena);
    const char *recipe = arena_strndup(&arena, (const char *)f->bytes, f->n);
    const char *run = strstr(recipe, plain), *code = run ? strstr(run, "    in:") : NULL;
    const char *top = strstr(recipe, before);

    add_schema(text);
    if (!python || !run || !code || !top) {
        buf_adds(text, recipe);
    } else {
        buf_add(text, recipe, (size_t)(top - recipe));
        buf_printf(
            text,
            "\n# The Python that scripts run on. Where it is, is in no key; all that it "
            "holds is.\ntools:\n  python: {folder: \"%s\"}\n",
            python);
        buf_add(text, top, (size_t)(run - top));
        buf_adds(text, "run: [\"${tool.python}/bin/python3\",");
        buf_add(text, run + sizeof plain - 1, (size_t)(code - run) - sizeof plain + 1);
        buf_printf(text, "    tools: [python]\n%s", code);
    }
    arena_release(&arena);
}

/* All of it is looked at before anything is written. */
static int check(const char *folder, struct error *err)
{
    struct buf path = { 0 };
    int rc = 0;

    for (const struct template_file *f = template_file; f->name && rc == 0; f++) {
        buf_reset(&path);
        fs_join(&path, folder, f->name);
        if (fs_exists(path.s))
            rc = error_set(err, E_INPUT,
                           "%s is there already, and nothing was written: name another "
                           "folder, as in `larder init my-paper`",
                           path.s);
    }
    buf_release(&path);
    return rc;
}

static int write_all(const char *folder, struct error *err)
{
    struct buf path = { 0 }, text = { 0 };
    int rc = fs_mkdirs(folder, err);

    for (const struct template_file *f = template_file; f->name && rc == 0; f++) {
        buf_reset(&path);
        buf_reset(&text);
        fs_join(&path, folder, f->name);
        if (strcmp(f->name, "larder.yaml") == 0)
            add_recipe(f, &text);
        else
            buf_add(&text, f->bytes, f->n);
        rc = fs_write(path.s, text.s, text.len, false, err);
    }
    buf_release(&text);
    buf_release(&path);
    return rc;
}

/* larder.yaml beside the pipeline. */
static int from_dvc(const struct cli *cli, struct error *err)
{
    const char *path = cli->from_dvc;
    struct buf recipe = { 0 }, left_out = { 0 }, to = { 0 };
    struct say say;
    int rc = dvc_recipe(path, &recipe, &left_out, err);

    say_init(&say, cli, stderr);
    buf_printf(&to, "%.*slarder.yaml", (int)(fs_basename(path) - path), path);
    if (rc == 0 && fs_exists(to.s))
        rc =
            error_set(err, E_INPUT,
                      "%s is there already, and nothing was written: move it away", to.s);
    if (rc == 0)
        rc = fs_write(to.s, recipe.s, recipe.len, false, err);
    for (const char *p = rc == 0 ? buf_str(&left_out) : ""; *p;) {
        size_t n = strcspn(p, "\n");

        say_line(&say, SAY_NORMAL, TONE_PLAIN, "%.*s", (int)n, p);
        p += n + (p[n] == '\n');
    }
    if (rc == 0)
        say_line(&say, SAY_NORMAL, TONE_PLAIN, "wrote %s; now: larder check", to.s);
    buf_release(&to);
    buf_release(&left_out);
    buf_release(&recipe);
    return rc;
}

int command_init(const struct cli *cli, struct error *err)
{
    const char *folder = cli->n_args ? cli->arg[0] : ".";
    struct buf line = { 0 };
    struct say say;
    int rc = 0;

    say_init(&say, cli, stderr);
    if (session_go(cli, err) != 0)
        return EXIT_NO_PROJECT;
    if (cli->from_dvc)
        return from_dvc(cli, err);
    rc = check(folder, err);
    if (rc == 0)
        rc = write_all(folder, err);
    if (rc < 0)
        return rc;
    for (const struct template_file *f = template_file; f->name; f++)
        buf_printf(&line, "%s%s", line.len ? ", " : "wrote ", f->name);
    say_line(&say, SAY_NORMAL, TONE_PLAIN, "%s", buf_str(&line));
    if (cli->n_args)
        say_line(&say, SAY_NORMAL, TONE_PLAIN,
                 "now: cd %s && larder run, then open out/index.html", folder);
    else
        say_line(&say, SAY_NORMAL, TONE_PLAIN,
                 "now: larder run, then open out/index.html");
    buf_release(&line);
    return 0;
}
