#include "lock.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "larder/buf.h"
#include "larder/formats.h"
#include "larder/fs.h"
#include "pos.h"

#include "larder/banned.h"

static const char first_line[] = FORMAT_LOCK;

enum { FIELDS = 5 };

static int compare_lines(const void *a, const void *b)
{
    const struct lock_line *x = a, *y = b;
    int c = strcmp(x->name, y->name);

    return c ? c : strcmp(x->pins, y->pins);
}

/* ---- reading ----------------------------------------------------------------------- */

/* Cuts a line at its blanks; false unless it has exactly the fields. */
static bool split(char *line, char *field[FIELDS])
{
    for (int i = 0; i < FIELDS; i++) {
        field[i] = line;
        line += strcspn(line, " ");
        if (line == field[i] || (*line == ' ') != (i < FIELDS - 1))
            return false;
        if (*line)
            *line++ = '\0';
    }
    return true;
}

static bool read_line(struct lock_line *to, char *line)
{
    char *field[FIELDS];

    if (!split(line, field))
        return false;
    to->name = field[0];
    to->pins = field[1];
    to->object.kind = strcmp(field[2], "tree") ? OBJECT_FILE : OBJECT_TREE;
    if (to->object.kind == OBJECT_FILE && strcmp(field[2], "file") != 0)
        return false;
    to->object.size = strtoll(field[4], NULL, 10);
    return strspn(field[4], "0123456789") == strlen(field[4]) && strlen(field[4]) < 19 &&
           !strncmp(field[3], "sha256:", 7) && digest_parse(&to->object.id, field[3]);
}

static int parse(struct lock *l, struct arena *arena, const struct recipe_text *text,
                 struct error *err)
{
    struct pos pos = { text->file, 1, 1, text };
    const char *s = text->s;
    size_t max = 0;

    for (const char *p = s; (p = strchr(p, '\n')); p++)
        max++;
    l->line = arena_alloc(arena, (max + 1) * sizeof *l->line);
    for (; *s; pos.line++) {
        size_t len = strcspn(s, "\n");
        char *line = arena_strndup(arena, s, len);
        struct lock_line *to = &l->line[l->n];

        if (!s[len])
            return pos_error(
                &pos, err,
                "the last line has no end; take it out, and the next run adds it");
        s += len + 1;
        if (pos.line == 1 && strcmp(line, first_line) != 0)
            return pos_error(
                &pos, err,
                "this is no larder.lock that this version reads, whose first "
                "line is `" FORMAT_LOCK "`");
        if (pos.line == 1)
            continue;
        to->number = pos.line;
        if (!read_line(to, line))
            return pos_error(
                &pos, err,
                "no line of a larder.lock, NAME PINS KIND DIGEST SIZE; take it "
                "from git again, or remove it");
        if (l->n++ && compare_lines(to - 1, to) >= 0)
            return pos_error(
                &pos, err,
                "this line is out of order, or there twice; take it out, and "
                "the next run adds it");
    }
    return 0;
}

int lock_read(struct lock *l, struct arena *arena, const char *path, const char *file,
              struct error *err)
{
    struct recipe_text *text = arena_alloc(arena, sizeof *text);
    struct buf bytes = { 0 };
    int rc = 0;

    *l = (struct lock){ 0 };
    if (!fs_exists(path))
        return 0;
    rc = fs_read(path, &bytes, err);
    text->file = arena_strdup(arena, file);
    text->path = arena_strdup(arena, path);
    text->s = arena_strdup(arena, buf_str(&bytes));
    text->n = strlen(text->s);
    if (rc == 0 && text->n != bytes.len)
        rc = error_set(err, E_INPUT, "%s is no text", file);
    buf_release(&bytes);
    return rc < 0 ? rc : parse(l, arena, text, err);
}

const struct lock_line *lock_find(const struct lock *l, const char *name,
                                  const char *pins)
{
    struct lock_line wanted = { .name = name, .pins = pins };

    return l->n ? bsearch(&wanted, l->line, l->n, sizeof *l->line, compare_lines) : NULL;
}

/* ---- adding ------------------------------------------------------------------------ */

static int write_with(const struct lock *l, const char *path,
                      const struct lock_line *added, struct error *err)
{
    char hex[DIGEST_HEX + 1];
    struct buf text = { 0 };
    size_t at = 0;
    int rc;

    while (at < l->n && compare_lines(&l->line[at], added) < 0)
        at++;
    buf_printf(&text, "%s\n", first_line);
    for (size_t i = 0; i <= l->n; i++) {
        const struct lock_line *line = i < at    ? &l->line[i]
                                       : i == at ? added
                                                 : &l->line[i - 1];

        buf_printf(&text, "%s %s %s sha256:%s %lld\n", line->name, line->pins,
                   line->object.kind == OBJECT_TREE ? "tree" : "file",
                   digest_hex(&line->object.id, hex), line->object.size);
    }
    rc = fs_write(path, text.s, text.len, true, err);
    buf_release(&text);
    return rc;
}

/* Holds the folder while the file in it is read and written; -1 where that cannot be,
 * and then a line that two processes add at once may be lost and is added again. */
static int hold_folder(const char *path)
{
    struct buf dir = { 0 };
    int fd;

    fs_dirname(&dir, path);
    fd = open(buf_str(&dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        flock(fd, LOCK_EX);
    buf_release(&dir);
    return fd;
}

int lock_add(const char *path, const char *file, const struct lock_line *line,
             struct error *err)
{
    struct arena arena = { 0 };
    struct lock l = { 0 };
    const struct lock_line *there;
    int fd = hold_folder(path), rc = lock_read(&l, &arena, path, file, err);

    there = rc == 0 ? lock_find(&l, line->name, line->pins) : NULL;
    if (there && !digest_equal(&there->object.id, &line->object.id))
        rc = error_set(err, E_INPUT,
                       "%s:%d has another digest of %s than what was found just now; run "
                       "again, or delete that line to accept what was found",
                       file, there->number, line->name);
    else if (rc == 0 && !there)
        rc = write_with(&l, path, line, err);
    if (fd >= 0)
        close(fd);
    arena_release(&arena);
    return rc;
}
