#include "dvc.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/fs.h"
#include "larder/map.h"
#include "larder/mem.h"

#include "node.h"
#include "yaml.h"

/* An output of a stage, by the path that DVC knows it by. */
struct product {
    const char *stage, *name;
    const char
        *pick; /* "[item=a]" of a stage with a matrix, "[@]" by its pattern; or "" */
};

/* One stage while it is written. */
struct stage {
    const char *name;
    const struct node *body; /* cmd, deps, ... */
    const struct node *axes; /* foreach or matrix, or NULL */
    bool foreach;
    const char *wdir; /* "" where it is the project */
    struct map names; /* in use among its inputs and outputs */
};

struct import {
    struct arena arena;
    const char *folder; /* of dvc.yaml, ends with / unless it is "" */
    struct node *root, *params;
    struct map product; /* path → struct product */
    struct buf *to, *left_out;
    struct error *err;
};

/* ---- names and paths ---- */

static const char *join_path(struct import *m, const char *wdir, const char *path)
{
    size_t n = strlen(path);

    while (n > 1 && path[n - 1] == '/')
        n--;
    if (!strncmp(path, "./", 2)) {
        path += 2;
        n -= 2;
    }
    return arena_printf(&m->arena, "%s%s%.*s", wdir, *wdir ? "/" : "", (int)n, path);
}

/* "data/prepared.csv" is data_prepared_csv; what is taken gets a number. */
static const char *name_for(struct import *m, struct stage *s, const char *path)
{
    char *name =
        arena_printf(&m->arena, "%s%s", isalpha((unsigned char)*path) ? "" : "x", path);
    const char *unique;
    char *end = name;
    int n = 1;

    for (char *c = name; *c; c++) /* what is no letter or digit is one _ */
        if (isalnum((unsigned char)*c))
            *end++ = *c;
        else if (end > name && end[-1] != '_')
            *end++ = '_';
    *end = '\0';
    unique = name;
    while (map_get(&s->names, unique))
        unique = arena_printf(&m->arena, "%s_%d", name, ++n);
    map_set(&s->names, unique, s);
    return unique;
}

/* The path of "- path" and of "- path: {cache: false}"; NULL for what is neither. */
static const char *path_of(const struct node *item)
{
    if (item->kind == NODE_SCALAR)
        return item->text;
    if (item->kind == NODE_MAP && item->n == 1)
        return item->key[0]->text;
    return NULL;
}

/* ---- ${...} ---- */

static const struct node *find_param(const struct import *m, const char *name, size_t n)
{
    const struct node *at = m->params;

    while (at && n > 0) {
        size_t k = 0;
        char *word;

        while (k < n && name[k] != '.')
            k++;
        word = xstrndup(name, k);
        at = node_get(at, word);
        free(word);
        name += k + (k < n);
        n -= k + (k < n);
    }
    return at;
}

/* What stands for ${NAME} in a recipe; NULL where it is no value of DVC's. */
static const char *expression(struct import *m, const struct stage *s, const char *name,
                              size_t n)
{
    if (s->axes && s->foreach && n == 4 && !strncmp(name, "item", 4))
        return "${m.item}";
    if (s->axes && n > 5 && !strncmp(name, "item.", 5))
        return arena_printf(&m->arena, "${m.%.*s}", (int)n - 5, name + 5);
    if (find_param(m, name, n))
        return arena_printf(&m->arena, "${params.%.*s}", (int)n, name);
    return NULL;
}

/* A text of DVC's as one of a recipe's. */
static const char *translate(struct import *m, const struct stage *s, const char *text)
{
    struct buf b = { 0 };
    const char *result;

    while (*text) {
        const char *end = !strncmp(text, "${", 2) ? strchr(text, '}') : NULL, *is;

        if (!end) {
            buf_addc(&b, *text++);
            continue;
        }
        is = expression(m, s, text + 2, (size_t)(end - text - 2));
        if (is)
            buf_adds(&b, is);
        else
            buf_printf(&b, "$%.*s", (int)(end + 1 - text), text);
        text = end + 1;
    }
    result = arena_strdup(&m->arena, buf_str(&b));
    buf_release(&b);
    return result;
}

/* The same with one item's value in the place of it; of a matrix nothing is done. */
static const char *with_item(struct import *m, const char *text, const char *item)
{
    static const char word[] = "${item}";
    struct buf b = { 0 };
    const char *at, *result;

    while ((at = strstr(text, word)) != NULL) {
        buf_add(&b, text, (size_t)(at - text));
        buf_adds(&b, item);
        text = at + sizeof word - 1;
    }
    buf_adds(&b, text);
    result = arena_strdup(&m->arena, buf_str(&b));
    buf_release(&b);
    return result;
}

/* ---- what is told ---- */

static void leave_out(struct import *m, const struct stage *s, const char *what)
{
    buf_printf(m->left_out, "stage %s: %s\n", s->name, what);
}

static void tell_unknown_keys(struct import *m, const struct stage *s)
{
    static const char *const known[] = { "cmd",    "deps", "outs", "metrics", "plots",
                                         "params", "wdir", "desc", "meta" };

    for (size_t i = 0; i < s->body->n; i++) {
        bool is_known = false;

        for (size_t k = 0; k < sizeof known / sizeof known[0]; k++)
            is_known = is_known || !strcmp(known[k], s->body->key[i]->text);
        if (!is_known)
            leave_out(
                m, s,
                arena_printf(&m->arena, "`%s` is not taken over", s->body->key[i]->text));
    }
}

/* ---- stages ---- */

static struct stage stage_of(struct import *m, size_t i)
{
    const struct node *stages = node_get(m->root, "stages"), *body = stages->item[i];
    const struct node *wdir;
    struct stage s = { .name = stages->key[i]->text, .body = body };

    s.axes = node_get(body, "matrix");
    if (node_get(body, "foreach")) {
        s.axes = node_get(body, "foreach");
        s.foreach = true;
        s.body = node_get(body, "do");
    }
    wdir = node_get(s.body, "wdir");
    s.wdir = wdir && wdir->kind == NODE_SCALAR && strcmp(wdir->text, ".") != 0
                 ? join_path(m, "", wdir->text)
                 : "";
    return s;
}

static const char *const out_keys[] = { "outs", "metrics", "plots" };
enum { OUT_KEYS = sizeof out_keys / sizeof out_keys[0] };

static void add_product(struct import *m, const char *path, const char *stage,
                        const char *name, const char *pick)
{
    struct product *p = arena_alloc(&m->arena, sizeof *p);

    *p = (struct product){ stage, name, pick };
    map_set(&m->product, path, p);
}

/* Who makes what: all of it is known before the first stage is written. */
static void find_products(struct import *m, struct stage *s)
{
    for (size_t k = 0; k < OUT_KEYS; k++) {
        const struct node *list = node_get(s->body, out_keys[k]);

        for (size_t i = 0; list && list->kind == NODE_LIST && i < list->n; i++) {
            const char *path = path_of(list->item[i]), *name;

            if (!path)
                continue;
            path = join_path(m, s->wdir, path);
            name = name_for(m, s, path);
            add_product(m, path, s->name, name, s->axes ? "[@]" : "");
            for (size_t j = 0; s->foreach && s->axes->kind == NODE_LIST && j < s->axes->n;
                 j++)
                add_product(m, with_item(m, path, s->axes->item[j]->text), s->name, name,
                            arena_printf(&m->arena, "[item=%s]", s->axes->item[j]->text));
        }
    }
}

/* The output that a path is, or is in. */
static const struct product *product_of(struct import *m, const char *path,
                                        const char **whole)
{
    char *up = arena_strdup(&m->arena, path), *slash;

    for (;;) {
        const struct product *p = map_get(&m->product, up);

        *whole = up;
        if (p || (slash = strrchr(up, '/')) == NULL)
            return p;
        *slash = '\0';
    }
}

static bool is_folder(const struct import *m, const char *path)
{
    struct buf b = { 0 };
    bool is;

    buf_printf(&b, "%s%s", m->folder, path);
    is = fs_is_dir(b.s);
    buf_release(&b);
    return is;
}

/* A script, by its name: it stays where it is, as `code:`. */
static bool is_code(const char *path)
{
    static const char *const end[] = { ".py", ".R",  ".r",  ".sh", ".jl",
                                       ".pl", ".js", ".rb", ".lua" };
    size_t n = strlen(path);

    for (size_t i = 0; i < sizeof end / sizeof end[0]; i++)
        if (n > strlen(end[i]) && !strcmp(path + n - strlen(end[i]), end[i]))
            return true;
    return false;
}

/* The parts of a stage while its deps and outs are gone through. */
struct parts {
    struct buf code, in, out, before, after;
};

static void parts_release(struct parts *p)
{
    buf_release(&p->code);
    buf_release(&p->in);
    buf_release(&p->out);
    buf_release(&p->before);
    buf_release(&p->after);
}

static void separate(struct buf *b)
{
    if (b->len)
        buf_adds(b, ", ");
}

/* Lays an input where the command looks for it. */
static void lay_out(struct parts *p, const char *name, const char *path)
{
    const char *slash = strrchr(path, '/');

    buf_adds(&p->before, "      ");
    if (slash)
        buf_printf(&p->before, "mkdir -p \"%.*s\" && ", (int)(slash - path), path);
    buf_printf(&p->before, "ln -s \"$PWD\"/${in.%s} \"%s\"\n", name, path);
}

static void add_dep(struct import *m, struct stage *s, struct parts *p, const char *path)
{
    const char *whole, *name, *is;
    const struct product *made;

    path = join_path(m, s->wdir, path);
    made = product_of(m, path, &whole);
    if (made && !strcmp(made->stage, s->name))
        return;
    if (!made && (is_code(path) || (is_folder(m, path) && !strncmp(path, "src", 3)))) {
        separate(&p->code);
        buf_printf(&p->code, "\"./%s%s\"", path, is_folder(m, path) ? "/" : "");
        return;
    }
    whole = made ? whole : path;
    if (map_get(&s->names, arena_printf(&m->arena, "path %s", whole)))
        return; /* two files of one folder that a stage makes */
    map_set(&s->names, arena_printf(&m->arena, "path %s", whole), s);
    name = name_for(m, s, whole);
    is = translate(m, s, whole);
    separate(&p->in);
    if (made)
        buf_printf(&p->in, "%s: \"%s%s.%s\"", name, made->stage,
                   s->axes || strcmp(made->pick, "[@]") != 0 ? made->pick : "[*]",
                   made->name);
    else
        buf_printf(&p->in, "%s: \"./%s%s\"", name, is, is_folder(m, path) ? "/" : "");
    lay_out(p, name, is);
}

/* A folder, by what is there now, or by a name without an ending. */
static bool makes_folder(const struct import *m, const char *path)
{
    const char *base = fs_basename(path);
    struct buf b = { 0 };
    bool there;

    buf_printf(&b, "%s%s", m->folder, path);
    there = fs_exists(b.s);
    buf_release(&b);
    return there ? is_folder(m, path) : strchr(base, '.') == NULL;
}

static void add_out(struct import *m, struct stage *s, struct parts *p, const char *path)
{
    const struct product *made;
    const char *is;

    path = join_path(m, s->wdir, path);
    made = map_get(&m->product, path);
    is = translate(m, s, path);
    separate(&p->out);
    buf_printf(&p->out, "%s: %s%s", made->name, made->name,
               makes_folder(m, path) ? "/" : "");
    if (makes_folder(m, path))
        buf_printf(&p->after, "      mkdir -p ${out.%s} && cp -R \"%s\"/. ${out.%s}\n",
                   made->name, is, made->name);
    else
        buf_printf(&p->after, "      mv \"%s\" ${out.%s}\n", is, made->name);
    if (strrchr(is, '/'))
        buf_printf(&p->before, "      mkdir -p \"%.*s\"\n", (int)(strrchr(is, '/') - is),
                   is);
}

/* Does `params:` name this value, or a map that it is in? */
static bool is_asked(const struct node *list, const char *name)
{
    for (size_t i = 0; i < list->n; i++) {
        const char *asked = list->item[i]->kind == NODE_SCALAR ? list->item[i]->text : "";
        size_t n = strlen(asked);

        if (n && !strncmp(asked, name, n) && (name[n] == '\0' || name[n] == '.'))
            return true;
    }
    return false;
}

/* Or one that is in it? */
static bool is_asked_below(const struct node *list, const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; i < list->n; i++)
        if (list->item[i]->kind == NODE_SCALAR &&
            !strncmp(list->item[i]->text, name, n) && list->item[i]->text[n] == '.')
            return true;
    return is_asked(list, name);
}

/* The values that are asked for, a line each, as params.yaml has them. */
static void write_params(struct import *m, const struct stage *s, const struct node *list,
                         const struct node *at, const char *name, int depth,
                         struct buf *to)
{
    for (size_t i = 0; i < at->n; i++) {
        const struct node *value = at->item[i];
        const char *key = at->key[i]->text;
        const char *whole =
            arena_printf(&m->arena, "%s%s%s", name, *name ? "." : "", key);

        if (value->kind == NODE_SCALAR && is_asked(list, whole)) {
            buf_printf(to, "        printf '%*s%s: %%s\\n' ${params.%s}\n", 2 * depth, "",
                       key, whole);
        } else if (value->kind == NODE_MAP && is_asked_below(list, whole)) {
            buf_printf(to, "        echo '%*s%s:'\n", 2 * depth, "", key);
            write_params(m, s, list, value, whole, depth + 1, to);
        } else if (is_asked(list, whole)) {
            leave_out(m, s, arena_printf(&m->arena, "params %s is no value", whole));
        }
    }
}

/* The command finds a params.yaml with these values alone. */
static void add_params(struct import *m, const struct stage *s, struct parts *p)
{
    const struct node *list = node_get(s->body, "params");
    struct buf lines = { 0 };

    if (!list || list->kind != NODE_LIST)
        return;
    for (size_t i = 0; i < list->n; i++)
        if (list->item[i]->kind != NODE_SCALAR)
            leave_out(m, s, "params of a file other than params.yaml");
        else if (!find_param(m, list->item[i]->text, strlen(list->item[i]->text)))
            leave_out(
                m, s,
                arena_printf(&m->arena, "params.yaml has no %s", list->item[i]->text));
    if (m->params)
        write_params(m, s, list, m->params, "", 0, &lines);
    if (lines.len)
        buf_printf(&p->before, "      {\n%s      } > params.yaml\n", lines.s);
    buf_release(&lines);
}

static void add_command(struct import *m, const struct stage *s, const struct node *cmd,
                        struct buf *to)
{
    const char *text = translate(m, s, cmd->text);

    while (*text) {
        size_t n = strcspn(text, "\n");

        buf_printf(to, "      %.*s\n", (int)n, text);
        text += n + (text[n] == '\n');
    }
}

static void write_axes(struct import *m, const struct stage *s)
{
    const struct node *a = s->axes;

    if (!a)
        return;
    buf_adds(m->to, "    matrix: {");
    if (s->foreach) {
        buf_adds(m->to, "item: [");
        for (size_t i = 0; i < a->n; i++)
            buf_printf(m->to, "%s%s", i ? ", " : "",
                       a->kind == NODE_MAP ? a->key[i]->text : a->item[i]->text);
        buf_adds(m->to, "]");
    }
    for (size_t i = 0; !s->foreach && a->kind == NODE_MAP && i < a->n; i++) {
        buf_printf(m->to, "%s%s: [", i ? ", " : "", a->key[i]->text);
        for (size_t k = 0; a->item[i]->kind == NODE_LIST && k < a->item[i]->n; k++)
            buf_printf(m->to, "%s%s", k ? ", " : "",
                       a->item[i]->item[k]->text ? a->item[i]->item[k]->text : "");
        buf_adds(m->to, "]");
    }
    buf_adds(m->to, "}\n");
}

static void each_path(struct import *m, struct stage *s, struct parts *p, const char *key,
                      void (*add)(struct import *, struct stage *, struct parts *,
                                  const char *))
{
    const struct node *list = node_get(s->body, key);

    for (size_t i = 0; list && list->kind == NODE_LIST && i < list->n; i++)
        if (path_of(list->item[i]))
            add(m, s, p, path_of(list->item[i]));
}

static int write_stage(struct import *m, struct stage *s)
{
    const struct node *cmd = node_get(s->body, "cmd"), *desc = node_get(s->body, "desc");
    struct parts p = { 0 };
    struct buf command = { 0 };

    if (!cmd || (cmd->kind != NODE_SCALAR && cmd->kind != NODE_LIST))
        return pos_error(&s->body->pos, m->err, "stage %s has no cmd", s->name);
    tell_unknown_keys(m, s);
    each_path(m, s, &p, "deps", add_dep);
    for (size_t k = 0; k < OUT_KEYS; k++)
        each_path(m, s, &p, out_keys[k], add_out);
    add_params(m, s, &p);
    if (*s->wdir)
        buf_printf(&command, "      mkdir -p \"%s\" && cd \"%s\"\n", s->wdir, s->wdir);
    for (size_t i = 0; cmd->kind == NODE_LIST && i < cmd->n; i++)
        add_command(m, s, cmd->item[i], &command);
    if (cmd->kind == NODE_SCALAR)
        add_command(m, s, cmd, &command);
    if (*s->wdir)
        buf_adds(&command, "      cd \"$OLDPWD\"\n");

    buf_addc(m->to, '\n');
    if (desc && desc->kind == NODE_SCALAR)
        buf_printf(m->to, "  # %.*s\n", (int)strcspn(desc->text, "\n"), desc->text);
    buf_printf(m->to, "  %s:\n", s->name);
    write_axes(m, s);
    buf_printf(m->to, "    sh: |\n%s%s%s", buf_str(&p.before), buf_str(&command),
               buf_str(&p.after));
    if (p.code.len)
        buf_printf(m->to, "    code: [%s]\n", p.code.s);
    if (p.in.len)
        buf_printf(m->to, "    in: {%s}\n", p.in.s);
    if (p.out.len)
        buf_printf(m->to, "    out: {%s}\n", p.out.s);
    buf_release(&command);
    parts_release(&p);
    return 0;
}

/* ---- the whole ---- */

/* A value in quotes, unless it is one that YAML takes as it stands. */
static void write_value(const struct node *v, struct buf *to)
{
    if (v->plain) {
        buf_adds(to, v->text);
        return;
    }
    buf_addc(to, '"');
    for (const char *c = v->text; *c; c++) {
        if (*c == '"' || *c == '\\')
            buf_addc(to, '\\');
        buf_addc(to, *c);
    }
    buf_addc(to, '"');
}

static void write_tree(const struct node *v, struct buf *to)
{
    bool map = v->kind == NODE_MAP;

    if (v->kind == NODE_SCALAR) {
        write_value(v, to);
        return;
    }
    buf_addc(to, map ? '{' : '[');
    for (size_t i = 0; i < v->n; i++) {
        buf_adds(to, i ? ", " : "");
        if (map)
            buf_printf(to, "%s: ", v->key[i]->text);
        write_tree(v->item[i], to);
    }
    buf_addc(to, map ? '}' : ']');
}

static int read_yaml(struct import *m, const char *path, struct node **root)
{
    struct recipe_text *text = arena_alloc(&m->arena, sizeof *text);
    struct buf bytes = { 0 };
    int rc = fs_read(path, &bytes, m->err);

    if (rc == 0) {
        *text = (struct recipe_text){ .file = arena_strdup(&m->arena, path),
                                      .path = arena_strdup(&m->arena, path),
                                      .s = arena_strdup(&m->arena, buf_str(&bytes)),
                                      .n = bytes.len };
        rc = yaml_parse(&m->arena, text, root, m->err);
    }
    buf_release(&bytes);
    return rc;
}

static int read_all(struct import *m, const char *path)
{
    struct buf params = { 0 };
    const struct node *stages;
    int rc = read_yaml(m, path, &m->root);

    buf_printf(&params, "%sparams.yaml", m->folder);
    if (rc == 0 && fs_exists(params.s))
        rc = read_yaml(m, params.s, &m->params);
    buf_release(&params);
    stages = rc == 0 ? node_get(m->root, "stages") : NULL;
    if (rc == 0 && (!stages || stages->kind != NODE_MAP || stages->n == 0))
        rc = error_set(m->err, E_INPUT, "%s has no stages: it is no pipeline of DVC",
                       path);
    for (size_t i = 0; rc == 0 && i < stages->n; i++)
        if (stages->item[i]->kind != NODE_MAP)
            rc = pos_error(&stages->item[i]->pos, m->err, "stage %s is no map",
                           stages->key[i]->text);
    return rc;
}

static int write_all(struct import *m)
{
    const struct node *stages = node_get(m->root, "stages");
    int rc = 0;

    buf_adds(m->to,
             "# Made of dvc.yaml by `larder init --from-dvc`. A stage is a shell text "
             "that lays its "
             "inputs\n# where the command looks for them; where a script takes paths as "
             "arguments, give it\n# ${in.x} and ${out.y} instead.\nlarder: 1\n"
             "name: from-dvc\n");
    if (m->params && m->params->kind == NODE_MAP && m->params->n) {
        buf_adds(m->to, "\nparams:\n");
        for (size_t i = 0; i < m->params->n; i++) {
            buf_printf(m->to, "  %s: ", m->params->key[i]->text);
            write_tree(m->params->item[i], m->to);
            buf_addc(m->to, '\n');
        }
    }
    buf_adds(m->to, "\nstages:");
    for (size_t i = 0; i < stages->n; i++) {
        struct stage s = stage_of(m, i);

        find_products(m, &s);
        map_release(&s.names);
    }
    for (size_t i = 0; i < stages->n && rc == 0; i++) {
        struct stage s = stage_of(m, i);

        find_products(m, &s); /* once more, for its names */
        rc = write_stage(m, &s);
        map_release(&s.names);
    }
    return rc;
}

int dvc_recipe(const char *path, struct buf *recipe, struct buf *left_out,
               struct error *err)
{
    struct import m = { .to = recipe, .left_out = left_out, .err = err };
    int rc;

    m.folder = arena_printf(&m.arena, "%.*s", (int)(fs_basename(path) - path), path);
    rc = read_all(&m, path);
    if (rc == 0)
        rc = write_all(&m);
    map_release(&m.product);
    arena_release(&m.arena);
    return rc;
}
