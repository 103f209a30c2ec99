#include "larder/buf.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "larder/mem.h"

#include "larder/banned.h"

void buf_reserve(struct buf *b, size_t n)
{
    size_t need = b->len + n + 1;

    if (need > b->cap) {
        b->cap = need + b->cap / 2 + 16;
        b->s = xrealloc(b->s, b->cap);
    }
}

void buf_add(struct buf *b, const void *bytes, size_t n)
{
    buf_reserve(b, n);
    if (n)
        memcpy(b->s + b->len, bytes, n);
    b->len += n;
    b->s[b->len] = '\0';
}

void buf_adds(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void buf_addc(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
    enum { OFTEN_ENOUGH = 80 };
    va_list again;
    size_t room;
    int n;

    buf_reserve(b, OFTEN_ENOUGH);
    room = b->cap - b->len;
    va_copy(again, ap);
    n = vsnprintf(b->s + b->len, room, fmt, again);
    va_end(again);
    if (n < 0) {
        b->s[b->len] = '\0';
        return;
    }
    if ((size_t)n >= room) {
        buf_reserve(b, (size_t)n);
        vsnprintf(b->s + b->len, (size_t)n + 1, fmt, ap);
    }
    b->len += (size_t)n;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(b, fmt, ap);
    va_end(ap);
}

void buf_reset(struct buf *b)
{
    buf_cut(b, 0);
}

void buf_cut(struct buf *b, size_t len)
{
    if (len < b->len) {
        b->len = len;
        b->s[len] = '\0';
    }
}

const char *buf_str(const struct buf *b)
{
    return b->s ? b->s : "";
}

char *buf_take(struct buf *b)
{
    char *s = b->s ? b->s : xstrdup("");

    *b = (struct buf){ 0 };
    return s;
}

void buf_release(struct buf *b)
{
    free(b->s);
    *b = (struct buf){ 0 };
}

void buf_add_escaped(struct buf *b, const char *s)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;

        if (c == '\\')
            buf_adds(b, "\\\\");
        else if (c == '\n')
            buf_adds(b, "\\n");
        else if (c == '\t')
            buf_adds(b, "\\t");
        else if (c == '\r')
            buf_adds(b, "\\r");
        else if (c < 0x20 || c == 0x7f)
            buf_printf(b, "\\x%02x", c);
        else
            buf_addc(b, *s);
    }
}

void buf_add_html(struct buf *b, const char *s)
{
    for (; *s; s++) {
        switch (*s) {
        case '&':
            buf_adds(b, "&amp;");
            break;
        case '<':
            buf_adds(b, "&lt;");
            break;
        case '>':
            buf_adds(b, "&gt;");
            break;
        case '"':
            buf_adds(b, "&quot;");
            break;
        case '\'':
            buf_adds(b, "&#39;");
            break;
        default:
            buf_addc(b, *s);
        }
    }
}

/* The fewest significant digits that read back as x, but whole numbers below 1e16 without
 * an exponent ("30", not "3e+01"). The program's locale is "C" unless somebody calls
 * setlocale(), which nobody here does. */
/* A number of millionths, as most that are written are: false when x is none. */
static bool add_millionths(struct buf *b, double x)
{
    long long n;
    char text[40];
    int end;

    if (!(x >= 1e-4 && x < 1e9))
        return false;
    n = (long long)(x * 1e6 + 0.5);
    if ((double)n / 1e6 != x)
        return false;
    end = snprintf(text, sizeof text, "%lld.%06lld", n / 1000000, n % 1000000);
    while (text[end - 1] == '0')
        end--;
    buf_add(b, text, (size_t)(text[end - 1] == '.' ? end - 1 : end));
    return true;
}

void buf_add_double(struct buf *b, double x)
{
    char text[40];

    if (add_millionths(b, x))
        return;
    if (x == 0)
        x = 0; /* no "-0" */
    /* No number has two names of 15 digits, so where these do, %g drops those that are
     * not needed. */
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, x);
        if (strtod(text, NULL) == x || isnan(x))
            break;
    }
    if (strchr(text, 'e') && fabs(x) >= 1 && fabs(x) < 1e16)
        snprintf(text, sizeof text, "%.0f", x);
    buf_adds(b, text);
}
