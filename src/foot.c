#include "foot.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "larder/banned.h"
#include "larder/mem.h"

static const char ellipsis[] = "\xe2\x80\xa6";

bool foot_can(FILE *to)
{
    const char *term = getenv("TERM"), *ci = getenv("CI");

    return isatty(fileno(to)) && term && *term && strcmp(term, "dumb") != 0 &&
           !(ci && *ci);
}

void foot_size(const struct foot *f, int *columns, int *rows)
{
    struct winsize size = { 0 };

    if (ioctl(fileno(f->to), TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
        size = (struct winsize){ .ws_col = 80, .ws_row = 24 };
    *columns = size.ws_col;
    *rows = size.ws_row;
}

/* The character at s: its bytes, 1 where they are no UTF-8, and how many columns it
 * takes. Combining characters count as one: a line may be cut short, never too long. */
static size_t character(const char *s, int *columns)
{
    unsigned char lead = (unsigned char)s[0];
    size_t n = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    unsigned long code = n == 1 ? lead : lead & (0x7fu >> n);

    for (size_t i = 1; i < n; i++) {
        if (((unsigned char)s[i] & 0xc0) != 0x80) {
            *columns = 1;
            return 1;
        }
        code = code << 6 | ((unsigned char)s[i] & 0x3f);
    }
    *columns = (code >= 0x1100 && code < 0x1160) || (code >= 0x2e80 && code < 0xd7b0) ||
                       (code >= 0xf900 && code < 0xfb00) ||
                       (code >= 0xfe30 && code < 0xfe70) ||
                       (code >= 0xff00 && code < 0xffe7) || code >= 0x1f000
                   ? 2
                   : 1;
    return n;
}

static int width_of(const char *s)
{
    int sum = 0, columns;

    while (*s) {
        s += character(s, &columns);
        sum += columns;
    }
    return sum;
}

/* Bytes of the longest beginning of s that fits. */
static size_t beginning(const char *s, int columns)
{
    const char *p = s;
    int one;

    while (*p) {
        size_t n = character(p, &one);

        columns -= one;
        if (columns < 0)
            break;
        p += n;
    }
    return (size_t)(p - s);
}

/* The shortest end of s that may stay so that it fits. */
static const char *ending(const char *s, int columns)
{
    int rest = width_of(s), one;

    while (*s && rest > columns) {
        s += character(s, &one);
        rest -= one;
    }
    return s;
}

void foot_fit(struct buf *text, int columns, enum foot_cut where)
{
    struct buf cut = { 0 };
    const char *s = buf_str(text);
    int left;

    if (width_of(s) <= columns)
        return;
    left = columns > 0 ? columns - 1 : 0;
    if (where == FOOT_CUT_MIDDLE)
        left /= 2;
    buf_add(&cut, s, beginning(s, left));
    if (columns > 0)
        buf_printf(&cut, "%s%s", ellipsis, ending(s, columns - 1 - left));
    buf_release(text);
    *text = cut;
}

void foot_lift(const struct foot *f, struct buf *to)
{
    int columns, rows, height = 0;

    if (f->n == 0)
        return;
    foot_size(f, &columns, &rows);
    for (size_t i = 0; i < f->n; i++) { /* a terminal made narrower has wrapped them */
        int width = width_of(f->line[i]);

        height += width > columns ? (width + columns - 1) / columns : 1;
    }
    buf_printf(to, "\r\033[%dA\033[J", height);
}

void foot_put(const struct foot *f, struct buf *to)
{
    for (size_t i = 0; i < f->n; i++) {
        bool faint = f->color && i > 0;

        buf_printf(to, "%s%s%s\n", faint ? "\033[2m" : "", f->line[i],
                   faint ? "\033[0m" : "");
    }
}

void foot_forget(struct foot *f)
{
    for (size_t i = 0; i < f->n; i++)
        free(f->line[i]);
    free(f->line);
    f->line = NULL;
    f->n = 0;
}

static bool is_same(const struct foot *f, const struct buf *line, size_t n)
{
    if (n != f->n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (strcmp(buf_str(&line[i]), f->line[i]) != 0)
            return false;
    return true;
}

void foot_draw(struct foot *f, const struct buf *line, size_t n)
{
    struct buf text = { 0 };

    if (!f->to || is_same(f, line, n))
        return;
    foot_lift(f, &text);
    foot_forget(f);
    f->line = xcalloc(n + 1, sizeof *f->line);
    for (f->n = 0; f->n < n; f->n++)
        f->line[f->n] = xstrdup(buf_str(&line[f->n]));
    foot_put(f, &text);
    fwrite(text.s, 1, text.len, f->to);
    fflush(f->to);
    buf_release(&text);
}

void foot_close(struct foot *f)
{
    foot_draw(f, NULL, 0);
    foot_forget(f);
    *f = (struct foot){ 0 };
}
