#include "argv.h"

#include <string.h>
#include <unistd.h>

#include "code.h"
#include "larder/fs.h"
#include "prefix.h"
#include "shell.h"

#include "larder/banned.h"

enum { EACH_MAX = 1000, SCRIPT_MAX = 100000 };

static int check_each(const struct filling *f, const struct piece *p,
                      const struct input *in)
{
    struct pos pos;

    if (!p->each || (in->kind == INPUT_LIST && in->n_items <= EACH_MAX))
        return 0;
    pos = expr_pos(p);
    if (in->kind == INPUT_LIST)
        return pos_error(&pos, f->err,
                         "input %s has %zu items, and a command takes at most %d of "
                         "them; write ${in.%s}, the list of their paths",
                         p->text, in->n_items, EACH_MAX, p->text);
    return pos_error(&pos, f->err, "input %s is one item; write ${in.%s}", p->text,
                     p->text);
}

static int check_input(const struct filling *f, const struct piece *p)
{
    const struct step *step = f->step;
    const char **names;
    struct pos pos;
    int rc;

    for (size_t i = 0; i < step->n_inputs; i++)
        if (!strcmp(step->input[i].name, p->text))
            return check_each(f, p, &step->input[i]);
    pos = expr_pos(p);
    names = xcalloc(step->n_inputs + 1, sizeof *names);
    for (size_t i = 0; i < step->n_inputs; i++)
        names[i] = step->input[i].name;
    rc = suggest_error(&pos, f->err, p->text, names, step->n_inputs,
                       "stage %s has no input %s", f->stage->name, p->text);
    free(names);
    return rc;
}

static int check_output(const struct filling *f, const struct piece *p)
{
    const struct step *step = f->step;
    const char **names;
    struct pos pos;
    int rc;

    if (step_output_index(step, p->text) >= 0)
        return 0;
    pos = expr_pos(p);
    names = xcalloc(step->n_outputs + 1, sizeof *names);
    for (size_t i = 0; i < step->n_outputs; i++)
        names[i] = step->output[i].name;
    rc = suggest_error(&pos, f->err, p->text, names, step->n_outputs,
                       "stage %s has no output %s", f->stage->name, p->text);
    free(names);
    return rc;
}

static int check_tool(const struct filling *f, const struct piece *p)
{
    const struct step *step = f->step;
    const struct tool *tool = step_tool(step, p->text);
    struct pos pos = expr_pos(p);
    const char **names;
    int rc;

    if (tool && tool->path)
        return 0;
    if (tool)
        return pos_error(&pos, f->err,
                         "tool %s is not used in its place; write folder: where it lies",
                         p->text);
    names = xcalloc(step->n_tools + 1, sizeof *names);
    for (size_t i = 0; i < step->n_tools; i++)
        names[i] = step->tool[i].name;
    rc = suggest_error(&pos, f->err, p->text, names, step->n_tools,
                       "stage %s has no tool %s: name it in tools:", f->stage->name,
                       p->text);
    free(names);
    return rc;
}

/* Adds a text to the words, to the last one if that is a text too. */
static void add_text(const struct filling *f, struct arg *arg, const char *text)
{
    struct word *last = arg->n_words ? &arg->word[arg->n_words - 1] : NULL;

    if (last && last->kind == WORD_TEXT)
        last->text = arena_printf(f->b->arena, "%s%s", last->text, text);
    else
        arg->word[arg->n_words++] = (struct word){ WORD_TEXT, text };
}

/* What the shell reads as one word, whatever is in it. */
static const char *quoted(struct arena *arena, const char *s)
{
    struct buf b = { 0 };
    const char *word;

    shell_add_word(&b, s);
    word = arena_strdup(arena, buf_str(&b));
    buf_release(&b);
    return word;
}

static int read_word(const struct filling *f, const struct piece *p, size_t n_pieces,
                     struct arg *arg)
{
    struct value v = { .text = p->text };
    struct pos pos;
    int rc = 0;

    if (!p->is_text && p->ref == REF_IN) {
        rc = check_input(f, p);
        if (rc == 0 && p->each && n_pieces > 1 && !f->step->shell) {
            pos = expr_pos(p);
            rc = pos_error(&pos, f->err, "${in.%s[*]} must be a whole argument", p->text);
        }
        arg->word[arg->n_words++] =
            (struct word){ p->each ? WORD_IN_EACH : WORD_IN, p->text };
        return rc;
    }
    if (!p->is_text && p->ref == REF_OUT) {
        arg->word[arg->n_words++] = (struct word){ WORD_OUT, p->text };
        return check_output(f, p);
    }
    if (!p->is_text && p->ref == REF_TOOL) {
        arg->word[arg->n_words++] = (struct word){ WORD_TOOL, p->text };
        return check_tool(f, p);
    }
    if (!p->is_text)
        rc = expr_piece(&f->scope, p, &v, f->err);
    if (rc == 0)
        add_text(f, arg,
                 f->step->shell && !p->is_text ? quoted(f->b->arena, v.text) : v.text);
    return rc;
}

static int read_arg(const struct filling *f, const struct node *node, struct arg *arg)
{
    struct piece *piece;
    size_t n;
    int rc;

    rc = expr_branch(&f->scope, node, &node, f->err);
    if (rc == 0)
        rc = node_expect(node, NODE_SCALAR, "an argument", f->err);
    if (rc == 0)
        rc = expr_split(f->b->arena, node, &piece, &n, f->err);
    if (rc < 0)
        return rc;
    arg->word = arena_alloc(f->b->arena, (n + 1) * sizeof *arg->word);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = read_word(f, &piece[i], n, arg);
    if (rc == 0 && arg->n_words == 0)
        add_text(f, arg, "");
    return rc;
}

/* The executable that the user's PATH has; the name itself where it has none, so that the
 * step, if it must run, says so. */
static const char *search_path(const struct filling *f, const char *name)
{
    struct builder *b = f->b;
    const char *known = map_get(&b->executables, name),
               *path = witness_env(b->recipe->witness, "PATH");
    char *found = NULL;

    if (known)
        return known;
    for (const char *s = path ? path : ""; *s && !found;) {
        size_t n = strcspn(s, ":");
        char *at = arena_printf(b->arena, "%.*s/%s", (int)n, s, name);
        witness_file(b->recipe->witness, at);
        if (*at == '/' && access(at, X_OK) == 0 && !fs_is_dir(at))
            found = at;
        s += n + (s[n] == ':');
    }
    if (!found)
        found = arena_strdup(b->arena, name);
    map_set(&b->executables, name, found);
    return found;
}

/* ${tool.x}/bin/y */
static int find_in_tool(const struct filling *f, const struct arg *arg)
{
    const struct tool *tool = step_tool(f->step, arg->word[0].text);

    f->step->executable =
        arena_printf(f->b->arena, "%s%s", tool->path, arg->word[1].text);
    return 0;
}

/* Of an environment of Python's or conda's only the whole is of use. */
static int no_executable(const struct filling *f, const struct node *node,
                         const char *name)
{
    struct arena *arena = f->b->arena;
    const char *dot = strncmp(name, "./", 2) ? "./" : "",
               *path =
                   builder_path(f->b, arena_printf(arena, "%s%s", dot, name), &node->pos),
               *prefix = prefix_of(arena, path, f->b->recipe->project), *tool;
    size_t n = prefix ? strlen(path + strlen(prefix)) : 0;

    if (!prefix || n > strlen(name))
        return pos_error(&node->pos, f->err,
                         "%s is not in the scratch folder; write code: [%s]", name, name);
    tool = prefix_name(arena, prefix);
    return pos_error(&node->pos, f->err,
                     "%s is not in the scratch folder; add to the recipe `tools: {%s: "
                     "{folder: %s%.*s}}`, to the stage `tools: [%s]`, and write "
                     "\"${tool.%s}%s\" here",
                     name, tool, dot, (int)(strlen(name) - n), name, tool, tool,
                     path + strlen(prefix));
}

static int find_executable(const struct filling *f, const struct node *node)
{
    struct step *step = f->step;
    const struct arg *arg = &step->arg[0];
    const char *name = arg->word[0].text;

    step->command = node->pos;
    if (arg->n_words == 2 && arg->word[0].kind == WORD_TOOL &&
        arg->word[1].text[0] == '/')
        return find_in_tool(f, arg);
    if (arg->n_words != 1 || arg->word[0].kind != WORD_TEXT || !*name)
        return pos_error(
            &node->pos, f->err,
            "the first word of run: names the program; it cannot be an input or "
            "output, and of a tool it is a file, ${tool.NAME}/bin/x");
    if (*name == '/') {
        step->executable = name;
        return 0;
    }
    if (!strchr(name, '/')) {
        step->executable = search_path(f, name);
        return 0;
    }
    for (size_t i = 0; i < f->stage->n_code; i++)
        if (!strncmp(name, "./", 2) && code_holds(f->stage->code_path[i], name + 2))
            return 0;
    return no_executable(f, node, name);
}

static int read_script(const struct filling *f, const struct node *sh)
{
    struct step *step = f->step;
    size_t size = 0;
    int rc;

    step->executable = "/bin/sh";
    step->command = sh->pos;
    step->shell = true;
    step->n_args = 1;
    step->arg = arena_alloc(f->b->arena, sizeof *step->arg);
    rc = read_arg(f, sh, step->arg);
    for (size_t i = 0; rc == 0 && i < step->arg->n_words; i++)
        size += strlen(step->arg->word[i].text);
    if (rc == 0 && size > SCRIPT_MAX)
        rc = pos_error(&sh->pos, f->err,
                       "sh: has %zu bytes, and at most %d can be given to the shell; put "
                       "it into a file of code:",
                       size, SCRIPT_MAX);
    return rc;
}

int argv_fill(const struct filling *f)
{
    const struct node *run = node_get(f->stage->node, "run");
    const struct node *sh = node_get(f->stage->node, "sh");
    struct step *step = f->step;
    int rc = 0;

    if (sh)
        return read_script(f, sh);
    if (!run)
        return 0;
    step->n_args = run->n;
    step->arg = arena_alloc(f->b->arena, run->n * sizeof *step->arg);
    for (size_t i = 0; rc == 0 && i < run->n; i++)
        rc = read_arg(f, run->item[i], &step->arg[i]);
    return rc < 0 ? rc : find_executable(f, run->item[0]);
}
