#include "larder/trust.h"

#include <stdlib.h>
#include <string.h>

#include "larder/formats.h"
#include "larder/fs.h"
#include "larder/keyring.h"
#include "larder/map.h"
#include "trusting.h"

#include "larder/banned.h"

static int write_text(struct trust *t, const struct buf *text, struct error *err)
{
    return fs_write(t->path, buf_str(text), text->len, true, err);
}

/* The text so far, with the line that says what it is. */
static void begin_text(const struct trust *t, const struct buf *text, struct buf *to)
{
    buf_adds(to, buf_str(text));
    if (to->len && to->s[to->len - 1] != '\n')
        buf_addc(to, '\n');
    if (!t->has_head)
        buf_adds(to, FORMAT_TRUST "\n");
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
    if (trust_revoked(t, &id))
        return error_set(err, E_USAGE,
                         "the key %s was revoked: %s:%d says so; whoever owns it should "
                         "make another",
                         id.text, t->shown, trust_revoked(t, &id));
    for (size_t i = 0; i < t->n; i++)
        if (!strcmp(t->key[i].name, name) && !public_key_equal(&t->key[i].key, key))
            return error_set(err, E_USAGE,
                             "another key is named %s: give this one another name", name);
    for (size_t i = 0; i < t->n; i++)
        if (public_key_equal(&t->key[i].key, key) && !strcmp(t->key[i].name, name) &&
            !strcmp(t->key[i].stages, stages ? stages : "*") && !t->key[i].own)
            return 0;
    begin_text(t, &t->text, &text);
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

/* The file without the lines of a key; whether there were any. */
static bool without(const struct trust *t, const char *word, struct buf *to)
{
    bool found = false;
    int number = 0;

    for (const char *s = buf_str(&t->text); *s;) {
        size_t n = strcspn(s, "\n");

        n += s[n] == '\n';
        if (is_called(t, word, ++number))
            found = true;
        else
            buf_add(to, s, n);
        s += n;
    }
    return found;
}

int trust_remove(struct trust *t, const char *word, struct error *err)
{
    struct buf text = { 0 };
    int rc = without(t, word, &text) ? write_text(t, &text, err) : nobody(t, word, err);

    buf_release(&text);
    return rc;
}

/* Whose key is meant: *name is NULL where only the id is known. */
static int find_key(const struct trust *t, const char *word, struct key_id *id,
                    const char **name, struct error *err)
{
    *name = NULL;
    for (size_t i = 0; i < t->n; i++)
        if (!strcmp(t->key[i].name, word) || !strcmp(t->key[i].id.text, word)) {
            *id = t->key[i].id;
            *name = t->key[i].name;
            return 0;
        }
    for (size_t i = 0; i < t->n_revoked; i++)
        if (t->revoked[i].name && !strcmp(t->revoked[i].name, word)) {
            *id = t->revoked[i].id;
            return 0;
        }
    return key_id_parse(id, word) ? 0 : nobody(t, word, err);
}

int trust_revoke(struct trust *t, const char *word, struct key_id *id, struct error *err)
{
    struct buf rest = { 0 }, text = { 0 };
    const char *name;
    int rc = find_key(t, word, id, &name, err);

    if (rc == 0 && trust_revoked(t, id))
        rc = error_set(err, E_USAGE,
                       "the key %s is revoked already: %s:%d says so; remove that "
                       "line to trust it again",
                       id->text, t->shown, trust_revoked(t, id));
    if (rc == 0) {
        without(t, id->text, &rest);
        begin_text(t, &rest, &text);
        buf_printf(&text, "revoked %s%s%s\n", id->text, name ? " " : "",
                   name ? name : "");
        rc = write_text(t, &text, err);
    }
    buf_release(&rest);
    buf_release(&text);
    return rc;
}
