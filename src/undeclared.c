#include "undeclared.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "discovered.h"
#include "larder/banned.h"
#include "larder/fs.h"
#include "prefix.h"

enum { TOLD_MAX = 10 };

struct telling {
    const struct session *s;
    const struct step *step;
    struct fence *fence;
    struct buf folder; /* of the recipe file that has the stage, a real path */
    struct arena arena;
    struct map told; /* paths */
    struct buf *to;
};

bool undeclared_suspect(const char *log)
{
    static const char *const sign[] = { "ermission denied", "EACCES",
                                        "o such file",      "ot found",
                                        "No module named",  "annot open",
                                        "ot permitted" };

    for (size_t i = 0; i < sizeof sign / sizeof sign[0]; i++)
        if (strstr(log, sign[i]))
            return true;
    return false;
}

static void find_folder(struct telling *t)
{
    const struct recipe_text *text = t->step->pos.text;
    struct buf path = { 0 };
    char *real;

    if (text && text->path)
        fs_dirname(&path, text->path);
    else
        buf_adds(&path, t->s->project);
    real = realpath(buf_str(&path), NULL);
    buf_adds(&t->folder, real ? real : buf_str(&path));
    free(real);
    buf_release(&path);
}

/* As the recipe would write it: ./path, or absolute. */
static const char *written(struct telling *t, const char *path)
{
    size_t n = t->folder.len;

    if (!strncmp(path, t->folder.s, n) && path[n] == '/')
        return arena_printf(&t->arena, ".%s", path + n);
    return path;
}

/* A name for the file in the recipe: that of the file, as far as it can be one. */
static const char *name_for(struct telling *t, const char *path)
{
    const char *base = fs_basename(path) + strspn(fs_basename(path), ".");
    char *name = arena_strndup(&t->arena, base, strcspn(base, "."));

    for (char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '_' && *c != '-')
            *c = '_';
    return isalpha((unsigned char)*name) || *name == '_' ? name : "data";
}

static bool is_code(const char *path)
{
    static const char *const ending[] = { ".py",  ".R",   ".r",  ".pl",  ".pm",
                                          ".sh",  ".js",  ".jl", ".lua", ".rb",
                                          ".awk", ".sed", ".m",  ".do",  ".mjs" };
    const char *dot = strrchr(fs_basename(path), '.');

    for (size_t i = 0; dot && i < sizeof ending / sizeof ending[0]; i++)
        if (!strcmp(dot, ending[i]))
            return true;
    return false;
}

/* Once for each subject. The place of the stage comes before the first. */
static void tell(struct telling *t, const char *subject, const char *story)
{
    struct error err;

    if (map_set(&t->told, subject, t))
        return;
    if (t->told.n == 1) {
        pos_error(&t->step->pos, &err,
                  "stage %s uses what it was not given:", t->step->stage);
        buf_printf(t->to, "%s\n", err.text);
    }
    if (t->told.n <= TOLD_MAX)
        buf_printf(t->to, "  - it %s\n", story);
}

/* A path as YAML writes it in a flow. */
static const char *quoted(struct telling *t, const char *path)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789_./+-";
    struct buf b = { 0 };
    const char *text;

    if (!path[strspn(path, plain)])
        return path;
    buf_addc(&b, '"');
    for (const char *c = path; *c; c++)
        buf_printf(&b, "%s%c", strchr("\"\\", *c) ? "\\" : "", *c);
    buf_addc(&b, '"');
    text = arena_strdup(&t->arena, b.s);
    buf_release(&b);
    return text;
}

/* A name that no tool of the stage has. */
static const char *tool_name(struct telling *t, const char *prefix)
{
    const char *name = prefix_name(&t->arena, prefix);

    for (size_t i = 0; i < t->step->n_tools; i++)
        if (!strcmp(t->step->tool[i].name, name))
            return arena_printf(&t->arena, "%s-2", name);
    return name;
}

/* The whole line of the stage, with the tools that it names already. */
static const char *line_for_tool(struct telling *t, const char *prefix)
{
    const char *name = tool_name(t, prefix), *line;
    struct buf list = { 0 };

    for (size_t i = 0; i < t->step->n_tools; i++)
        buf_printf(&list, "%s, ", t->step->tool[i].name);
    line = arena_printf(&t->arena,
                        "%s `tools: [%s%s]`, and to the recipe `tools: {%s: {folder: "
                        "%s}}`",
                        t->step->n_tools ? "write" : "add", buf_str(&list), name, name,
                        quoted(t, written(t, prefix)));
    buf_release(&list);
    return line;
}

/* What to write for a file that is read or run. */
static const char *line_for(struct telling *t, const char *path, unsigned how)
{
    const char *as = written(t, path), *prefix = prefix_of(&t->arena, path, t->folder.s),
               *shim = prefix_of_shim(&t->arena, path, t->folder.s);

    if (t->step->program)
        return "a program reads its inputs only";
    if (shim)
        return arena_printf(
            &t->arena,
            "it is pyenv's, which starts another: %s, and start it as `run: "
            "[\"${tool.%s}/bin/%s\", …]`",
            line_for_tool(t, shim), tool_name(t, shim),
            t->step->executable ? fs_basename(t->step->executable) : "python3");
    if (prefix)
        return line_for_tool(t, prefix);
    if (as[0] == '.' && ((how & TRACE_RUN) || is_code(path)))
        return arena_printf(&t->arena, "add `code: [%s]`", as);
    return arena_printf(&t->arena, "add `in: {%s: %s}` and %s ${in.%s}",
                        name_for(t, path), quoted(t, as),
                        how & TRACE_RUN ? "run" : "read", name_for(t, path));
}

static void tell_use(struct telling *t, const char *path, unsigned how)
{
    const char *prefix = prefix_of(&t->arena, path, t->folder.s);

    tell(t, prefix ? prefix : path,
         arena_printf(&t->arena, "%s %s: %s", how & TRACE_RUN ? "runs" : "reads",
                      written(t, path), line_for(t, path, how)));
}

static void tell_write(struct telling *t, const char *path)
{
    tell(t, path,
         arena_printf(
             &t->arena,
             "writes %s: write to ${out.NAME}, $TMPDIR or the folder it starts in",
             written(t, path)));
}

/* A relative path that is one of the recipe's folder, not of the step's. */
static void tell_absent(struct telling *t, const char *path, const char *below)
{
    struct buf ours = { 0 };
    struct stat st;

    fs_join(&ours, t->folder.s, below);
    if (stat(ours.s, &st) == 0 && S_ISREG(st.st_mode))
        tell(t, path,
             arena_printf(&t->arena, "looks for %s in the folder it starts in: %s", below,
                          line_for(t, ours.s, TRACE_READ)));
    buf_release(&ours);
}

/* The folder that a file which is to be made, or is gone, lies in decides. */
static char *real_place(const char *path)
{
    char *real = realpath(path, NULL);
    struct buf folder = { 0 };

    if (!real) {
        fs_dirname(&folder, path);
        real = realpath(buf_str(&folder), NULL);
        buf_release(&folder);
    }
    return real;
}

static void tell_module(struct telling *t, const struct trace_entry *e,
                        const char *module)
{
    char *real = e->how & TRACE_READ ? realpath(module, NULL) : NULL;

    if (real && !fence_allows(t->fence, real, PERMIT_READ))
        tell_use(t, real, TRACE_READ);
    free(real);
}

static void tell_entry(struct telling *t, const struct trace_entry *e)
{
    char *real = real_place(e->path);
    struct buf module = { 0 };

    if (!real)
        return;
    if (discovered_compiled(e->path, &module))
        tell_module(t, e, buf_str(&module));
    else if ((e->how & (TRACE_READ | TRACE_RUN)) &&
             !fence_allows(t->fence, real, PERMIT_READ))
        tell_use(t, real, e->how);
    else if ((e->how & TRACE_WRITE) && !fence_allows(t->fence, real, PERMIT_WRITE))
        tell_write(t, e->path);
    buf_release(&module);
    free(real);
}

static const char *line_for_folder(struct telling *t, const char *path)
{
    return arena_printf(
        &t->arena, "add `in: {%s: %s}` and read ${in.%s}", name_for(t, path),
        quoted(t, arena_printf(&t->arena, "%s/", written(t, path))), name_for(t, path));
}

/* A folder that is listed may be only on the way to something: it is told where nothing
 * else is. */
static void tell_folder(struct telling *t, const struct trace_entry *e)
{
    char *real = (e->how & TRACE_LIST) ? realpath(e->path, NULL) : NULL;

    if (real && !fence_allows(t->fence, real, PERMIT_READ)) {
        const char *prefix = prefix_of(&t->arena, real, t->folder.s);

        tell(t, prefix ? prefix : real,
             arena_printf(&t->arena, "lists the folder %s: %s", written(t, real),
                          prefix ? line_for_tool(t, prefix) : line_for_folder(t, real)));
    }
    free(real);
}

/* A step has a HOME of its own, where nothing is installed. */
static void tell_installed(struct telling *t, const char *module)
{
    const char *folder = prefix_of_module(&t->arena, module);

    if (folder)
        tell(t, folder,
             arena_printf(
                 &t->arena,
                 "imports %s, which is installed for you alone: %s, and start it "
                 "as `run: [env, \"PYTHONPATH=${tool.%s}\", %s, …]`",
                 module, line_for_tool(t, folder), tool_name(t, folder),
                 t->step->executable ? fs_basename(t->step->executable) : "python3"));
}

/* Python looks for a module in the listing of a folder, so that nothing is seen to be
 * absent; but it says what it did not find. Modules lie beside a file of `code:`, or are
 * installed. */
static void tell_missing(struct telling *t, const char *log)
{
    static const char missing[] = "No module named '";
    const struct step *step = t->step;

    for (const char *at = log; (at = strstr(at, missing)) != NULL;) {
        size_t n = strcspn(at += sizeof missing - 1, "'.\n");

        for (size_t i = 0; i < step->n_code; i++) {
            const char *code = step->code_path[i], *slash = strrchr(code, '/');
            const char *path =
                arena_printf(&t->arena, "%s/%.*s%.*s.py", t->folder.s,
                             slash ? (int)(slash - code) + 1 : 0, code, (int)n, at);

            if (fs_exists(path))
                tell(t, path,
                     arena_printf(&t->arena, "imports %s: %s", written(t, path),
                                  line_for(t, path, TRACE_READ)));
        }
        tell_installed(t, arena_strndup(&t->arena, at, n));
    }
}

void undeclared_tell(const struct session *s, const struct step *step,
                     struct trace *trace, struct fence *f, const char *log,
                     struct buf *to)
{
    struct telling t = { .s = s, .step = step, .fence = f, .to = to };
    size_t n, n_step = strlen(trace_step(trace));
    const struct trace_entry *e = trace_seen(trace, &n);

    find_folder(&t);
    for (size_t i = 0; i < n; i++) {
        if (!strncmp(e[i].path, trace_step(trace), n_step) && e[i].path[n_step] == '/') {
            if (log && (e[i].how & TRACE_ABSENT))
                tell_absent(&t, e[i].path, e[i].path + n_step + 1);
            continue;
        }
        tell_entry(&t, &e[i]);
    }
    if (log)
        tell_missing(&t, log);
    for (size_t i = 0; i < n && !t.told.n; i++)
        tell_folder(&t, &e[i]);
    if (trace_network(trace) && !f->network)
        tell(&t, "network", "opens an internet socket: add `network: true`");
    if (t.told.n > TOLD_MAX)
        buf_printf(to, "  - and %zu more\n", t.told.n - TOLD_MAX);
    map_release(&t.told);
    buf_release(&t.folder);
    arena_release(&t.arena);
}
