#include "placed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/buf.h"

static const char first_line[] = "larder-placed 1\n";
static const char end_line[] = "end\n"; /* a text without it is torn */

struct placed_to *placed_find(const struct placed *p, const char *to)
{
    for (size_t i = 0; i < p->n; i++)
        if (!strcmp(p->to[i]->to, to))
            return p->to[i];
    return NULL;
}

struct placed_to *placed_renew(struct placed *p, const char *to, const struct object *o)
{
    struct placed_to *t = placed_find(p, to);

    if (!t) {
        t = arena_alloc(&p->arena, sizeof *t);
        t->to = arena_strdup(&p->arena, to);
        GROW(p->to, p->n + 1, p->cap);
        p->to[p->n++] = t;
    }
    t->object = *o;
    t->n_files = 0;
    return t;
}

void placed_add(struct placed *p, struct placed_to *t, const struct placed_file *f)
{
    GROW(t->file, t->n_files + 1, t->cap);
    t->file[t->n_files] = *f;
    t->file[t->n_files++].path = arena_strdup(&p->arena, f->path);
}

void placed_release(struct placed *p)
{
    for (size_t i = 0; i < p->n; i++)
        free(p->to[i]->file);
    free(p->to);
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

static bool read_to(struct placed *p, char *line, struct placed_to **t)
{
    char kind[8], id[80];
    struct object o = { 0 };
    int n = 0;

    if (sscanf(line, "to %7s %79s %lld %n", kind, id, &o.size, &n) != 3 || !n ||
        !digest_parse(&o.id, id))
        return false;
    o.kind = !strcmp(kind, "tree") ? OBJECT_TREE : OBJECT_FILE;
    unescape(line + n);
    *t = placed_renew(p, line + n, &o);
    return true;
}

static bool read_file(struct placed *p, char *line, struct placed_to *t)
{
    struct placed_file f = { 0 };
    char id[80];
    int n = 0;

    if (!t ||
        sscanf(line,
               "file %79s %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNd64 " %" SCNd64
               " %" SCNu32 " /%n",
               id, &f.state.dev, &f.state.ino, &f.state.size, &f.state.mtime_ns,
               &f.state.ctime_ns, &f.state.mode, &n) != 7 ||
        !n || !digest_parse(&f.id, id))
        return false;
    unescape(line + n);
    f.path = line + n;
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

static void write_to(const struct placed_to *t, struct buf *text)
{
    char hex[DIGEST_HEX + 1];

    buf_printf(text, "to %s sha256:%s %lld ",
               t->object.kind == OBJECT_TREE ? "tree" : "file",
               digest_hex(&t->object.id, hex), t->object.size);
    buf_add_escaped(text, t->to);
    buf_addc(text, '\n');
    for (size_t i = 0; i < t->n_files; i++) {
        const struct placed_file *f = &t->file[i];

        buf_printf(text,
                   "file sha256:%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64
                   " %" PRId64 " %" PRIu32 " /",
                   digest_hex(&f->id, hex), f->state.dev, f->state.ino, f->state.size,
                   f->state.mtime_ns, f->state.ctime_ns, f->state.mode);
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
