#include "node.h"

#include <stdarg.h>
#include <string.h>

#include "larder/buf.h"
#include "larder/map.h"

#include "larder/banned.h"

enum { FEW_NAMES = 12 };

static size_t find(const struct node *map, const char *key)
{
    size_t i = 0;

    if (!map || map->kind != NODE_MAP)
        return (size_t)-1;
    while (i < map->n && strcmp(map->key[i]->text, key) != 0)
        i++;
    return i < map->n ? i : (size_t)-1;
}

struct node *node_get(const struct node *map, const char *key)
{
    size_t i = find(map, key);

    return i == (size_t)-1 ? NULL : map->item[i];
}

struct node *node_key(const struct node *map, const char *key)
{
    size_t i = find(map, key);

    return i == (size_t)-1 ? NULL : map->key[i];
}

static struct node **with_one_more(struct arena *arena, struct node **from, size_t n,
                                   struct node *last)
{
    struct node **to = arena_alloc(arena, (n + 1) * sizeof *to);

    if (n)
        memcpy(to, from, n * sizeof *to);
    to[n] = last;
    return to;
}

void node_set(struct arena *arena, struct node *map, struct node *key, struct node *value)
{
    size_t i = find(map, key->text);

    if (i != (size_t)-1) {
        map->key[i] = key;
        map->item[i] = value;
        return;
    }
    map->key = with_one_more(arena, map->key, map->n, key);
    map->item = with_one_more(arena, map->item, map->n, value);
    map->n++;
}

const char *node_what(const struct node *node)
{
    if (node->kind == NODE_LIST)
        return "a list";
    if (node->kind == NODE_MAP)
        return "a map";
    return node->kind == NODE_NULL ? "nothing" : "one value";
}

int node_expect(const struct node *node, enum node_kind kind, const char *what,
                struct error *err)
{
    struct node wanted = { .kind = kind };

    if (node->kind == kind)
        return 0;
    return pos_error(&node->pos, err, "%s is %s here; it must be %s", what,
                     node_what(node), node_what(&wanted));
}

void suggest_name(struct buf *b, const char *word, const char *const *names, size_t n)
{
    const char *near = nearest_name(word, names, n);

    if (near) {
        buf_printf(b, "; did you mean %s?", near);
    } else if (n > FEW_NAMES) {
        buf_adds(b, "; there are ");
        for (size_t i = 0; i < FEW_NAMES; i++)
            buf_printf(b, "%s, ", names[i]);
        buf_printf(b, "and %zu more", n - FEW_NAMES);
    } else if (n == 0) {
        buf_adds(b, "; there is none");
    } else {
        buf_adds(b, n == 1 ? "; there is only " : "; there are ");
        for (size_t i = 0; i < n; i++)
            buf_printf(b, "%s%s", i == 0 ? "" : i == n - 1 ? " and " : ", ", names[i]);
    }
}

static int __attribute__((format(printf, 6, 0)))
suggest(const struct pos *pos, struct error *err, const char *word,
        const char *const *names, size_t n, const char *fmt, va_list ap)
{
    struct buf b = { 0 };
    int rc;

    buf_vprintf(&b, fmt, ap);
    suggest_name(&b, word, names, n);
    rc = pos_error(pos, err, "%s", buf_str(&b));
    buf_release(&b);
    return rc;
}

int suggest_error(const struct pos *pos, struct error *err, const char *word,
                  const char *const *names, size_t n, const char *fmt, ...)
{
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = suggest(pos, err, word, names, n, fmt, ap);
    va_end(ap);
    return rc;
}

int suggest_key_error(const struct pos *pos, struct error *err, const char *word,
                      const struct node *map, const char *fmt, ...)
{
    size_t n = map && map->kind == NODE_MAP ? map->n : 0;
    const char **names = xcalloc(n + 1, sizeof *names);
    va_list ap;
    int rc;

    for (size_t i = 0; i < n; i++)
        names[i] = map->key[i]->text;
    va_start(ap, fmt);
    rc = suggest(pos, err, word, names, n, fmt, ap);
    va_end(ap);
    free(names);
    return rc;
}

int node_check_keys(const struct node *map, const char *what, const char *const *known,
                    size_t n_known, struct error *err)
{
    int rc = node_expect(map, NODE_MAP, what, err);

    for (size_t i = 0; rc == 0 && i < map->n; i++) {
        const char *key = map->key[i]->text;
        size_t j = 0;
        while (j < n_known && strcmp(known[j], key) != 0)
            j++;
        if (j == n_known && strncmp(key, "x-", 2) != 0)
            rc = suggest_error(&map->key[i]->pos, err, key, known, n_known,
                               "%s: unknown key %s", what, key);
    }
    return rc;
}

/* The beginning of a line of the file, or NULL. */
static const char *find_line(const struct recipe_text *t, int number)
{
    const char *line = t ? t->s : NULL, *end = t ? t->s + t->n : NULL;

    for (int i = 1; i < number && line; i++) {
        line = memchr(line, '\n', (size_t)(end - line));
        line = line ? line + 1 : NULL;
    }
    return line;
}

/* The place of byte `at` of a text of many lines that stands in the file as it is, each
 * line behind the same blanks: `|`. */
static struct pos pos_in_block(const struct node *node, size_t at)
{
    struct pos pos = node->pos;
    const char *own = node->text, *line, *next;
    size_t n, indent;

    while ((next = memchr(own, '\n', at - (size_t)(own - node->text))) != NULL) {
        own = next + 1;
        pos.line++;
    }
    line = find_line(pos.text, pos.line);
    n = strcspn(own, "\n");
    indent = line ? strspn(line, " ") - strspn(own, " ") : 0;
    if (!line || strspn(line, " ") < strspn(own, " ") ||
        strncmp(line + indent, own, n) != 0)
        return node->pos;
    pos.column = 1 + (int)indent;
    for (const char *s = own; s < node->text + at; s++)
        pos.column += ((unsigned char)s[1] & 0xc0) != 0x80;
    return pos;
}

struct pos node_pos_inside(const struct node *node, size_t at)
{
    struct pos pos = node->pos;
    const struct recipe_text *t = pos.text;
    const char *line = find_line(t, pos.line), *end = t ? t->s + t->n : NULL;
    int column = 1;

    if (strchr(node->text, '\n'))
        return pos_in_block(node, at);
    for (; line && line < end && column < pos.column; line++)
        column += ((unsigned char)line[1] & 0xc0) != 0x80;
    if (!line || line >= end)
        return pos;
    line += !node->plain;
    column += !node->plain;
    if (line + strlen(node->text) > end ||
        memcmp(line, node->text, strlen(node->text)) != 0)
        return pos;
    for (size_t i = 0; i < at; i++)
        column += ((unsigned char)node->text[i] & 0xc0) != 0x80;
    pos.column = column;
    return pos;
}

bool name_is_word(const char *s)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    static const char later[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
                                "0123456789-";

    return *s && strchr(first, *s) && s[strspn(s, later)] == '\0';
}

int node_check_name(const struct node *key, const char *what, struct error *err)
{
    if (name_is_word(key->text))
        return 0;
    return pos_error(
        &key->pos, err,
        "%s cannot be called \"%s\"; a name has letters, digits, _ and - and "
        "begins with a letter or _",
        what, key->text);
}
