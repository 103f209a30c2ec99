#include "difference.h"

#include <stdbool.h>
#include <string.h>

#include "larder/banned.h"

/* A line of a key document; of an input, with the lines of a list below it. */
struct field {
    const char *kind, *name, *value;
    bool matched;
};

struct fields {
    struct field *field;
    size_t n;
};

static bool has_name(const char *kind)
{
    static const char *const alone[] = { "larder-key", "program", "seed", "sh" };

    for (size_t i = 0; i < sizeof alone / sizeof alone[0]; i++)
        if (!strcmp(kind, alone[i]))
            return false;
    return true;
}

/* Takes the first word off *text. */
static const char *take_word(struct arena *arena, const char **text)
{
    size_t n = strcspn(*text, " ");
    const char *word = arena_strndup(arena, *text, n);

    *text += n + ((*text)[n] == ' ');
    return word;
}

/* Arguments have no name of their own: they are counted. */
static const char *name_of(struct arena *arena, const struct fields *f, const char *kind,
                           const char **rest)
{
    size_t count = 0;

    if (strcmp(kind, "arg") != 0)
        return has_name(kind) ? take_word(arena, rest) : "";
    for (size_t i = 0; i < f->n; i++)
        count += !strcmp(f->field[i].kind, kind);
    return arena_printf(arena, "%zu", count);
}

static void add_line(struct arena *arena, struct fields *f, const char *line)
{
    const char *rest = line, *kind;
    struct field *last = f->n ? &f->field[f->n - 1] : NULL;

    if (last && (!strncmp(line, "item ", 5) || !strncmp(line, "column", 6))) {
        last->value = arena_printf(arena, "%s\n%s", last->value, line);
        return;
    }
    kind = take_word(arena, &rest);
    f->field[f->n] = (struct field){ .kind = kind,
                                     .name = name_of(arena, f, kind, &rest),
                                     .value = rest };
    f->n++;
}

static void split(struct arena *arena, const char *text, struct fields *f)
{
    size_t n_lines = 1;

    for (const char *p = text; *p; p++)
        n_lines += *p == '\n';
    *f = (struct fields){ .field = arena_alloc(arena, n_lines * sizeof *f->field) };
    while (*text) {
        size_t n = strcspn(text, "\n");

        if (n)
            add_line(arena, f, arena_strndup(arena, text, n));
        text += n + (text[n] == '\n');
    }
}

static struct field *find(struct fields *f, const struct field *like)
{
    for (size_t i = 0; i < f->n; i++)
        if (!strcmp(f->field[i].kind, like->kind) &&
            !strcmp(f->field[i].name, like->name))
            return &f->field[i];
    return NULL;
}

void key_differences(const char *was, const char *is, struct arena *arena,
                     struct difference **to, size_t *n)
{
    struct fields older, newer;
    struct difference *d;

    split(arena, was, &older);
    split(arena, is, &newer);
    d = arena_alloc(arena, (older.n + newer.n + 1) * sizeof *d);
    *n = 0;
    for (size_t i = 0; i < newer.n; i++) {
        const struct field *new_one = &newer.field[i];
        struct field *old_one = find(&older, new_one);

        if (old_one)
            old_one->matched = true;
        if (!old_one || strcmp(old_one->value, new_one->value) != 0)
            d[(*n)++] =
                (struct difference){ new_one->kind, new_one->name,
                                     old_one ? old_one->value : NULL, new_one->value };
    }
    for (size_t i = 0; i < older.n; i++)
        if (!older.field[i].matched)
            d[(*n)++] = (struct difference){ older.field[i].kind, older.field[i].name,
                                             older.field[i].value, NULL };
    *to = d;
}

/* Of "int 30" the 30, of "sha256:9f86d081884c7d65…" the first twelve digits. */
static void tell_value(const struct difference *d, const char *value, struct buf *to)
{
    static const char digest[] = "sha256:";
    const char *found;
    size_t start = to->len;

    if (!strcmp(d->kind, "option") && strchr(value, ' '))
        value = strchr(value, ' ') + 1;
    while ((found = strstr(value, digest)) != NULL && strlen(found) >= 12 + 7) {
        buf_add(to, value, (size_t)(found - value) + 7 + 12);
        value = found + 7 + strspn(found + 7, "0123456789abcdef");
        buf_adds(to, "…");
    }
    buf_adds(to, *value || to->len > start ? value : "''");
}

static void tell_both(const struct difference *d, struct buf *to)
{
    buf_adds(to, ": ");
    if (!d->was) {
        buf_adds(to, "new, ");
        tell_value(d, d->is, to);
        return;
    }
    tell_value(d, d->was, to);
    buf_adds(to, d->is ? " → " : ", is gone");
    if (d->is)
        tell_value(d, d->is, to);
}

/* The name in "train sha256:9f…". */
static bool same_name(const char *was, const char *is)
{
    size_t n = strcspn(was, " ");

    return n == strcspn(is, " ") && !strncmp(was, is, n);
}

static void tell_content(const struct difference *d, const char *what, bool was, bool is,
                         bool same_bytes, struct buf *to)
{
    buf_printf(to, "%s %s %s", what, d->name,
               was == is || !same_bytes ? "changed"
               : is                     ? "may be executed now"
                                        : "may not be executed any more");
}

/* "file sha256:9f…" and "exec sha256:9f…" are the same bytes, */
static void tell_input(const struct difference *d, struct buf *to)
{
    bool was = !strncmp(d->was, "exec ", 5), is = !strncmp(d->is, "exec ", 5);

    tell_content(d, "input", was, is, !strcmp(d->was + 5, d->is + 5), to);
}

/* and so are "sha256:9f…" and "sha256:9f… exec". */
static void tell_code(const struct difference *d, struct buf *to)
{
    size_t n = strcspn(d->was, " "), m = strcspn(d->is, " ");

    tell_content(d, d->kind, d->was[n], d->is[m], n == m && !strncmp(d->was, d->is, n),
                 to);
}

/* The lines of an escaped text. */
struct lines {
    const char *start[512];
    size_t length[512], n;
};

static void cut(struct lines *l, const char *text)
{
    const size_t most = sizeof l->start / sizeof l->start[0];

    for (l->n = 0; *text && l->n < most; l->n++) {
        const char *end = text;

        while (*end && (end[0] != '\\' || end[1] != 'n'))
            end += end[0] == '\\' && end[1] ? 2 : 1;
        if (l->n + 1 == most) /* the rest is one line */
            end = text + strlen(text);
        while (*text == ' ' && text < end)
            text++;
        l->start[l->n] = text;
        l->length[l->n] = (size_t)(end - text);
        text = *end ? end + 2 : end;
    }
}

static bool same_line(const struct lines *a, size_t i, const struct lines *b, size_t j)
{
    return a->length[i] == b->length[j] &&
           !strncmp(a->start[i], b->start[j], a->length[i]);
}

/* Back to where a character begins. */
static size_t whole(const char *s, size_t at)
{
    while (at > 0 && (s[at] & 0xc0) == 0x80)
        at--;
    return at;
}

/* What of a line can be read at a glance, from a place on. */
static void tell_line(const struct lines *l, size_t i, size_t from, struct buf *to)
{
    enum { GLANCE = 60 };
    const char *s = l->start[i];
    size_t end = l->length[i];

    if (end > from + GLANCE)
        end = whole(s, from + GLANCE);
    buf_adds(to, from > 0 ? "…" : "");
    buf_add(to, s + from, end - from);
    buf_adds(to, end < l->length[i] ? "…" : "");
}

/* Where two lines are told from: a little before they differ. */
static size_t place_of(const struct lines *a, const struct lines *b, size_t i)
{
    enum { BEFORE = 24 };
    size_t same = 0;

    while (same < a->length[i] && same < b->length[i] &&
           a->start[i][same] == b->start[i][same])
        same++;
    return same > 2 * BEFORE ? whole(a->start[i], same - BEFORE) : 0;
}

/* The first line that is another, between those at both ends that are the same. */
static void tell_text(const struct difference *d, struct buf *to)
{
    struct lines was, is;
    size_t first = 0, same_end = 0, from = 0;

    cut(&was, d->was);
    cut(&is, d->is);
    while (first < was.n && first < is.n && same_line(&was, first, &is, first))
        first++;
    while (first + same_end < was.n && first + same_end < is.n &&
           same_line(&was, was.n - 1 - same_end, &is, is.n - 1 - same_end))
        same_end++;
    buf_adds(to, "the text of sh: ");
    if (first + same_end == was.n && first + same_end == is.n) {
        buf_adds(to, "blanks changed");
        return;
    }
    if (first + same_end < was.n && first + same_end < is.n)
        from = place_of(&was, &is, first);
    if (first + same_end < was.n)
        tell_line(&was, first, from, to);
    buf_adds(to, first + same_end == was.n  ? "new, "
                 : first + same_end == is.n ? ", is gone"
                                            : " → ");
    if (first + same_end < is.n)
        tell_line(&is, first, from, to);
}

void difference_tell(const struct difference *d, struct buf *to)
{
    if (!strcmp(d->kind, "program") && d->was && d->is && same_name(d->was, d->is)) {
        if (!strncmp(d->is, "run ", 4))
            buf_adds(to, "the executable changed");
        else
            buf_printf(to, "program %.*s changed", (int)strcspn(d->is, " "), d->is);
        return;
    }
    if (!strcmp(d->kind, "sh") && d->was && d->is) {
        tell_text(d, to);
        return;
    }
    if (!strcmp(d->kind, "in") && d->was && d->is) {
        tell_input(d, to);
        return;
    }
    if ((!strcmp(d->kind, "code") || !strcmp(d->kind, "tool")) && d->was && d->is) {
        tell_code(d, to);
        return;
    }
    buf_printf(to, "%s%s%s",
               !strcmp(d->kind, "in")    ? "input"
               : !strcmp(d->kind, "out") ? "output"
               : !strcmp(d->kind, "arg") ? "argument"
                                         : d->kind,
               *d->name ? " " : "", d->name);
    if (strcmp(d->kind, "in") != 0 && strcmp(d->kind, "out") != 0)
        tell_both(d, to);
    else
        buf_adds(to, d->is ? d->was ? " changed" : " is new" : " is gone");
}
