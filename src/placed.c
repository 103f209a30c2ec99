#include "placed.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/buf.h"

static const char first_line[] = "larder-placed 1\n";
static const char end_line[] = "end\n"; /* a text without it is torn */

struct placed_to *placed_find(struct placed *p, const char *to)
{
    if (p->next > 0 && !strcmp(p->to[p->next - 1]->to, to))
        return p->to[p->next - 1];
    if (p->next == p->n)
        p->next = 0;
    if (p->next < p->n && !strcmp(p->to[p->next]->to, to))
        return p->to[p->next++];
    for (; p->n_named < p->n; p->n_named++)
        map_set(&p->by_name, p->to[p->n_named]->to, p->to[p->n_named]);
    return map_get(&p->by_name, to);
}

static struct placed_to *append(struct placed *p, const char *to, const struct object *o)
{
    struct placed_to *t = arena_alloc(&p->arena, sizeof *t);

    t->to = arena_strdup(&p->arena, to);
    t->object = *o;
    GROW(p->to, p->n + 1, p->cap);
    p->to[p->n++] = t;
    return t;
}

struct placed_to *placed_renew(struct placed *p, const char *to, const struct object *o)
{
    struct placed_to *t = placed_find(p, to);

    if (!t)
        return append(p, to, o);
    t->object = *o;
    t->n_files = 0;
    return t;
}

void placed_add(struct placed *p, struct placed_to *t, const struct placed_file *f)
{
    if (!t->cap) { /* most are one file */
        t->file = xmalloc(sizeof *t->file);
        t->cap = 1;
    }
    GROW(t->file, t->n_files + 1, t->cap);
    t->file[t->n_files] = *f;
    t->file[t->n_files++].path = arena_strdup(&p->arena, f->path);
}

void placed_release(struct placed *p)
{
    for (size_t i = 0; i < p->n; i++)
        free(p->to[i]->file);
    free(p->to);
    map_release(&p->by_name);
    arena_release(&p->arena);
    *p = (struct placed){ 0 };
}

/* Undoes buf_add_escaped() for what it writes of a path; in place. */
static void unescape(char *s)
{
    char *to = s;

    for (; *s; s++) {
        if (*s != '\\' || !s[1]) {
            *to++ = *s;
            continue;
        }
        s++;
        if (*s == 'x' && s[1] && s[2]) {
            char hex[3] = { s[1], s[2], '\0' };

            *to++ = (char)strtol(hex, NULL, 16);
            s += 2;
        } else {
            *to++ = *s == 'n' ? '\n' : *s == 't' ? '\t' : *s == 'r' ? '\r' : *s;
        }
    }
    *to = '\0';
}

/* Texts of ten thousand files are read at every start, so not by sscanf(). */
static bool take_word(char **at, const char *word)
{
    size_t n = strlen(word);

    if (strncmp(*at, word, n) != 0)
        return false;
    *at += n;
    return true;
}

/* A decimal number and the blank behind it. */
static bool take_number(char **at, bool may_be_negative, uint64_t *value)
{
    bool negative = may_be_negative && **at == '-';
    char *p = *at + negative;
    uint64_t n = 0;

    if (*p < '0' || *p > '9')
        return false;
    for (; *p >= '0' && *p <= '9'; p++)
        if (__builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n))
            return false;
    if (*p != ' ')
        return false;
    *at = p + 1;
    *value = negative ? -n : n;
    return true;
}

static bool take_digest(char **at, struct digest *d)
{
    char *end = strchr(*at, ' ');
    bool good;

    if (!end)
        return false;
    *end = '\0';
    good = digest_parse(d, *at);
    *at = end + 1;
    return good;
}

static bool read_to(struct placed *p, char *line, struct placed_to **t)
{
    struct object o = { 0 };
    uint64_t size;

    if (!take_word(&line, "to "))
        return false;
    o.kind = take_word(&line, "tree ")   ? OBJECT_TREE
             : take_word(&line, "exec ") ? OBJECT_EXEC
                                         : OBJECT_FILE;
    if (o.kind == OBJECT_FILE && !take_word(&line, "file "))
        return false;
    if (!take_digest(&line, &o.id) || !take_number(&line, false, &size) ||
        size > INT64_MAX)
        return false;
    o.size = (long long)size;
    unescape(line);
    *t = append(p, line, &o); /* it was written from names that differ */
    return true;
}

static bool read_file(struct placed *p, char *line, struct placed_to *t)
{
    struct placed_file f = { 0 };
    uint64_t mtime, ctime, mode;

    if (!t || !take_word(&line, "file ") || !take_digest(&line, &f.id) ||
        !take_number(&line, false, &f.state.dev) ||
        !take_number(&line, false, &f.state.ino) ||
        !take_number(&line, false, &f.state.size) || !take_number(&line, true, &mtime) ||
        !take_number(&line, true, &ctime) || !take_number(&line, false, &mode) ||
        !take_word(&line, "/"))
        return false;
    f.state.mtime_ns = (int64_t)mtime;
    f.state.ctime_ns = (int64_t)ctime;
    f.state.mode = (uint32_t)mode;
    unescape(line);
    f.path = line;
    placed_add(p, t, &f);
    return true;
}

static bool read_text(struct placed *p, char *text)
{
    struct placed_to *t = NULL;
    size_t n = strlen(text), n_end = sizeof end_line - 1;

    if (strncmp(text, first_line, sizeof first_line - 1) != 0 || n < n_end ||
        strcmp(text + n - n_end, end_line) != 0)
        return false;
    text[n - n_end] = '\0';
    for (char *line = text + sizeof first_line - 1; *line;) {
        char *end = strchr(line, '\n');

        if (!end)
            return false;
        *end = '\0';
        if (!read_to(p, line, &t) && !read_file(p, line, t))
            return false;
        line = end + 1;
    }
    return true;
}

int placed_read(struct placed *p, const char *path, struct error *err)
{
    struct buf text = { 0 };
    int rc = 0;

    *p = (struct placed){ 0 };
    if (fs_exists(path))
        rc = fs_read(path, &text, err);
    if (rc == 0 && text.len && !read_text(p, text.s))
        placed_release(p);
    buf_release(&text);
    return rc;
}

static void add_number(struct buf *text, uint64_t n)
{
    char digit[24], *at = digit + sizeof digit;

    *--at = ' ';
    do
        *--at = (char)('0' + n % 10);
    while (n /= 10);
    buf_add(text, at, (size_t)(digit + sizeof digit - at));
}

static void add_signed(struct buf *text, int64_t n)
{
    if (n < 0)
        buf_addc(text, '-');
    add_number(text, n < 0 ? -(uint64_t)n : (uint64_t)n);
}

static void add_digest(struct buf *text, const struct digest *d)
{
    char hex[DIGEST_HEX + 1];

    buf_adds(text, "sha256:");
    buf_adds(text, digest_hex(d, hex));
    buf_addc(text, ' ');
}

static void write_to(const struct placed_to *t, struct buf *text)
{
    buf_adds(text, t->object.kind == OBJECT_TREE   ? "to tree "
                   : t->object.kind == OBJECT_EXEC ? "to exec "
                                                   : "to file ");
    add_digest(text, &t->object.id);
    add_signed(text, t->object.size);
    buf_add_escaped(text, t->to);
    buf_addc(text, '\n');
    for (size_t i = 0; i < t->n_files; i++) {
        const struct placed_file *f = &t->file[i];

        buf_adds(text, "file ");
        add_digest(text, &f->id);
        add_number(text, f->state.dev);
        add_number(text, f->state.ino);
        add_number(text, f->state.size);
        add_signed(text, f->state.mtime_ns);
        add_signed(text, f->state.ctime_ns);
        add_number(text, f->state.mode);
        buf_addc(text, '/');
        buf_add_escaped(text, f->path);
        buf_addc(text, '\n');
    }
}

int placed_write(const struct placed *p, const char *path, struct error *err)
{
    struct buf text = { 0 };
    int rc;

    buf_adds(&text, first_line);
    for (size_t i = 0; i < p->n; i++)
        write_to(p->to[i], &text);
    buf_adds(&text, end_line);
    rc = fs_write(path, text.s, text.len, false, err);
    buf_release(&text);
    return rc;
}
