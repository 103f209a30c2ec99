#include "larder/trust.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "larder/formats.h"
#include "larder/fs.h"
#include "larder/keyring.h"
#include "larder/map.h"
#include "larder/mem.h"
#include "trusting.h"

#include "larder/banned.h"

enum { WORDS_MAX = 8, TEXT_MAX = 1 << 20, K_MAX = 99 };

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
        if (i > 4 || strncmp(l->word[i], "stages=", 7) != 0 || !l->word[i][7])
            return wrong(l, i, err, "what may follow the name is one `stages=GLOB`");
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

/* `WORD … [stages=GLOB]`: the glob, or that of all. */
static int read_stages(struct line *l, const char **stages, struct error *err)
{
    *stages = "*";
    if (l->n < 3)
        return 0;
    if (l->n > 3 || strncmp(l->word[2], "stages=", 7) != 0 || !l->word[2][7])
        return wrong(l, l->n > 3 ? 3 : 2, err, "what may follow is `stages=GLOB`");
    *stages = l->word[2] + 7;
    return 0;
}

static int add_rule(struct line *l, struct trust_rule rule, struct error *err)
{
    struct trust *t = l->t;
    int rc = read_stages(l, &rule.stages, err);

    if (rc < 0)
        return rc;
    GROW(t->rule, t->n_rules + 1, t->cap_rules);
    t->rule[t->n_rules++] = rule;
    return 0;
}

/* `k N [stages=GLOB]` */
static int read_k(struct line *l, struct error *err)
{
    const char *word = l->n > 1 ? l->word[1] : "";
    char *end;
    long k = strtol(word, &end, 10);

    if (*word < '1' || *word > '9' || *end || k > K_MAX)
        return wrong(l, 1, err, "`k` takes how many keys must agree, 1 to 99");
    return add_rule(l, (struct trust_rule){ .k = k }, err);
}

/* `audit P% [stages=GLOB]` */
static int read_audit(struct line *l, struct error *err)
{
    const char *word = l->n > 1 ? l->word[1] : "";
    char *end;
    double percent = strtod(word, &end);

    if (*word < '0' || *word > '9' || strcmp(end, "%") != 0 || percent > 100 ||
        word[strspn(word, "0123456789.%")])
        return wrong(l, 1, err, "`audit` takes a share, as 5%");
    return add_rule(l, (struct trust_rule){ .audit = percent / 100 }, err);
}

/* `revoked ID [NAME]` */
static int read_revoked(struct line *l, struct error *err)
{
    struct revoked r = { .line = l->number };
    struct trust *t = l->t;

    if (l->n < 2 || !key_id_parse(&r.id, l->word[1]))
        return wrong(l, 1, err, "the id of a key is 16 hex digits");
    if (l->n > 2 && !key_name_is_valid(l->word[2]))
        return wrong(l, 2, err, "a key has a name of letters, digits, '.', '_' and '-'");
    r.name = l->n > 2 ? l->word[2] : NULL;
    if (l->n > 3)
        return wrong(l, 3, err, "`revoked` takes the id of a key and its name");
    GROW(t->revoked, t->n_revoked + 1, t->cap_revoked);
    t->revoked[t->n_revoked++] = r;
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
    if (!strcmp(l->word[0], "k"))
        return read_k(l, err);
    if (!strcmp(l->word[0], "audit"))
        return read_audit(l, err);
    if (!strcmp(l->word[0], "revoked"))
        return read_revoked(l, err);
    return wrong(l, 0, err,
                 "a line begins with `key`, `k`, `audit`, `revoked` or `never-remote`");
}

int trust_revoked(const struct trust *t, const struct key_id *id)
{
    for (size_t i = 0; i < t->n_revoked; i++)
        if (!strcmp(t->revoked[i].id.text, id->text))
            return t->revoked[i].line;
    return 0;
}

/* Wherever the line stands, it outweighs those that trust the key. */
static void drop_revoked(struct trust *t)
{
    size_t n = 0;

    for (size_t i = 0; i < t->n; i++)
        if (!trust_revoked(t, &t->key[i].id))
            t->key[n++] = t->key[i];
    t->n = n;
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
    drop_revoked(t);
    t->has_head = !first;
    return rc;
}

int trust_open(struct trust **to, const char *path, const char *shown, struct error *err)
{
    struct trust *t = xcalloc(1, sizeof *t);
    int rc;

    t->path = arena_strdup(&t->arena, path);
    t->shown = arena_strdup(&t->arena, shown);
    rc = fs_read(path, &t->text, err);
    if (rc == 0 || errno == ENOENT || errno == ENOTDIR)
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
    free(t->rule);
    free(t->revoked);
    arena_release(&t->arena);
    free(t);
}

void trust_own(struct trust *t, const struct public_key *key, const char *name)
{
    struct key_id id = key_id_of(key);

    if (trust_revoked(t, &id))
        return;
    add_key(t, &(struct trusted){ .id = id,
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

long trust_k(const struct trust *t, const char *stage)
{
    long k = 1;

    for (size_t i = 0; i < t->n_rules; i++)
        if (t->rule[i].k > k && fnmatch(t->rule[i].stages, stage, 0) == 0)
            k = t->rule[i].k;
    return k;
}

double trust_audit(const struct trust *t, const char *stage)
{
    double share = 0;

    for (size_t i = 0; i < t->n_rules; i++)
        if (t->rule[i].audit > share && fnmatch(t->rule[i].stages, stage, 0) == 0)
            share = t->rule[i].audit;
    return share;
}

bool trust_forbids(const struct trust *t, const char *stage)
{
    for (size_t i = 0; i < t->n_never; i++)
        if (fnmatch(t->never[i], stage, 0) == 0)
            return true;
    return false;
}
