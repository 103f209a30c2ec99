#include "witness.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "larder/banned.h"
#include "state.h"

/* Whether this is the first time. */
static bool is_news(struct witness *w, const char *name)
{
    if (map_get(&w->seen, name))
        return false;
    map_set(&w->seen, name, w);
    return true;
}

const char *witness_env(struct witness *w, const char *name)
{
    const char *value = getenv(name);

    if (w && is_news(w, arena_printf(&w->arena, "=%s", name))) {
        GROW(w->env, w->n_envs + 1, w->cap_envs);
        w->env[w->n_envs++] =
            (struct witness_env){ arena_strdup(&w->arena, name),
                                  value ? arena_strdup(&w->arena, value) : NULL };
    }
    return value;
}

static void look(struct witness_file *f)
{
    f->is_there = fs_stat(f->path, &f->state, NULL) == FS_FOUND;
    f->is_folder = f->is_there && S_ISDIR(f->state.mode);
    f->young = f->is_there && !f->is_folder && !state_is_settled(&f->state);
    if (f->young && digest_file(&f->digest, NULL, f->path, NULL) < 0)
        f->digest = (struct digest){ 0 };
}

void witness_file(struct witness *w, const char *path)
{
    if (!w || !is_news(w, path))
        return;
    GROW(w->file, w->n_files + 1, w->cap_files);
    w->file[w->n_files] = (struct witness_file){ .path = arena_strdup(&w->arena, path) };
    look(&w->file[w->n_files++]);
}

void witness_matches(struct witness *w, const char *folder, const char *pattern,
                     const struct matches *found)
{
    struct witness_matches *m;

    if (!w || !is_news(w, arena_printf(&w->arena, "%s/%s", folder, pattern)))
        return;
    GROW(w->matches, w->n_matches + 1, w->cap_matches);
    m = &w->matches[w->n_matches++];
    m->folder = arena_strdup(&w->arena, folder);
    m->pattern = arena_strdup(&w->arena, pattern);
    matches_digest(found, &m->digest);
}

void witness_release(struct witness *w)
{
    free(w->env);
    free(w->file);
    free(w->matches);
    map_release(&w->seen);
    arena_release(&w->arena);
    *w = (struct witness){ 0 };
}

bool witness_settle(struct witness *w)
{
    for (size_t i = 0; i < w->n_files; i++) {
        struct witness_file *f = &w->file[i];
        struct fs_state now;
        struct digest d;

        if (!f->young)
            continue;
        if (fs_stat(f->path, &now, NULL) != FS_FOUND || !state_same(&now, &f->state) ||
            !state_is_settled(&now) || digest_file(&d, NULL, f->path, NULL) < 0 ||
            !digest_equal(&d, &f->digest))
            return false;
        f->young = false;
    }
    return true;
}

/* What stands before the text of each entry. */
enum kind { KIND_SET, KIND_UNSET, KIND_FILE, KIND_FOLDER, KIND_ABSENT, KIND_MATCHES };
struct entry {
    uint32_t kind, size; /* size: of the texts that follow, with their NULs */
    struct fs_state state;
};

static void write_entry(struct buf *to, enum kind kind, const struct fs_state *state,
                        const char *first, const char *second)
{
    struct entry e;

    memset(&e, 0, sizeof e);
    e.kind = kind;
    e.size = (uint32_t)(strlen(first) + 1 + (second ? strlen(second) + 1 : 0));
    if (state)
        state_copy(&e.state, state);
    buf_add(to, &e, sizeof e);
    buf_add(to, first, strlen(first) + 1);
    if (second)
        buf_add(to, second, strlen(second) + 1);
}

static void write_matches(const struct witness_matches *m, struct buf *to)
{
    struct buf text = { 0 };
    char hex[DIGEST_HEX + 1];

    buf_printf(&text, "%s%s", digest_hex(&m->digest, hex), m->pattern);
    write_entry(to, KIND_MATCHES, NULL, m->folder, buf_str(&text));
    buf_release(&text);
}

void witness_write(const struct witness *w, struct buf *to)
{
    for (size_t i = 0; i < w->n_matches; i++)
        write_matches(&w->matches[i], to);
    for (size_t i = 0; i < w->n_envs; i++)
        write_entry(to, w->env[i].value ? KIND_SET : KIND_UNSET, NULL, w->env[i].name,
                    w->env[i].value);
    for (size_t i = 0; i < w->n_files; i++) {
        const struct witness_file *f = &w->file[i];
        enum kind kind = f->is_folder  ? KIND_FOLDER
                         : f->is_there ? KIND_FILE
                                       : KIND_ABSENT;

        write_entry(to, kind, kind == KIND_FILE ? &f->state : NULL, f->path, NULL);
    }
}

/* text: the digest of what was found, then the pattern. */
static bool finds(const char *folder, const char *text)
{
    struct arena arena = { 0 };
    char hex[DIGEST_HEX + 1];
    struct digest now;
    struct matches m;

    if (strlen(text) < DIGEST_HEX)
        return false;
    matches_find(&m, folder, text + DIGEST_HEX, &arena);
    matches_digest(&m, &now);
    arena_release(&arena);
    return !strncmp(digest_hex(&now, hex), text, DIGEST_HEX);
}

static bool holds(const struct entry *e, const char *text)
{
    const char *value;
    struct fs_state now;
    bool found;

    if (e->kind == KIND_SET || e->kind == KIND_UNSET) {
        value = getenv(text);
        if (e->kind == KIND_UNSET)
            return !value;
        return value && !strcmp(value, text + strlen(text) + 1);
    }
    if (e->kind == KIND_MATCHES)
        return finds(text, text + strlen(text) + 1);
    found = fs_stat(text, &now, NULL) == FS_FOUND;
    if (e->kind == KIND_ABSENT)
        return !found;
    if (!found || e->kind == KIND_FOLDER)
        return found && S_ISDIR(now.mode);
    return state_same(&now, &e->state);
}

bool witness_holds(const void *bytes, size_t n)
{
    const char *at = bytes;
    struct entry e;

    while (n >= sizeof e) {
        memcpy(&e, at, sizeof e);
        at += sizeof e;
        n -= sizeof e;
        if (e.size == 0 || e.size > n || at[e.size - 1] != '\0' || !holds(&e, at))
            return false;
        at += e.size;
        n -= e.size;
    }
    return n == 0;
}
