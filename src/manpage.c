/*
 * manpage NAME SECTION SUMMARY PAGE.md - a page of docs/ as a manual page, on standard
 * output: a build tool. It knows what these pages are made of: headings, paragraphs,
 * lists, tables, fenced blocks, and `code`, **strong** and [links](to) in a line.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/buf.h"
#include "larder/fs.h"

enum { CELLS_MAX = 16 };

/* Where a page is: blank lines and the kind of line before say where a paragraph begins.
 */
struct page {
    bool fenced, fresh; /* in a block; a paragraph is to begin, */
    bool headed;        /* unless a heading has begun it */
    char *head[CELLS_MAX];
    size_t n_head; /* of the table that we are in */
};

static void put_char(char c)
{
    if (c == '\\')
        fputs("\\e", stdout);
    else if (c == '-')
        fputs("\\-", stdout);
    else if (c == '~')
        fputs("\\(ti", stdout);
    else if (c == '^')
        fputs("\\(ha", stdout);
    else
        putchar(c);
}

/* s[0..n) as it stands; no line begins with a control character. */
static void put_plain(const char *s, size_t n, bool first)
{
    if (first && n && (*s == '.' || *s == '\''))
        fputs("\\&", stdout);
    for (size_t i = 0; i < n; i++)
        put_char(s[i]);
}

/* A mark and its other end: `code`, **strong**, *stress*. */
static const struct {
    const char *mark, *font;
} marks[] = { { "`", "B" }, { "**", "B" }, { "*", "I" } };

/* Puts what is marked at s, and returns what is behind it; NULL where there is no mark.
 */
static const char *put_marked(const char *s, const char *end)
{
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        size_t n = strlen(marks[i].mark);
        const char *to;

        if (strncmp(s, marks[i].mark, n) != 0 || s[n] == ' ')
            continue;
        to = strstr(s + n, marks[i].mark);
        if (!to || to + n > end)
            continue;
        printf("\\f%s", marks[i].font);
        put_plain(s + n, (size_t)(to - s) - n, false);
        fputs("\\fR", stdout);
        return to + n;
    }
    return NULL;
}

/* The text of a link in s[0..n), and what is behind it; NULL where there is none. */
static const char *find_link(const char *s, const char *end, const char **text_end)
{
    const char *to = *s == '[' ? memchr(s, ']', (size_t)(end - s)) : NULL;
    const char *close =
        to && to + 1 < end && to[1] == '(' ? memchr(to, ')', (size_t)(end - to)) : NULL;

    *text_end = to;
    return close ? close + 1 : NULL;
}

/* s[0..n) with its marks; first: it begins a line of the manual page. */
static void put_text(const char *s, size_t n, bool first)
{
    const char *end = s + n;

    while (s < end) {
        const char *text_end, *behind = find_link(s, end, &text_end);

        if (behind)
            put_text(s + 1, (size_t)(text_end - s) - 1, first);
        else
            behind = put_marked(s, end);
        if (!behind) {
            put_plain(s, 1, first);
            behind = s + 1;
        }
        s = behind;
        first = false;
    }
}

static void put_line(const char *s)
{
    put_text(s, strlen(s), true);
    putchar('\n');
}

static void put_heading(const char *macro, const char *s)
{
    printf(".%s \"", macro);
    for (; *s; s++)
        if (*s == '"')
            fputs("\\(dq", stdout);
        else if (*s != '`')
            put_char(*s);
    fputs("\"\n", stdout);
}

/* ---- tables --------------------------------------------------------------------------
 */

static char *trimmed(char *s)
{
    size_t n;

    s += strspn(s, " ");
    n = strlen(s);
    while (n && s[n - 1] == ' ')
        s[--n] = '\0';
    return s;
}

/* Cuts a row into cells; a | in `code`, or behind a backslash, is none. */
static size_t cut_row(char *line, char *cell[CELLS_MAX])
{
    size_t n = 0;
    bool code = false;
    char *start = line + 1;

    for (char *p = start; *p && n < CELLS_MAX; p++) {
        if (*p == '`')
            code = !code;
        if (*p != '|' || code || p[-1] == '\\')
            continue;
        *p = '\0';
        cell[n++] = trimmed(start);
        start = p + 1;
    }
    return n;
}

static void put_row(struct page *p, char *line)
{
    char *cell[CELLS_MAX];
    size_t n;

    if (line[strspn(line, "|-: ")] == '\0') /* between head and body */
        return;
    n = cut_row(line, cell);
    if (p->n_head == 0) {
        for (size_t i = 0; i < n; i++)
            p->head[i] = cell[i];
        p->n_head = n;
        return;
    }
    fputs(".TP\n", stdout);
    put_line(n && *cell[0] ? cell[0] : "\\&");
    for (size_t i = 1; i < n; i++) {
        if (!*cell[i])
            continue;
        if (n > 2 && i < p->n_head && *p->head[i]) {
            put_text(p->head[i], strlen(p->head[i]), true);
            fputs(": ", stdout);
            put_text(cell[i], strlen(cell[i]), false);
            fputs(i + 1 < n ? ";\n" : "\n", stdout);
        } else {
            put_line(cell[i]);
        }
    }
    if (n < 2 || !*cell[1])
        fputs("\\&\n", stdout);
}

/* ---- lines ---------------------------------------------------------------------------
 */

static void put_fence(struct page *p)
{
    p->fenced = !p->fenced;
    fputs(!p->fenced  ? ".RE\n.fi\n"
          : p->headed ? ".nf\n.RS 4\n"
                      : ".PP\n.nf\n.RS 4\n",
          stdout);
    p->headed = false;
    p->fresh = !p->fenced;
}

static void take_line(struct page *p, char *line)
{
    size_t digits = strspn(line, "0123456789");

    if (!strncmp(line, "```", 3)) {
        put_fence(p);
        return;
    }
    if (p->fenced) {
        put_plain(line, strlen(line), true);
        putchar('\n');
        return;
    }
    if (*line == '|') {
        p->headed = false;
        put_row(p, line);
        return;
    }
    if (p->n_head) {
        p->n_head = 0;
        p->fresh = true;
    }
    if (*line == '\0') {
        p->fresh = !p->headed;
        return;
    }
    if (*line == '#') {
        size_t depth = strspn(line, "#");

        if (depth > 1) /* the first is the title */
            put_heading(depth == 2 ? "SH" : "SS", line + depth + 1);
        p->fresh = false;
        p->headed = true;
        return;
    }
    if (!strncmp(line, "- ", 2)) {
        fputs(".IP \\(bu 2\n", stdout);
        line += 2;
    } else if (digits && !strncmp(line + digits, ". ", 2)) {
        printf(".IP %.*s. 4\n", (int)digits, line);
        line += digits + 2;
    } else if (p->fresh) {
        fputs(".PP\n", stdout);
    }
    p->fresh = p->headed = false;
    put_line(line + strspn(line, " "));
}

int main(int argc, char **argv)
{
    struct page page = { .headed = true };
    struct buf text = { 0 };
    struct error err;
    char *all, *rest, *line;

    if (argc != 5) {
        fputs("usage: manpage NAME SECTION SUMMARY PAGE.md\n", stderr);
        return 2;
    }
    if (fs_read(argv[4], &text, &err) < 0) {
        fprintf(stderr, "manpage: %s\n", err.text);
        return 1;
    }
    printf(".\\\" Made from %s\n.TH ",
           strrchr(argv[4], '/') ? strrchr(argv[4], '/') + 1 : argv[4]);
    for (const char *s = argv[1]; *s; s++)
        put_char((char)toupper((unsigned char)*s));
    printf(" %s \"" LARDER_DATE "\" \"Larder " LARDER_VERSION "\" \"Larder\"\n.SH NAME\n",
           argv[2]);
    put_plain(argv[1], strlen(argv[1]), true);
    fputs(" \\- ", stdout);
    put_plain(argv[3], strlen(argv[3]), false);
    fputs("\n.SH DESCRIPTION\n", stdout);
    all = rest = buf_take(&text);
    while ((line = strsep(&rest, "\n")) != NULL)
        take_line(&page, line);
    free(all);
    fputs(".SH SEE ALSO\n\\fBlarder\\fR(1)\n", stdout);
    return fflush(stdout) == 0 ? 0 : 1;
}
