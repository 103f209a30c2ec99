#include "larder/store.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "larder/map.h"
#include "layout.h"
#include "object.h"
#include "signed.h"
#include "tree.h"

#include "larder/banned.h"

/* An object that a record names, itself or through a tree. */
struct use {
    struct digest id;
    const char *step;
    bool tree;
    bool needed; /* by a record that was made here: what others made need not be here */
    bool opened; /* as a tree */
    bool seen;   /* under cas/ */
};

struct fsck {
    struct store *st;
    struct arena arena;
    struct map uses; /* hex -> struct use */
    struct store_finding *finding;
    size_t n, cap;
};

static void find(struct fsck *f, const char *what, const struct digest *id,
                 const char *path, const char *used_by)
{
    static const struct digest none;

    GROW(f->finding, f->n + 1, f->cap);
    f->finding[f->n++] = (struct store_finding){
        .what = what,
        .id = id ? *id : none,
        .path = arena_strdup(&f->arena, path),
        .used_by = used_by,
    };
}

static void use(struct fsck *f, const struct digest *id, bool tree, bool needed,
                const char *step)
{
    char hex[DIGEST_HEX + 1];
    struct use *u = map_get(&f->uses, digest_hex(id, hex));

    if (!u) {
        u = arena_alloc(&f->arena, sizeof *u);
        *u = (struct use){ .id = *id, .step = step };
        map_set(&f->uses, hex, u);
    }
    u->tree = u->tree || tree;
    u->needed = u->needed || needed;
}

static void use_record(struct fsck *f, const struct record *r)
{
    static const struct digest none;
    const char *step = arena_strdup(&f->arena, r->step ? r->step : "-");
    bool needed = !r->by;

    for (size_t i = 0; i < r->n_outputs; i++)
        use(f, &r->output[i].object.id, r->output[i].object.kind == OBJECT_TREE,
            needed && !r->output[i].temp, step);
    if (!digest_equal(&r->log.id, &none))
        use(f, &r->log.id, false, needed, step);
    if (!digest_equal(&r->discovered.id, &none))
        use(f, &r->discovered.id, false, needed, step);
}

/* One file that should be a record; id: the digest that it should have, or NULL. */
static int read_record(struct fsck *f, const char *path, const struct digest *key,
                       const struct digest *id, struct error *err)
{
    struct buf full = { 0 }, text = { 0 };
    struct record *r = NULL;
    int rc;

    fs_join(&full, f->st->path, path);
    rc = fs_read(full.s, &text, err);
    if (rc < 0 && errno == EIO)
        rc = 0; /* what was read is no whole record */
    if (rc < 0)
        goto out;
    if (signed_read(&r, buf_str(&text), text.len, NULL) < 0 ||
        (id && !digest_equal(&r->id, id)))
        find(f, "torn record", id, path, NULL);
    else if (!digest_equal(&r->key, key))
        find(f, "stray file", id, path, NULL);
    else
        use_record(f, r);
out:
    record_free(r);
    buf_release(&text);
    buf_release(&full);
    return rc;
}

typedef int visit(struct fsck *f, const char *path, const char *name, void *data,
                  struct error *err);

/* Calls visit for each name in a folder of the store, in order. */
static int walk(struct fsck *f, const char *dir, visit *each, void *data,
                struct error *err)
{
    struct buf path = { 0 };
    char **name = NULL;
    size_t n = 0;
    int rc;

    fs_join(&path, f->st->path, dir);
    rc = fs_list(path.s, &name, &n, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        buf_reset(&path);
        fs_join(&path, dir, name[i]);
        rc = each(f, path.s, name[i], data, err);
    }
    free(name);
    buf_release(&path);
    return rc;
}

static bool is_folder(const struct fsck *f, const char *path)
{
    struct buf full = { 0 };
    struct stat s;
    bool yes;

    fs_join(&full, f->st->path, path);
    yes = lstat(full.s, &s) == 0 && S_ISDIR(s.st_mode);
    buf_release(&full);
    return yes;
}

static int visit_record(struct fsck *f, const char *path, const char *name, void *key,
                        struct error *err)
{
    struct digest id;

    if (layout_is_digest(name, &id) && !is_folder(f, path))
        return read_record(f, path, key, &id, err);
    find(f, "stray file", NULL, path, NULL);
    return 0;
}

static int visit_key(struct fsck *f, const char *path, const char *name, void *prefix,
                     struct error *err)
{
    struct digest key;
    bool folder = is_folder(f, path);

    if (!folder && layout_is_digest(name, &key) && layout_is_prefix(prefix, &key))
        return read_record(f, path, &key, NULL, err);
    if (folder && layout_is_more(name, &key) && layout_is_prefix(prefix, &key))
        return walk(f, path, visit_record, &key, err);
    find(f, "stray file", NULL, path, NULL);
    return 0;
}

static int visit_object(struct fsck *f, const char *path, const char *name, void *prefix,
                        struct error *err)
{
    struct digest id;
    struct use *u;
    int rc;

    if (!layout_is_digest(name, &id) || !layout_is_prefix(prefix, &id)) {
        find(f, "stray file", NULL, path, NULL);
        return 0;
    }
    u = map_get(&f->uses, name);
    if (u)
        u->seen = true;
    rc = object_check(f->st, &id, -1, true, err);
    if (rc == OBJECT_DAMAGED)
        find(f, "damaged", &id, path, u ? u->step : NULL);
    return rc < 0 ? rc : 0;
}

/* A folder named by two hex digits, under cas/ or ac/. */
static int visit_prefix(struct fsck *f, const char *path, const char *name, void *objects,
                        struct error *err)
{
    char prefix[3] = { 0 };

    if (!layout_is_prefix(name, NULL) || !is_folder(f, path)) {
        find(f, "stray file", NULL, path, NULL);
        return 0;
    }
    memcpy(prefix, name, 2);
    return walk(f, path, objects ? visit_object : visit_key, prefix, err);
}

static int visit_top(struct fsck *f, const char *path, const char *name, void *data,
                     struct error *err)
{
    static const char *const known[] = {
        "larder-store", "locks", "doubt", "cas", "ac", "scratch", "checkpoints", "tmp"
    };

    (void)data;
    (void)err;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(name, known[i]) == 0)
            return 0;
    if (!strncmp(name, "larder-store.", 13) || !strncmp(name, "doubt.", 6))
        return 0; /* the marker, being written: swept like what is in tmp/ */
    find(f, "stray file", NULL, path, NULL);
    return 0;
}

/* Adds what a used tree names. */
static int use_tree(struct fsck *f, struct use *u, struct error *err)
{
    struct buf text = { 0 };
    struct tree tree = { 0 };
    int rc = object_read(f->st, &u->id, TREE_TEXT_MAX, &text, err);

    u->opened = true;
    if (rc == OBJECT_FINE && tree_read(&tree, buf_str(&text), text.len, NULL) < 0) {
        struct buf path = { 0 };

        layout_object(f->st, &u->id, &path);
        find(f, "damaged", &u->id, path.s + strlen(f->st->path) + 1, u->step);
        buf_release(&path);
    }
    for (size_t k = 0; k < tree.n; k++)
        use(f, &tree.entry[k].id, tree.entry[k].kind == TREE_TREE, u->needed, u->step);
    tree_release(&tree);
    buf_release(&text);
    return rc < 0 ? rc : 0;
}

/* Those that are needed, then the others; those that are added are looked at in turn. */
static int use_trees(struct fsck *f, bool needed, struct error *err)
{
    bool again = true;

    while (again) {
        again = false;
        for (size_t i = 0; i < f->uses.n; i++) {
            struct use *u = f->uses.entry[i].value;
            int rc = 0;

            if (!u->tree || u->opened || u->needed != needed)
                continue;
            rc = use_tree(f, u, err);
            if (rc < 0)
                return rc;
            again = true;
        }
    }
    return 0;
}

static void find_absent(struct fsck *f)
{
    struct buf path = { 0 };

    for (size_t i = 0; i < f->uses.n; i++) {
        const struct use *u = f->uses.entry[i].value;

        if (u->seen || !u->needed)
            continue;
        buf_reset(&path);
        layout_object(f->st, &u->id, &path);
        find(f, "absent", &u->id, path.s + strlen(f->st->path) + 1, u->step);
    }
    buf_release(&path);
}

static int compare_findings(const void *a, const void *b)
{
    const struct store_finding *x = a, *y = b;
    int order = strcmp(x->path, y->path);

    return order ? order : strcmp(x->what, y->what);
}

int store_fsck(struct store *st, void (*tell)(void *self, const struct store_finding *f),
               void *self, struct error *err)
{
    struct fsck f = { .st = st };
    bool objects = true;
    int rc;

    rc = walk(&f, "", visit_top, NULL, err);
    if (rc == 0)
        rc = walk(&f, "ac", visit_prefix, NULL, err);
    if (rc == 0)
        rc = use_trees(&f, true, err);
    if (rc == 0)
        rc = use_trees(&f, false, err);
    if (rc == 0)
        rc = walk(&f, "cas", visit_prefix, &objects, err);
    if (rc < 0)
        goto out;
    find_absent(&f);
    if (f.n)
        qsort(f.finding, f.n, sizeof *f.finding, compare_findings);
    for (size_t i = 0; i < f.n; i++)
        tell(self, &f.finding[i]);
    rc = f.n < INT32_MAX ? (int)f.n : INT32_MAX;
out:
    map_release(&f.uses);
    free(f.finding);
    arena_release(&f.arena);
    return rc < 0 ? error_context(err, "checking the store") : rc;
}
