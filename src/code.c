#include "code.h"

#include <string.h>

#include "larder/fs.h"
#include "matches.h"

#include "larder/banned.h"

/* A file's or folder's place in the scratch folder is its path as written: below the
 * folder. */
static bool stays_below(const char *path)
{
    if (strncmp(path, "./", 2) != 0 || !path[2])
        return false;
    for (const char *s = path + 2; s && *s;
         s = strchr(s, '/') ? strchr(s, '/') + 1 : NULL)
        if (*s == '/' || !strncmp(s, "../", 3) || !strcmp(s, "..") ||
            !strncmp(s, "./", 2) || !strcmp(s, "."))
            return false;
    return true;
}

bool code_holds(const char *path, const char *other)
{
    size_t n = strlen(path);

    return !strncmp(path, other, n) && (path[n - 1] == '/' || !other[n]);
}

/* in/ and out/ of the scratch folder are the step's inputs and outputs. */
static const char *taken_folder(const char *path)
{
    static const char *const folder[] = { "in", "out" };

    for (size_t i = 0; i < sizeof folder / sizeof *folder; i++)
        if (fs_is_below(path, folder[i]))
            return folder[i];
    return NULL;
}

/* Of a path, or of one that a pattern has found. */
static int check_place(const struct node *item, const char *path, struct error *err)
{
    const char *folder = taken_folder(path + 2);

    if (!folder)
        return 0;
    return pos_error(&item->pos, err,
                     "code: %s would lie in %s/, where the step has its %sputs; keep it "
                     "in a folder of another name",
                     path, folder, folder);
}

/* Kept in the order of their paths, so that the key does not depend on the recipe's. */
static void add_code(struct builder *b, struct stage *s, const struct node *item,
                     const char *text)
{
    const char *path = text + 2;
    size_t i = s->n_code++;

    for (; i > 0 && strcmp(s->code_path[i - 1], path) > 0; i--) {
        s->code[i] = s->code[i - 1];
        s->code_path[i] = s->code_path[i - 1];
    }
    s->code[i] = builder_code(b, text, &item->pos);
    s->code_path[i] = path;
}

static int take(struct builder *b, struct stage *s, const struct node *item,
                const char *path, struct error *err)
{
    int rc = check_place(item, path, err);

    for (size_t i = 0; rc == 0 && i < s->n_code; i++)
        if (code_holds(s->code_path[i], path + 2) ||
            code_holds(path + 2, s->code_path[i]))
            rc = pos_error(&item->pos, err,
                           "%s stands twice in code:, as ./%s too: take one out", path,
                           s->code_path[i]);
    if (rc == 0)
        add_code(b, s, item, path);
    return rc;
}

/* Room for n more. */
static void make_room(struct builder *b, struct stage *s, size_t n)
{
    struct source **code = arena_alloc(b->arena, (s->n_code + n + 1) * sizeof *code);
    const char **path = arena_alloc(b->arena, (s->n_code + n + 1) * sizeof *path);

    if (s->n_code) {
        memcpy(code, s->code, s->n_code * sizeof *code);
        memcpy(path, s->code_path, s->n_code * sizeof *path);
    }
    s->code = code;
    s->code_path = path;
}

/* The names in a folder of the user's: the plan holds as long as they are what they are.
 */
static int take_matches(struct builder *b, struct stage *s, const struct node *item,
                        struct error *err)
{
    struct buf folder = { 0 };
    struct matches m;
    int rc = 0;

    fs_dirname(&folder, builder_path(b, "./x", &item->pos));
    matches_find(&m, buf_str(&folder), item->text, b->arena);
    witness_matches(b->recipe->witness, buf_str(&folder), item->text, &m);
    buf_release(&folder);
    if (m.n == 0)
        return pos_error(
            &item->pos, err, "code: no %s fits %s: make one, or change the pattern",
            item->text[strlen(item->text) - 1] == '/' ? "folder" : "file", item->text);
    make_room(b, s, m.n);
    for (size_t i = 0; rc == 0 && i < m.n; i++)
        rc = take(b, s, item, m.path[i], err);
    return rc;
}

static int read_item(struct builder *b, struct stage *s, const struct node *item,
                     struct error *err)
{
    int rc = node_expect(item, NODE_SCALAR, "a file of code:", err);

    if (rc < 0)
        return rc;
    if (!stays_below(item->text) || strchr(item->text, '$'))
        return pos_error(
            &item->pos, err,
            "code: takes files and folders below the recipe's folder as ./path or "
            "./path/, not %s",
            item->text);
    rc = pos_check_path(&item->pos, item->text, err);
    if (rc < 0)
        return rc;
    if (strstr(item->text, "**"))
        return pos_error(&item->pos, err,
                         "code: ** is no sign of a pattern; write ./folder/ for all that "
                         "is in a folder and in those below");
    if (matches_is_pattern(item->text))
        return take_matches(b, s, item, err);
    make_room(b, s, 1);
    return take(b, s, item, item->text, err);
}

int code_read(struct builder *b, struct stage *s, struct error *err)
{
    const struct node *code = node_get(s->node, "code");
    int rc = 0;

    if (!code || code->kind == NODE_NULL)
        return 0;
    if (s->program)
        return pos_error(&node_key(s->node, "code")->pos, err,
                         "code: goes with run: and sh:; the code of program %s is known",
                         s->program->name);
    rc = node_expect(code, NODE_LIST, "code", err);
    for (size_t i = 0; rc == 0 && i < code->n; i++)
        rc = read_item(b, s, code->item[i], err);
    return rc;
}
