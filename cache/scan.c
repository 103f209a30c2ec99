#include "scan.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "larder/buf.h"

#include "larder/banned.h"

void scan_start(struct scan *s, const char *text, size_t n)
{
    *s = (struct scan){ .at = text, .end = text + n, .line = 1 };
}

bool scan_done(const struct scan *s)
{
    return s->at == s->end;
}

bool scan_text(struct scan *s, const char *text)
{
    size_t n = strlen(text);

    if ((size_t)(s->end - s->at) < n || memcmp(s->at, text, n) != 0)
        return false;
    s->at += n;
    return true;
}

bool scan_newline(struct scan *s)
{
    if (s->at == s->end || *s->at != '\n')
        return false;
    s->at++;
    s->line++;
    return true;
}

bool scan_number(struct scan *s, long long *value)
{
    const char *start = s->at;
    long long v = 0;

    for (; s->at < s->end && *s->at >= '0' && *s->at <= '9'; s->at++) {
        int digit = *s->at - '0';

        if (v > (LLONG_MAX - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *value = v;
    return s->at > start && (*start != '0' || s->at == start + 1);
}

bool scan_double(struct scan *s, double *value)
{
    char text[40];
    size_t n = 0;
    struct buf again = { 0 };
    bool good;

    while (s->at < s->end && *s->at != '\n' && *s->at != ' ' && n + 1 < sizeof text)
        text[n++] = *s->at++;
    text[n] = '\0';
    *value = strtod(text, NULL);
    if (n == 0 || !isfinite(*value) || signbit(*value))
        return false;
    buf_add_double(&again, *value);
    good = strcmp(buf_str(&again), text) == 0;
    buf_release(&again);
    return good;
}

bool scan_digest(struct scan *s, struct digest *d)
{
    if (!scan_text(s, "sha256:") || s->end - s->at < DIGEST_HEX ||
        !digest_parse_hex(d, s->at))
        return false;
    s->at += DIGEST_HEX;
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes one escape after its backslash; the byte, or -1. */
static int unescape(const char **at, const char *end)
{
    char c;

    if (*at == end)
        return -1;
    c = *(*at)++;
    switch (c) {
    case '\\':
        return '\\';
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case 'r':
        return '\r';
    case 'x':
        if (end - *at < 2 || hex_digit((*at)[0]) < 0 || hex_digit((*at)[1]) < 0)
            return -1;
        *at += 2;
        return hex_digit((*at)[-2]) << 4 | hex_digit((*at)[-1]);
    default:
        return -1;
    }
}

const char *scan_escaped(struct scan *s, struct arena *arena)
{
    const char *end = memchr(s->at, '\n', (size_t)(s->end - s->at));
    const char *at = s->at, *text = NULL;
    struct buf plain = { 0 }, again = { 0 };
    size_t n;

    if (!end)
        end = s->end;
    n = (size_t)(end - s->at);
    while (at < end) {
        int c = (unsigned char)*at++;

        if (c == '\\')
            c = unescape(&at, end);
        if (c <= 0)
            goto out;
        buf_addc(&plain, (char)c);
    }
    buf_add_escaped(&again, buf_str(&plain));
    if (n == 0 || again.len != n || memcmp(again.s, s->at, n) != 0)
        goto out;
    text = arena_strndup(arena, plain.s, plain.len);
    s->at = end;
out:
    buf_release(&again);
    buf_release(&plain);
    return text;
}

const char *scan_bytes(struct scan *s, size_t n, struct arena *arena)
{
    const char *text;

    if ((size_t)(s->end - s->at) < n || memchr(s->at, '\0', n))
        return NULL;
    text = arena_strndup(arena, s->at, n);
    for (size_t i = 0; i < n; i++)
        s->line += s->at[i] == '\n';
    s->at += n;
    return text;
}
