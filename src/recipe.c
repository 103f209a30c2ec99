#include "recipe.h"

#include <errno.h>
#include <string.h>

#include "larder/buf.h"
#include "larder/fs.h"
#include "larder/map.h"
#include "matches.h"
#include "overlay.h"
#include "pinned.h"
#include "yaml.h"

#include "larder/banned.h"

enum { FILES_MAX = 256, INCLUDE_DEPTH = 8 };

static const char *const sections[] = { "larder", "name",    "default",  "include",
                                        "params", "axes",    "profiles", "imports",
                                        "stages", "targets", "env",      "tools" };
enum { N_SECTIONS = sizeof sections / sizeof *sections };

/* The sections that hold named things, and so can be written in several files. */
static const char *const mergeable[] = { "params", "axes",    "profiles", "imports",
                                         "stages", "targets", "tools" };

/* ---- one file ---------------------------------------------------------------------- */

/* pin: of a file that is known by its content, wherever it lies; or NULL. */
static int read_text(struct recipe *r, const char *file, const char *path,
                     const struct digest *pin, const struct recipe_text **out,
                     struct error *err)
{
    struct recipe_text *text = arena_alloc(&r->arena, sizeof *text);
    struct fs_state st;
    struct buf b = { 0 };
    struct digest now;
    int rc;

    if (!pin)
        witness_file(r->witness, path);
    rc = fs_stat(path, &st, err);
    if (rc == FS_ABSENT)
        rc = error_set(err, E_INPUT, "%s: there is no such recipe; name one with -f FILE",
                       file);
    else if (rc == FS_FOUND && st.size > YAML_SIZE)
        rc = error_set(err, E_INPUT, "%s: %llu bytes; a recipe has at most 16 MiB", file,
                       (unsigned long long)st.size);
    if (rc == 0)
        rc = fs_read(path, &b, err);
    if (rc == 0 && pin) {
        digest_bytes(&now, buf_str(&b), b.len);
        if (!digest_equal(pin, &now))
            rc = error_set(err, E_CORRUPT, "%s: %s is damaged", file, path);
    }
    if (rc == 0) {
        text->file = arena_strdup(&r->arena, file);
        text->path = arena_strdup(&r->arena, path);
        text->s = arena_strndup(&r->arena, buf_str(&b), b.len);
        text->n = b.len;
        text->pinned = pin != NULL;
        r->file[r->n_files++] = text->path;
    }
    buf_release(&b);
    *out = text;
    return rc;
}

static int check_format(const struct node *root, bool main_file, struct error *err)
{
    const struct node *format = node_get(root, "larder");

    if (!format && !main_file)
        return 0;
    if (!format || root->n == 0 || strcmp(root->key[0]->text, "larder") != 0)
        return pos_error(&root->pos, err,
                         "a recipe must begin with the line \"larder: 1\"");
    if (format->kind != NODE_SCALAR || strcmp(format->text, "1") != 0)
        return pos_error(
            &format->pos, err,
            "recipe format %s is not supported by this version, which reads 1",
            format->kind == NODE_SCALAR ? format->text : node_what(format));
    return 0;
}

/* Values are literal in params and axes: an expression there would hide where it leads.
 */
static int check_values(const struct node *node, const char *what, bool lists,
                        struct error *err)
{
    int rc = 0;

    if (node->kind == NODE_SCALAR && strstr(node->text, "${"))
        return pos_error(&node->pos, err,
                         "expressions are not read in %s: write the value itself", what);
    if (node->kind == NODE_MAP || (lists && node->kind == NODE_LIST)) {
        for (size_t i = 0; rc == 0 && i < node->n; i++) {
            if (node->kind == NODE_MAP)
                rc = node_check_name(node->key[i], what, err);
            if (rc == 0)
                rc = check_values(node->item[i], what, lists, err);
        }
    }
    return rc;
}

/* The shape of the parts that are read here or are the same in every stage. */
static int check_sections(struct node *root, bool main_file, struct error *err)
{
    static const char *const defaults[] = { "profile", "target" };
    struct node *node;
    int rc = node_check_keys(root, "recipe", sections, N_SECTIONS, err);

    if (rc == 0)
        rc = check_format(root, main_file, err);
    for (size_t i = 0; rc == 0 && i < sizeof mergeable / sizeof *mergeable; i++) {
        node = node_get(root, mergeable[i]);
        if (node && node->kind != NODE_NULL)
            rc = node_expect(node, NODE_MAP, mergeable[i], err);
    }
    if (rc == 0 && (node = node_get(root, "params")))
        rc = check_values(node, "params", true, err);
    if (rc == 0 && (node = node_get(root, "axes")))
        rc = check_values(node, "axes", true, err);
    if (rc == 0 && (node = node_get(root, "default")))
        rc = node_check_keys(node, "default", defaults, 2, err);
    for (size_t i = 0; rc == 0 && node && i < node->n; i++)
        rc = node_expect(node->item[i], NODE_SCALAR, node->key[i]->text, err);
    if (rc == 0 && (node = node_get(root, "name")))
        rc = node_expect(node, NODE_SCALAR, "name", err);
    return rc;
}

/* ---- include ----------------------------------------------------------------------- */

/* A file that is being read, and the one that includes it. */
struct reading {
    const char *file, *path;
    const struct pos *at; /* where it is included; nowhere: the main file */
    const struct reading *by;
    const struct digest *pin; /* included by its content; or NULL */
    int depth;
};

static int load(struct recipe *r, const struct reading *f, struct node **root,
                struct error *err);

/* Adds the entries of from to those of to; a name may stand in one file only. */
static int merge_names(struct arena *arena, struct node *to, const struct node *from,
                       const char *section, struct error *err)
{
    size_t n = to->n + from->n;
    struct node **key = arena_alloc(arena, (n + 1) * sizeof *key);
    struct node **item = arena_alloc(arena, (n + 1) * sizeof *item);
    struct map seen = { 0 };
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < n; i++) {
        const struct node *m = i < to->n ? to : from;
        size_t j = i < to->n ? i : i - to->n;
        key[i] = m->key[j];
        item[i] = m->item[j];
        const struct node *before = map_set(&seen, key[i]->text, key[i]);
        if (before)
            rc = pos_error(&key[i]->pos, err, "%s: %s is also at %s:%d", section,
                           key[i]->text, before->pos.file, before->pos.line);
    }
    to->key = key;
    to->item = item;
    to->n = n;
    map_release(&seen);
    return rc;
}

static int merge_file(struct recipe *r, struct node *root, struct node *part,
                      struct error *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < part->n; i++) {
        struct node *key = part->key[i], *value = part->item[i];
        struct node *ours = node_get(root, key->text);
        bool named = false;

        for (size_t j = 0; j < sizeof mergeable / sizeof *mergeable; j++)
            named |= !strcmp(key->text, mergeable[j]);
        if (!strncmp(key->text, "x-", 2) || !strcmp(key->text, "larder") ||
            !strcmp(key->text, "include") || value->kind == NODE_NULL)
            continue;
        if (!named)
            rc = pos_error(&key->pos, err, "%s: belongs in the main file, %s", key->text,
                           r->path);
        else if (!ours || ours->kind == NODE_NULL)
            node_set(&r->arena, root, key, value);
        else
            rc = merge_names(&r->arena, ours, value, key->text, err);
    }
    return rc;
}

/* A file of the project: its path, absolute. */
static int find_beside(struct recipe *r, const struct node *name, struct reading *f,
                       struct error *err)
{
    struct buf dir = { 0 }, path = { 0 };
    int rc = node_expect(name, NODE_SCALAR, "the name of an included file", err);

    if (rc == 0 && strstr(name->text, "://"))
        rc = pos_error(&name->pos, err,
                       "what is not a file of the project must be pinned; write {from: "
                       "\"%s\", sha256: DIGEST}",
                       name->text);
    if (rc == 0)
        rc = pos_check_path(&name->pos, name->text, err);
    if (rc < 0)
        return rc;
    f->file = pos_shown_path(&r->arena, &name->pos, name->text);
    fs_dirname(&dir, name->pos.text->path);
    fs_join(&path, buf_str(&dir), name->text);
    f->path = arena_strdup(&r->arena, buf_str(&path));
    if (!fs_exists(f->path))
        rc = pos_error(&name->pos, err, "there is no file %s%s", f->file,
                       matches_is_pattern(name->text)
                           ? "; include: takes no patterns, name each file"
                           : "");
    buf_release(&path);
    buf_release(&dir);
    return rc;
}

/* A file that is known by its content: where the bytes are. */
static int find_pinned(struct recipe *r, const struct node *map, struct reading *f,
                       struct error *err)
{
    struct source *source = arena_alloc(&r->arena, sizeof *source);
    struct buf path = { 0 };
    int rc = pinned_read(&r->arena, map, source, err);

    if (rc == 0 && !r->bring)
        rc = pos_error(&map->pos, err, "%s: nothing is fetched here", source->name);
    if (rc == 0)
        rc = r->bring->bring(r->bring->self, source, &path, err);
    f->file = source->name;
    f->path = arena_strdup(&r->arena, buf_str(&path));
    f->pin = &source->pin.digest;
    buf_release(&path);
    return rc;
}

static int include_file(struct recipe *r, struct node *root, const struct node *what,
                        const struct reading *by, struct error *err)
{
    struct reading f = { .at = &what->pos, .by = by, .depth = by->depth + 1 };
    struct node *part = NULL;
    int rc = what->kind == NODE_MAP ? find_pinned(r, what, &f, err)
                                    : find_beside(r, what, &f, err);

    if (rc == 0)
        rc = load(r, &f, &part, err);
    return rc < 0 ? rc : merge_file(r, root, part, err);
}

/* However it is written: a.yaml, ./a.yaml. */
static bool is_same_file(const char *a, const char *b)
{
    struct fs_state x, y;

    return !strcmp(a, b) ||
           (fs_stat(a, &x, NULL) == FS_FOUND && fs_stat(b, &y, NULL) == FS_FOUND &&
            x.dev == y.dev && x.ino == y.ino);
}

static void tell_chain(const struct reading *f, const struct reading *first,
                       struct buf *to)
{
    if (f == first)
        return;
    tell_chain(f->by, first, to);
    buf_printf(to, "%s:%d includes %s, ", f->at->file, f->at->line, f->file);
}

/* f is on the way to itself. */
static int includes_itself(const struct reading *f, const struct reading *before,
                           struct error *err)
{
    struct buf chain = { 0 };
    int rc;

    tell_chain(f->by, before, &chain);
    rc = pos_error(f->at, err,
                   "%s includes itself: %s%s:%d includes %s; take one of these out",
                   before->file, buf_str(&chain), f->at->file, f->at->line, before->file);
    buf_release(&chain);
    return rc;
}

static int check_once(const struct recipe *r, const struct reading *f, struct error *err)
{
    for (const struct reading *by = f->by; by; by = by->by)
        if (is_same_file(by->path, f->path))
            return includes_itself(f, by, err);
    for (size_t i = 0; i < r->n_files; i++)
        if (is_same_file(r->file[i], f->path))
            return pos_error(f->at, err, "%s is included a second time: take one out",
                             f->file);
    if (f->depth > INCLUDE_DEPTH || r->n_files == FILES_MAX)
        return pos_error(f->at, err, "more than %d levels or %d files of include",
                         INCLUDE_DEPTH, FILES_MAX);
    return 0;
}

/* Reads a file and all that it includes into one tree. */
static int load(struct recipe *r, const struct reading *f, struct node **root,
                struct error *err)
{
    const struct recipe_text *text = NULL;
    struct node *include;
    int rc = check_once(r, f, err);

    if (rc == 0)
        rc = read_text(r, f->file, f->path, f->pin, &text, err);
    if (rc == 0)
        rc = yaml_parse(&r->arena, text, root, err);
    if (rc == 0)
        rc = check_sections(*root, f->depth == 0, err);
    if (rc < 0)
        return rc;
    include = node_get(*root, "include");
    if (!include || include->kind == NODE_NULL)
        return 0;
    if (include->kind != NODE_LIST)
        return include_file(r, *root, include, f, err);
    for (size_t i = 0; rc == 0 && i < include->n; i++)
        rc = include_file(r, *root, include->item[i], f, err);
    return rc;
}

/* ---- the recipe -------------------------------------------------------------------- */

int recipe_read(struct recipe **out, const char *project, const char *path,
                const char *profile, const struct setting *setting, size_t n_settings,
                struct witness *witness, const struct recipe_bring *bring,
                struct error *err)
{
    struct recipe *r = xcalloc(1, sizeof *r);
    const struct pos nowhere = { 0 };
    const struct node *preset;
    struct buf full = { 0 };
    int rc;

    r->witness = witness;
    r->bring = bring;
    r->project = arena_strdup(&r->arena, project);
    r->path = arena_strdup(&r->arena, path);
    r->file = arena_alloc(&r->arena, FILES_MAX * sizeof *r->file);
    fs_join(&full, project, path);
    rc = load(
        r, &(struct reading){ .file = r->path, .path = buf_str(&full), .at = &nowhere },
        &r->root, err);
    if (rc < 0)
        goto out;
    preset = node_get(node_get(r->root, "default"), "profile");
    r->profile = profile  ? arena_strdup(&r->arena, profile)
                 : preset ? preset->text
                          : NULL;
    rc = overlay_profiles(&r->arena, r->root, r->profile, err);
    for (size_t i = 0; rc == 0 && i < n_settings; i++)
        rc = overlay_setting(r, &setting[i], err);
out:
    buf_release(&full);
    if (rc < 0) {
        recipe_free(r);
        r = NULL;
    }
    *out = r;
    return rc;
}

void recipe_free(struct recipe *r)
{
    if (!r)
        return;
    arena_release(&r->arena);
    free(r);
}
