#include "larder/trust.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "larder/formats.h"
#include "larder/fs.h"
#include "larder/keyring.h"
#include "larder/map.h"
#include "larder/mem.h"

#include "larder/banned.h"

enum { WORDS_MAX = 8, TEXT_MAX = 1 << 20 };

struct trust {
    struct arena arena;
    const char *path, *shown;
    struct buf text; /* of the file as it was read */
    struct trusted *key;
    size_t n, cap;
    const char **never; /* globs of stages that stay at home */
    size_t n_never, cap_never;
};

/* One line, cut into words. */
struct line {
    struct trust *t;
    int number;
    const char *word[WORDS_MAX];
    int column[WORDS_MAX];
    size_t n;
};

static int wrong(const struct line *l, size_t word, struct error *err, const char *what)
{
    bool there = word < l->n;

    return error_set(err, E_INPUT, "%s:%d:%d: %s%s%s%s", l->t->shown, l->number,
                     there  ? l->column[word]
                     : l->n ? l->column[l->n - 1]
                            : 1,
                     what, there ? ", not '" : "", there ? l->word[word] : "",
                     there ? "'" : "");
}

static void split(struct line *l, const char *s, size_t n)
{
    static const char blank[] = " \t\r";

    for (size_t i = 0; l->n < WORDS_MAX;) {
        size_t start;

        while (i < n && strchr(blank, s[i]))
            i++;
        if (i == n || s[i] == '#')
            return;
        start = i;
        while (i < n && !strchr(blank, s[i]))
            i++;
        l->column[l->n] = (int)start + 1;
        l->word[l->n++] = arena_strndup(&l->t->arena, s + start, i - start);
    }
}

static void add_key(struct trust *t, const struct trusted *who)
{
    GROW(t->key, t->n + 1, t->cap);
    t->key[t->n++] = *who;
}

/* `key ID PUBLICKEY NAME [stages=GLOB]` */
static int read_key(struct line *l, struct error *err)
{
    struct trusted who = { .stages = "*", .line = l->number };
    struct key_id id;

    if (l->n < 2 || !key_id_parse(&id, l->word[1]))
        return wrong(l, 1, err, "the id of a key is 16 hex digits");
    if (l->n < 3 || !public_key_parse(&who.key, l->word[2]))
        return wrong(l, 2, err, "a public key is `ed25519:` and 64 hex digits");
    who.id = key_id_of(&who.key);
    if (strcmp(who.id.text, id.text) != 0)
        return wrong(l, 1, err, "this is the id of another key than the one behind it");
    if (l->n < 4 || !key_name_is_valid(l->word[3]))
        return wrong(l, 3, err, "a key has a name of letters, digits, '.', '_' and '-'");
    who.name = l->word[3];
    for (size_t i = 4; i < l->n; i++) {
        if (strncmp(l->word[i], "stages=", 7) != 0 || !l->word[i][7])
            return wrong(l, i, err, "what may follow the name is `stages=GLOB`");
        who.stages = l->word[i] + 7;
    }
    add_key(l->t, &who);
    return 0;
}

/* `never-remote GLOB` */
static int read_never(struct line *l, struct error *err)
{
    struct trust *t = l->t;

    if (l->n != 2)
        return wrong(l, 2, err, "`never-remote` takes one glob over stages");
    GROW(t->never, t->n_never + 1, t->cap_never);
    t->never[t->n_never++] = l->word[1];
    return 0;
}

static int read_line(struct line *l, bool first, struct error *err)
{
    if (first) {
        if (l->n != 2 || strcmp(l->word[0], "larder-trust") || strcmp(l->word[1], "1"))
            return wrong(l, 0, err, "the first line is `" FORMAT_TRUST "`");
        return 0;
    }
    if (!strcmp(l->word[0], "key"))
        return read_key(l, err);
    if (!strcmp(l->word[0], "never-remote"))
        return read_never(l, err);
    return wrong(l, 0, err, "a line begins with `key` or `never-remote`");
}

static int read_text(struct trust *t, struct error *err)
{
    bool first = true;
    int rc = 0, number = 0;

    if (t->text.len > TEXT_MAX || strlen(buf_str(&t->text)) != t->text.len)
        return error_set(err, E_INPUT, "%s is no list of trusted keys", t->shown);
    for (const char *s = buf_str(&t->text); *s && rc == 0;) {
        struct line l = { .t = t, .number = ++number };
        size_t n = strcspn(s, "\n");

        split(&l, s, n);
        if (l.n)
            rc = read_line(&l, first, err);
        first = first && !l.n;
        s += n + (s[n] == '\n');
    }
    return rc;
}

int trust_open(struct trust **to, const char *path, const char *shown, struct error *err)
{
    struct trust *t = xcalloc(1, sizeof *t);
    int rc = 0;

    t->path = arena_strdup(&t->arena, path);
    t->shown = arena_strdup(&t->arena, shown);
    if (fs_exists(path))
        rc = fs_read(path, &t->text, err);
    if (rc == 0)
        rc = read_text(t, err);
    if (rc < 0) {
        trust_close(t);
        t = NULL;
    }
    *to = t;
    return rc;
}

void trust_close(struct trust *t)
{
    if (!t)
        return;
    buf_release(&t->text);
    free(t->key);
    free(t->never);
    arena_release(&t->arena);
    free(t);
}

void trust_own(struct trust *t, const struct public_key *key, const char *name)
{
    add_key(t, &(struct trusted){ .id = key_id_of(key),
                                  .key = *key,
                                  .name = arena_strdup(&t->arena, name),
                                  .stages = "*",
                                  .own = true });
}

size_t trust_count(const struct trust *t)
{
    return t->n;
}

const struct trusted *trust_at(const struct trust *t, size_t i)
{
    return &t->key[i];
}

const struct trusted *trust_find(const struct trust *t, const char *id)
{
    for (size_t i = 0; i < t->n; i++)
        if (!strcmp(t->key[i].id.text, id))
            return &t->key[i];
    return NULL;
}

bool trust_covers(const struct trusted *who, const char *stage)
{
    return fnmatch(who->stages, stage, 0) == 0;
}

bool trust_allows(const struct trust *t, const struct public_key *key, const char *stage)
{
    for (size_t i = 0; i < t->n; i++)
        if (public_key_equal(&t->key[i].key, key) && trust_covers(&t->key[i], stage))
            return true;
    return false;
}

bool trust_forbids(const struct trust *t, const char *stage)
{
    for (size_t i = 0; i < t->n_never; i++)
        if (fnmatch(t->never[i], stage, 0) == 0)
            return true;
    return false;
}

static int write_text(struct trust *t, const struct buf *text, struct error *err)
{
    return fs_write(t->path, buf_str(text), text->len, true, err);
}

int trust_add(struct trust *t, const struct public_key *key, const char *name,
              const char *stages, struct error *err)
{
    struct key_id id = key_id_of(key);
    struct buf text = { 0 };
    int rc;

    if (!key_name_is_valid(name))
        return error_set(err, E_USAGE,
                         "'%s' cannot name a key: letters, digits, '.', '_' and '-'",
                         name);
    if (stages && (!*stages || stages[strcspn(stages, " \t\r\n#")]))
        return error_set(
            err, E_USAGE,
            "'%s' is no glob over the names of stages: write a name with * and ?",
            stages);
    for (size_t i = 0; i < t->n; i++)
        if (!strcmp(t->key[i].name, name) && !public_key_equal(&t->key[i].key, key))
            return error_set(err, E_USAGE,
                             "another key is named %s: give this one another name", name);
    for (size_t i = 0; i < t->n; i++)
        if (public_key_equal(&t->key[i].key, key) && !strcmp(t->key[i].name, name) &&
            !strcmp(t->key[i].stages, stages ? stages : "*") && !t->key[i].own)
            return 0;
    buf_adds(&text, t->text.len ? buf_str(&t->text) : FORMAT_TRUST "\n");
    if (text.s[text.len - 1] != '\n')
        buf_addc(&text, '\n');
    buf_printf(&text, "key %s ", id.text);
    public_key_write(key, &text);
    buf_printf(&text, " %s", name);
    if (stages)
        buf_printf(&text, " stages=%s", stages);
    buf_addc(&text, '\n');
    rc = write_text(t, &text, err);
    buf_release(&text);
    return rc;
}

static bool is_called(const struct trust *t, const char *word, int line)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->key[i].line == line &&
            (!strcmp(t->key[i].name, word) || !strcmp(t->key[i].id.text, word)))
            return true;
    return false;
}

static int nobody(const struct trust *t, const char *word, struct error *err)
{
    const char **known = xcalloc(t->n + 1, sizeof *known), *near;
    size_t n = 0;
    int rc;

    for (size_t i = 0; i < t->n; i++)
        if (!t->key[i].own)
            known[n++] = t->key[i].name;
    near = nearest_name(word, known, n);
    rc =
        error_set(err, E_USAGE, "%s has no key of the name or id %s%s%s%s", t->shown,
                  word, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    free(known);
    return rc;
}

int trust_remove(struct trust *t, const char *word, struct error *err)
{
    struct buf text = { 0 };
    bool found = false;
    int rc, number = 0;

    for (const char *s = buf_str(&t->text); *s;) {
        size_t n = strcspn(s, "\n");

        n += s[n] == '\n';
        if (is_called(t, word, ++number))
            found = true;
        else
            buf_add(&text, s, n);
        s += n;
    }
    rc = found ? write_text(t, &text, err) : nobody(t, word, err);
    buf_release(&text);
    return rc;
}
