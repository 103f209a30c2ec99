#include "option.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <string.h>

#include "larder/buf.h"
#include "larder/map.h"

#include "larder/banned.h"

const char *option_type_name(enum option_type type)
{
    static const char *const names[] = { "int", "float", "bool", "string", "choice" };

    return names[type];
}

void option_allows(const struct program_option *o, struct buf *b)
{
    bool low = o->min > -INFINITY, high = o->max < INFINITY;

    switch (o->type) {
    case OPTION_BOOL:
        buf_adds(b, "true or false");
        return;
    case OPTION_STRING:
        buf_adds(b, "a text");
        return;
    case OPTION_CHOICE:
        for (size_t i = 0; i < o->n_choices; i++)
            buf_printf(b, "%s%s",
                       i == 0                  ? ""
                       : i == o->n_choices - 1 ? " or "
                                               : ", ",
                       o->choice[i]);
        return;
    case OPTION_INT:
    case OPTION_FLOAT:
        buf_adds(b, o->type == OPTION_INT ? "a whole number" : "a number");
        if (low) {
            buf_adds(b, high ? " from " : " of at least ");
            buf_add_double(b, o->min);
        }
        if (high) {
            buf_adds(b, low ? " to " : " of at most ");
            buf_add_double(b, o->max);
        }
    }
}

static int refuse(const struct program_option *o, const char *text, struct error *err)
{
    struct buf b = { 0 };

    buf_printf(&b, "\"%s\" is not ", text);
    option_allows(o, &b);
    if (o->type == OPTION_CHOICE) {
        const char *near = nearest_name(text, o->choice, o->n_choices);
        if (near)
            buf_printf(&b, "; did you mean %s?", near);
    }
    error_set(err, E_INPUT, "%s", buf_str(&b));
    buf_release(&b);
    return E_INPUT;
}

/* [-+]?(0|[1-9][0-9]*): what YAML users mean by a whole number; 010 and 1e3 are not. */
static bool is_int(const char *s)
{
    s += *s == '-' || *s == '+';
    size_t n = strspn(s, "0123456789");
    return n > 0 && s[n] == '\0' && (n == 1 || s[0] != '0');
}

/* [-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?: YAML 1.2 core, without .inf and
 * .nan. */
static bool is_float(const char *s)
{
    static const char digits[] = "0123456789";
    size_t before, after = 0;

    s += *s == '-' || *s == '+';
    before = strspn(s, digits);
    s += before;
    if (*s == '.') {
        after = strspn(s + 1, digits);
        s += 1 + after;
    }
    if (before + after == 0)
        return false;
    if (*s == 'e' || *s == 'E') {
        s++;
        s += *s == '-' || *s == '+';
        size_t n = strspn(s, digits);
        if (n == 0)
            return false;
        s += n;
    }
    return *s == '\0';
}

static int int_value(const struct program_option *o, const char *text,
                     struct arena *arena, const char **canonical, struct error *err)
{
    long long x;

    errno = 0;
    x = is_int(text) ? strtoll(text, NULL, 10) : 0;
    if (!is_int(text) || errno || (double)x < o->min || (double)x > o->max)
        return refuse(o, text, err);
    *canonical = arena_printf(arena, "%lld", x);
    return 0;
}

static int float_value(const struct program_option *o, const char *text,
                       struct arena *arena, const char **canonical, struct error *err)
{
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    double x = is_float(text) ? strtod_l(text, NULL, c) : NAN;
    struct buf b = { 0 };

    freelocale(c);
    if (!isfinite(x) || x < o->min || x > o->max)
        return refuse(o, text, err);
    buf_add_double(&b, x == 0 ? 0 : x); /* -0 is 0 */
    *canonical = arena_strdup(arena, buf_str(&b));
    buf_release(&b);
    return 0;
}

int program_value(const struct program_option *o, const char *text, struct arena *arena,
                  const char **canonical, struct error *err)
{
    bool ok = true;

    switch (o->type) {
    case OPTION_INT:
        return int_value(o, text, arena, canonical, err);
    case OPTION_FLOAT:
        return float_value(o, text, arena, canonical, err);
    case OPTION_BOOL:
        ok = !strcmp(text, "true") || !strcmp(text, "false");
        break;
    case OPTION_CHOICE:
        ok = false;
        for (size_t i = 0; i < o->n_choices; i++)
            ok = ok || !strcmp(text, o->choice[i]);
        break;
    case OPTION_STRING:
        break;
    }
    if (!ok)
        return refuse(o, text, err);
    *canonical = arena_strdup(arena, text);
    return 0;
}
