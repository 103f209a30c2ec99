#include "meet.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "larder/fs.h"
#include "larder/mem.h"

#include "larder/banned.h"

/* Of a table's header, in a message; and how much of one that is too long is read. */
enum { COLUMNS_SHOWN = 8, NAME_SHOWN = 30, HEADER_MORE = 4096 };

/* ---- messages ---------------------------------------------------------------------- */

static void add_place(const struct pos *pos, struct buf *to)
{
    buf_printf(to, "; expect: (%s:%d:%d) says ", pos->file, pos->line, pos->column);
}

static void add_range(const struct bounds *r, struct buf *to)
{
    if (r->low == -INFINITY && r->high == INFINITY)
        buf_adds(to, "any number");
    else if (r->low > -INFINITY && r->high < INFINITY && r->low < r->high)
        buf_adds(to, "from ");
    else if (r->low > -INFINITY && r->high > r->low)
        buf_adds(to, "at least ");
    else if (r->high < INFINITY && r->high > r->low)
        buf_adds(to, "at most ");
    if (r->low > -INFINITY)
        buf_add_double(to, r->low);
    if (r->low > -INFINITY && r->high < INFINITY && r->low < r->high)
        buf_adds(to, " to ");
    if (r->high < INFINITY && r->high > r->low)
        buf_add_double(to, r->high);
}

static int refuse(struct buf *text, struct error *err)
{
    error_set(err, E_STAGE, "%s", buf_str(text));
    buf_release(text);
    return E_STAGE;
}

static bool is_within(double x, const struct bounds *r)
{
    return x >= r->low && x <= r->high;
}

static int check_count(const struct output *out, const char *what, long long n,
                       const struct bounds *range, struct error *err)
{
    struct buf text = { 0 };

    if (is_within((double)n, range))
        return 0;
    buf_printf(&text, "its output %s (%s) has %lld %s%s", out->name, out->path, n, what,
               n == 1 ? "" : "s");
    add_place(&out->expect->pos, &text);
    add_range(range, &text);
    return refuse(&text, err);
}

/* ---- counting ---------------------------------------------------------------------- */

/* A last line without its end is a line. */
static int count_lines(struct store *st, const struct object *o, long long *n,
                       struct error *err)
{
    char bytes[64 << 10], last = '\n';
    struct buf path = { 0 };
    ssize_t got = 0;
    int fd, rc = 0;

    store_object_path(st, &o->id, &path);
    fd = open(buf_str(&path), O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && (got = read(fd, bytes, sizeof bytes)) > 0) {
        for (ssize_t i = 0; i < got; i++)
            *n += bytes[i] == '\n';
        last = bytes[got - 1];
    }
    if (fd < 0 || got < 0)
        rc = error_system(err, "cannot read %s", path.s);
    *n += last != '\n';
    if (fd >= 0)
        close(fd);
    buf_release(&path);
    return rc;
}

static int count_files(struct store *st, const struct object *o, long long *n,
                       struct error *err)
{
    struct arena arena = { 0 };
    struct store_entry *entry;
    size_t n_entries;
    int rc = store_list(st, o, &arena, &entry, &n_entries, err);

    if (rc > 0)
        rc = error_set(err, E_CORRUPT, "a folder that was just added is damaged");
    for (size_t i = 0; i < n_entries && rc == 0; i++)
        if (entry[i].object.kind == OBJECT_TREE)
            rc = count_files(st, &entry[i].object, n, err);
        else
            ++*n;
    arena_release(&arena);
    return rc;
}

/* ---- columns ----------------------------------------------------------------------- */

/* The first line, or as much of it as max. */
static int read_header(struct store *st, const struct object *o, size_t max,
                       struct buf *line, struct error *err)
{
    struct buf path = { 0 };
    FILE *file;
    int c = EOF, rc = 0;

    store_object_path(st, &o->id, &path);
    file = fopen(buf_str(&path), "re");
    while (file && line->len < max && (c = getc(file)) != EOF && c != '\n')
        buf_addc(line, (char)c);
    if (!file || ferror(file))
        rc = error_system(err, "cannot read %s", path.s);
    if (file)
        fclose(file);
    buf_release(&path);
    return rc;
}

/* The column that is the first not to be the same in both. */
static size_t first_other(const char *a, const char *b)
{
    size_t column = 0;

    for (; *a && *a == *b; a++, b++)
        column += *a == '\t';
    return column;
}

/* Those around a column, as far as they fit a message. */
static void add_columns(const char *header, size_t around, struct buf *to)
{
    size_t first = around > COLUMNS_SHOWN / 2 ? around - COLUMNS_SHOWN / 2 : 0,
           column = 0;

    if (first)
        buf_adds(to, "..., ");
    for (const char *s = header;; column++) {
        size_t n = strcspn(s, "\t");

        if (column >= first) {
            char *name = xstrndup(s, n < NAME_SHOWN ? n : NAME_SHOWN);

            buf_adds(to, column > first ? ", " : "");
            buf_add_escaped(to, column < first + COLUMNS_SHOWN ? name : "...");
            free(name);
        }
        if (!s[n] || column == first + COLUMNS_SHOWN)
            return;
        s += n + 1;
    }
}

static int check_columns(struct store *st, const struct output *out,
                         const struct object *o, struct error *err)
{
    const char *wanted = out->expect->columns;
    struct buf header = { 0 }, text = { 0 };
    int rc = read_header(st, o, strlen(wanted) + HEADER_MORE, &header, err);
    size_t other = first_other(buf_str(&header), wanted);

    if (rc == 0 && strcmp(buf_str(&header), wanted) != 0) {
        buf_printf(&text, "its output %s (%s) has ", out->name, out->path);
        buf_adds(&text, header.len ? "the columns " : "no columns");
        add_columns(buf_str(&header), other, &text);
        add_place(&out->expect->pos, &text);
        add_columns(wanted, other, &text);
        rc = refuse(&text, err);
    }
    buf_release(&header);
    return rc;
}

/* ---- what is expected -------------------------------------------------------------- */

int meet_record(const struct output *out, const struct object *o, struct error *err)
{
    const struct expect *e = out->expect;
    char hex[DIGEST_HEX + 1];
    struct buf text = { 0 };

    if (e && e->non_empty && o->size == 0) {
        buf_printf(&text, "its output %s (%s) is empty", out->name, out->path);
        add_place(&e->pos, &text);
        buf_adds(&text, "non-empty");
        return refuse(&text, err);
    }
    if (e && e->sha256 && !digest_equal(e->sha256, &o->id)) {
        buf_printf(&text, "its output %s (%s) is sha256:%s", out->name, out->path,
                   digest_hex(&o->id, hex));
        add_place(&e->pos, &text);
        buf_printf(&text, "sha256:%s", digest_hex(e->sha256, hex));
        return refuse(&text, err);
    }
    return 0;
}

int meet_output(struct store *st, const struct output *out, const struct object *o,
                struct error *err)
{
    const struct expect *e = out->expect;
    long long lines = 0, files = 0;
    int rc = meet_record(out, o, err);

    if (rc == 0 && e && e->columns)
        rc = check_columns(st, out, o, err);
    if (rc < 0 || !e || (!e->records && !e->lines))
        return rc;
    if (o->kind == OBJECT_TREE) {
        rc = count_files(st, o, &files, err);
        return rc < 0 ? rc : check_count(out, "file", files, e->records, err);
    }
    rc = count_lines(st, o, &lines, err);
    if (rc == 0 && e->records)
        rc = check_count(out, "record", lines ? lines - 1 : 0, e->records, err);
    if (rc == 0 && e->lines)
        rc = check_count(out, "line", lines, e->lines, err);
    return rc;
}

/* Whether what was told is a number, and which; nan is none. */
static bool is_number(const char *text, double *x)
{
    char *end;

    *x = strtod(text, &end);
    return end > text && !end[strspn(end, " ")] && !isnan(*x);
}

int meet_metrics(const struct step *step, char *const *told, struct error *err)
{
    for (size_t i = 0; i < step->n_metrics; i++) {
        const struct metric *m = &step->metric[i];
        struct buf text = { 0 };
        double x = NAN;
        bool number = told[i] && is_number(told[i], &x);

        if (number && is_within(x, &m->range))
            continue;
        if (told[i])
            buf_printf(&text, "its metric %s is %s%s", m->name, told[i],
                       number ? "" : ", which is not a number");
        else
            buf_printf(&text, "it told no metric %s", m->name);
        add_place(&m->pos, &text);
        add_range(&m->range, &text);
        return refuse(&text, err);
    }
    return 0;
}
