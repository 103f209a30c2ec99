#include "overlay.h"

#include <string.h>

#include "larder/buf.h"

#include "larder/banned.h"

struct overlay {
    struct arena *arena;
    const char *profile; /* the one being read */
    bool apply;          /* else only check */
    struct error *err;
};

static bool is_branch(const struct node *n)
{
    return n->kind == NODE_MAP;
}

/* Lays the values of from over those of to, which has all their names. */
static int lay(const struct overlay *o, struct node *to, const struct node *from,
               const char *what, bool deep)
{
    int rc = node_expect(from, NODE_MAP, what, o->err);

    for (size_t i = 0; rc == 0 && i < from->n; i++) {
        struct node *key = from->key[i], *value = from->item[i];
        struct node *old = node_get(to, key->text);

        if (!old)
            rc = suggest_key_error(&key->pos, o->err, key->text, to,
                                   "profile %s: %s has no %s to change", o->profile, what,
                                   key->text);
        else if (deep && is_branch(old) != is_branch(value))
            rc = pos_error(&value->pos, o->err,
                           "profile %s: %s is %s in the recipe and %s here", o->profile,
                           key->text, node_what(old), node_what(value));
        else if (deep && is_branch(old))
            rc = lay(o, old, value, key->text, true);
        else if (o->apply)
            node_set(o->arena, to, node_key(to, key->text), value);
    }
    return rc;
}

/* Imports: each must exist; its keys are set one by one, and import.c knows them. */
static int lay_imports(const struct overlay *o, struct node *to, const struct node *from)
{
    int rc = node_expect(from, NODE_MAP, "imports", o->err);

    for (size_t i = 0; rc == 0 && i < from->n; i++) {
        struct node *key = from->key[i], *value = from->item[i];
        struct node *old = node_get(to, key->text);

        if (!old)
            rc = suggest_key_error(&key->pos, o->err, key->text, to,
                                   "profile %s: there is no import %s to change",
                                   o->profile, key->text);
        if (rc == 0)
            rc = node_expect(value, NODE_MAP, "an import", o->err);
        for (size_t j = 0; rc == 0 && o->apply && j < value->n; j++)
            node_set(o->arena, old, value->key[j], value->item[j]);
    }
    return rc;
}

static int lay_profile(const struct overlay *o, struct node *root,
                       const struct node *profile)
{
    static const char *const known[] = { "params", "axes", "imports", "targets" };
    int rc = 0;

    if (profile->kind == NODE_NULL)
        return 0;
    rc = node_check_keys(profile, "a profile", known, 4, o->err);
    for (size_t i = 0; rc == 0 && i < profile->n; i++) {
        const char *section = profile->key[i]->text;
        const struct node *from = profile->item[i];

        if (from->kind == NODE_NULL)
            continue;
        if (!strcmp(section, "imports"))
            rc = lay_imports(o, node_get(root, "imports"), from);
        else if (strncmp(section, "x-", 2) != 0)
            rc = lay(o, node_get(root, section), from, section,
                     !strcmp(section, "params"));
    }
    return rc;
}

int overlay_profiles(struct arena *arena, struct node *root, const char *profile,
                     struct error *err)
{
    struct overlay o = { .arena = arena, .err = err };
    const struct node *profiles = node_get(root, "profiles"), *chosen = NULL;
    int rc = 0;

    for (size_t i = 0; rc == 0 && profiles && i < profiles->n; i++) {
        o.profile = profiles->key[i]->text;
        rc = lay_profile(&o, root, profiles->item[i]);
        if (profile && !strcmp(o.profile, profile))
            chosen = profiles->item[i];
    }
    if (rc < 0 || !profile)
        return rc;
    if (!chosen) {
        const struct node *preset = node_get(node_get(root, "default"), "profile");
        struct pos nowhere = { 0 };
        bool ours = preset && preset->text == profile;
        rc = suggest_key_error(ours ? &preset->pos : &nowhere, err, profile, profiles,
                               "there is no profile %s", profile);
        if (!ours && err)
            err->code = E_USAGE;
        return ours ? rc : E_USAGE;
    }
    o.profile = profile;
    o.apply = true;
    return lay_profile(&o, root, chosen);
}

/* ---- settings -------------------------------------------------------------------- */

/* The value of -S as a node: plain as YAML has it, or text when quoted. */
static struct node *setting_node(struct arena *arena, const char *project,
                                 const struct setting *s)
{
    struct recipe_text *text = arena_alloc(arena, sizeof *text);
    struct node *node = arena_alloc(arena, sizeof *node);
    size_t n = strlen(s->value);
    bool quoted = n >= 2 && (s->value[0] == '"' || s->value[0] == '\'') &&
                  s->value[n - 1] == s->value[0];

    text->file = "-S";
    text->path = arena_printf(arena, "%s/-S", project); /* ./ is the project's */
    text->s = arena_printf(arena, "%s=%s", s->name, s->value);
    text->n = strlen(text->s);
    node->kind = NODE_SCALAR;
    node->pos = (struct pos){ text->file, 1, (int)strlen(s->name) + 2, text };
    node->plain = !quoted && n > 0;
    node->text = arena_strndup(arena, s->value + quoted, n - (quoted ? 2 : 0));
    return node;
}

static void add_names(const struct node *node, struct buf *prefix, struct arena *arena,
                      const char **name, size_t *n, size_t max)
{
    size_t len = prefix->len;

    for (size_t i = 0; i < node->n && *n < max; i++) {
        buf_printf(prefix, "%s%s", len ? "." : "", node->key[i]->text);
        if (node->item[i]->kind == NODE_MAP)
            add_names(node->item[i], prefix, arena, name, n, max);
        else
            name[(*n)++] = arena_strdup(arena, buf_str(prefix));
        buf_cut(prefix, len);
    }
}

static int no_such_setting(struct arena *arena, const struct node *params,
                           const struct setting *s, struct error *err)
{
    enum { MAX = 4096 };
    const char **name = arena_alloc(arena, MAX * sizeof *name);
    struct buf prefix = { 0 }, text = { 0 };
    size_t n = 0;

    if (params)
        add_names(params, &prefix, arena, name, &n, MAX);
    buf_printf(&text, "-S %s=%s: there is no parameter %s", s->name, s->value, s->name);
    suggest_name(&text, s->name, name, n);
    error_set(err, E_USAGE, "%s", buf_str(&text));
    buf_release(&text);
    buf_release(&prefix);
    return E_USAGE;
}

int overlay_setting(struct recipe *r, const struct setting *setting, struct error *err)
{
    struct arena *arena = &r->arena;
    struct node *params = node_get(r->root, "params"), *at = params, *old = NULL;
    const char *name = setting->name;

    if (!strncmp(name, "params.", 7))
        name += 7;
    for (;;) {
        size_t n = strcspn(name, ".");
        const char *word = arena_strndup(arena, name, n);

        old = node_get(at, word);
        if (!old)
            return no_such_setting(arena, params, setting, err);
        if (!name[n])
            break;
        at = old;
        name += n + 1;
    }
    if (old->kind == NODE_MAP || old->kind == NODE_LIST)
        return error_set(err, E_USAGE, "-S %s=%s: %s is %s; -S sets one value at a time",
                         setting->name, setting->value, setting->name, node_what(old));
    node_set(arena, at, node_key(at, name), setting_node(arena, r->project, setting));
    return 0;
}
