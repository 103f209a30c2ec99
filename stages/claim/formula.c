#include "claim/formula.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "larder/buf.h"
#include "larder/mem.h"

#include "larder/banned.h"

void numbers_add(struct numbers *l, struct number x)
{
    GROW(l->v, l->n + 1, l->cap);
    l->v[l->n++] = x;
}

void numbers_release(struct numbers *l)
{
    free(l->v);
    *l = (struct numbers){ 0 };
}

/* Reading: the text from `at` on. Each parse_ function fills an empty *to. */
struct reader {
    const char *text, *at;
    formula_lookup *lookup;
    void *self;
    int depth;
};

enum { DEPTH = 64 };

static int wrong(const struct reader *r, struct error *err, const char *what)
{
    return error_set(err, E_INPUT, "%s, at \"%.20s\" in %s", what,
                     r->at[0] != '\0' ? r->at : "the end", r->text);
}

static void skip_blanks(struct reader *r)
{
    while (*r->at == ' ')
        r->at++;
}

/* Takes a sign such as "<" or "<="; signs that are longer are tried first. */
static bool take(struct reader *r, const char *sign)
{
    skip_blanks(r);
    if (strncmp(r->at, sign, strlen(sign)) != 0)
        return false;
    r->at += strlen(sign);
    return true;
}

static size_t word_length(const struct reader *r)
{
    size_t n = 0;

    while (islower((unsigned char)r->at[n]))
        n++;
    return n;
}

static bool take_word(struct reader *r, const char *word)
{
    skip_blanks(r);
    if (word_length(r) != strlen(word) || strncmp(r->at, word, strlen(word)) != 0)
        return false;
    r->at += strlen(word);
    return true;
}

static struct number exactly(double x)
{
    return (struct number){ x, x, x };
}

static struct number truth(bool is, bool surely, bool possibly)
{
    return (struct number){ is, surely, possibly };
}

/* Two numbers to one. */
typedef struct number operation(struct number a, struct number b);

static struct number add(struct number a, struct number b)
{
    return (struct number){ a.value + b.value, a.low + b.low, a.high + b.high };
}

static struct number subtract(struct number a, struct number b)
{
    return (struct number){ a.value - b.value, a.low - b.high, a.high - b.low };
}

static struct number spanning(double value, double p, double q, double r, double s)
{
    return (struct number){ value, fmin(fmin(p, q), fmin(r, s)),
                            fmax(fmax(p, q), fmax(r, s)) };
}

static struct number multiply(struct number a, struct number b)
{
    return spanning(a.value * b.value, a.low * b.low, a.low * b.high, a.high * b.low,
                    a.high * b.high);
}

/* By an interval that holds 0: anything. */
static struct number divide(struct number a, struct number b)
{
    if (b.low <= 0 && b.high >= 0)
        return (struct number){ a.value / b.value, -(double)INFINITY, (double)INFINITY };
    return spanning(a.value / b.value, a.low / b.low, a.low / b.high, a.high / b.low,
                    a.high / b.high);
}

static struct number less(struct number a, struct number b)
{
    return truth(a.value < b.value, a.high < b.low, a.low < b.high);
}

static struct number at_most(struct number a, struct number b)
{
    return truth(a.value <= b.value, a.high <= b.low, a.low <= b.high);
}

static struct number greater(struct number a, struct number b)
{
    return less(b, a);
}

static struct number at_least(struct number a, struct number b)
{
    return at_most(b, a);
}

static struct number equal(struct number a, struct number b)
{
    bool single = a.low >= a.high && b.low >= b.high;
    bool same = fabs(a.value - b.value) <= 1e-9 * fmax(fabs(a.value), fabs(b.value));

    return truth(same, same && single, same || (a.low <= b.high && b.low <= a.high));
}

static struct number both(struct number a, struct number b)
{
    return (struct number){ fmin(a.value, b.value), fmin(a.low, b.low),
                            fmin(a.high, b.high) };
}

static struct number either(struct number a, struct number b)
{
    return (struct number){ fmax(a.value, b.value), fmax(a.low, b.low),
                            fmax(a.high, b.high) };
}

/* a and b, number by number, into a. */
static int combine(struct reader *r, operation *o, struct numbers *a,
                   const struct numbers *b, struct error *err)
{
    struct numbers out = { 0 };
    size_t n = a->n > b->n ? a->n : b->n;

    if (a->n != b->n && a->n != 1 && b->n != 1) {
        error_set(err, E_INPUT, "%zu numbers beside %zu, before \"%.20s\" in %s", a->n,
                  b->n, r->at, r->text);
        return E_INPUT;
    }
    for (size_t i = 0; i < n && a->n > 0 && b->n > 0; i++) {
        struct number x = a->v[a->n == 1 ? 0 : i], y = b->v[b->n == 1 ? 0 : i];

        if (o == divide && y.value == 0) {
            numbers_release(&out);
            error_set(err, E_INPUT, "it divides by 0");
            return FORMULA_ABSENT;
        }
        numbers_add(&out, o(x, y));
    }
    numbers_release(a);
    *a = out;
    return 0;
}

static int parse_or(struct reader *r, struct numbers *to, struct error *err);

/* One more operand, joined to *to. */
static int parse_next(struct reader *r, operation *o, struct numbers *to,
                      int (*operand)(struct reader *r, struct numbers *to,
                                     struct error *err),
                      struct error *err)
{
    struct numbers b = { 0 };
    int rc = operand(r, &b, err);

    if (rc == 0)
        rc = combine(r, o, to, &b, err);
    numbers_release(&b);
    return rc;
}

/* Functions of all numbers at once. */

static struct number fold(const struct numbers *l, operation *o)
{
    struct number x = l->v[0];

    for (size_t i = 1; i < l->n; i++)
        x = o(x, l->v[i]);
    return x;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double median_of(double *v, size_t n)
{
    qsort(v, n, sizeof *v, by_size);
    return n % 2 == 1 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* The median rises with each of the numbers, so its ends are the medians of their ends.
 */
static struct number median(const struct numbers *l)
{
    double *v = xcalloc(l->n, sizeof *v);
    struct number x;

    for (size_t i = 0; i < l->n; i++)
        v[i] = l->v[i].value;
    x.value = median_of(v, l->n);
    for (size_t i = 0; i < l->n; i++)
        v[i] = l->v[i].low;
    x.low = median_of(v, l->n);
    for (size_t i = 0; i < l->n; i++)
        v[i] = l->v[i].high;
    x.high = median_of(v, l->n);
    free(v);
    return x;
}

static struct number sum(const struct numbers *l)
{
    return l->n > 0 ? fold(l, add) : exactly(0);
}

static struct number mean(const struct numbers *l)
{
    return divide(sum(l), exactly((double)l->n));
}

static struct number least(const struct numbers *l)
{
    return fold(l, both);
}

static struct number most(const struct numbers *l)
{
    return fold(l, either);
}

static struct number first(const struct numbers *l)
{
    return l->v[0];
}

static struct number last(const struct numbers *l)
{
    return l->v[l->n - 1];
}

static struct number how_many(const struct numbers *l)
{
    return exactly((double)l->n);
}

static struct number in_order(const struct numbers *l, operation *o)
{
    struct number x = exactly(1);

    for (size_t i = 1; i < l->n; i++)
        x = both(x, o(l->v[i - 1], l->v[i]));
    return x;
}

static struct number rising(const struct numbers *l)
{
    return in_order(l, less);
}

static struct number falling(const struct numbers *l)
{
    return in_order(l, greater);
}

static const struct {
    const char *name;
    struct number (*of)(const struct numbers *l);
} functions[] = {
    { "mean", mean },       { "median", median },  { "sum", sum },
    { "min", least },       { "max", most },       { "first", first },
    { "last", last },       { "all", least },      { "any", most },
    { "number", sum },      { "count", how_many }, { "rising", rising },
    { "falling", falling },
};

static struct number absolute(struct number x)
{
    double a = fabs(x.low), b = fabs(x.high);
    bool holds_zero = x.low < 0 && x.high > 0;

    return (struct number){ fabs(x.value), holds_zero ? 0 : fmin(a, b), fmax(a, b) };
}

/* What was found leaves the function without a value. */
static int has_none(struct error *err, const char *function, const char *of)
{
    error_set(err, E_INPUT, "%s of %s", function, of);
    return FORMULA_ABSENT;
}

/* NAME has been read up to its bracket. */
static int apply(struct reader *r, const char *name, size_t n, struct numbers *to,
                 struct error *err)
{
    if (n == 3 && strncmp(name, "abs", 3) == 0) {
        for (size_t i = 0; i < to->n; i++)
            to->v[i] = absolute(to->v[i]);
        return 0;
    }
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        struct number x;

        if (strlen(functions[i].name) != n || strncmp(functions[i].name, name, n) != 0)
            continue;
        if (to->n == 0 && functions[i].of != how_many && functions[i].of != sum)
            return has_none(err, functions[i].name, "no numbers");
        if (to->n == 1 && (functions[i].of == rising || functions[i].of == falling))
            return has_none(err, functions[i].name, "one number");
        x = functions[i].of(to);
        to->n = 0;
        numbers_add(to, x);
        return 0;
    }
    return error_set(err, E_INPUT,
                     "there is no function \"%.*s\" in %s; there are mean, median, sum, "
                     "min, max, first, last, count, all, any, number, abs, rising and "
                     "falling",
                     (int)n, name, r->text);
}

static int parse_bracket(struct reader *r, struct numbers *to, struct error *err)
{
    const char *end = r->at;
    struct buf name = { 0 };
    int rc;

    for (int depth = 1; *end != '\0'; end++) { /* [1-8] may stand inside */
        depth += (*end == '[') - (*end == ']');
        if (depth == 0)
            break;
    }
    if (*end == '\0')
        return wrong(r, err, "\"[\" without \"]\"");
    buf_add(&name, r->at, (size_t)(end - r->at));
    r->at = end + 1;
    rc = r->lookup(r->self, buf_str(&name), to, err);
    buf_release(&name);
    return rc;
}

static int parse_inner(struct reader *r, struct numbers *to, struct error *err)
{
    int rc;

    if (r->depth++ > DEPTH)
        return wrong(r, err, "too many brackets");
    rc = parse_or(r, to, err);
    r->depth--;
    if (rc == 0 && !take(r, ")"))
        rc = wrong(r, err, "\")\" expected");
    return rc;
}

static int parse_number(struct reader *r, struct numbers *to, struct error *err)
{
    char *end;
    double x = strtod(r->at, &end);

    if (!isdigit((unsigned char)*r->at) || !isfinite(x))
        return wrong(r, err, "a number, a name in [ ] or a function expected");
    r->at = end;
    numbers_add(to, exactly(x));
    return 0;
}

static int parse_atom(struct reader *r, struct numbers *to, struct error *err)
{
    const char *name;
    size_t n;
    int rc;

    if (take(r, "-")) {
        rc = parse_atom(r, to, err);
        for (size_t i = 0; i < to->n && rc == 0; i++)
            to->v[i] = subtract(exactly(0), to->v[i]);
        return rc;
    }
    if (take(r, "["))
        return parse_bracket(r, to, err);
    if (take(r, "("))
        return parse_inner(r, to, err);
    name = r->at;
    n = word_length(r);
    if (n == 0)
        return parse_number(r, to, err);
    r->at += n;
    if (!take(r, "("))
        return wrong(r, err, "\"(\" expected");
    rc = parse_inner(r, to, err);
    return rc == 0 ? apply(r, name, n, to, err) : rc;
}

static int parse_product(struct reader *r, struct numbers *to, struct error *err)
{
    int rc = parse_atom(r, to, err);

    while (rc == 0) {
        if (take(r, "*"))
            rc = parse_next(r, multiply, to, parse_atom, err);
        else if (take(r, "/"))
            rc = parse_next(r, divide, to, parse_atom, err);
        else
            break;
    }
    return rc;
}

static int parse_sum(struct reader *r, struct numbers *to, struct error *err)
{
    int rc = parse_product(r, to, err);

    while (rc == 0) {
        if (take(r, "+"))
            rc = parse_next(r, add, to, parse_product, err);
        else if (take(r, "-"))
            rc = parse_next(r, subtract, to, parse_product, err);
        else
            break;
    }
    return rc;
}

static int parse_comparison(struct reader *r, struct numbers *to, struct error *err)
{
    static const struct {
        const char *sign;
        operation *o;
    } signs[] = { { "<=", at_most },
                  { ">=", at_least },
                  { "<", less },
                  { ">", greater },
                  { "=", equal } };
    int rc = parse_sum(r, to, err);

    for (size_t i = 0; i < sizeof signs / sizeof *signs && rc == 0; i++)
        if (take(r, signs[i].sign))
            return parse_next(r, signs[i].o, to, parse_sum, err);
    return rc;
}

static int parse_not(struct reader *r, struct numbers *to, struct error *err)
{
    int rc;

    if (!take_word(r, "not"))
        return parse_comparison(r, to, err);
    rc = parse_comparison(r, to, err);
    for (size_t i = 0; i < to->n && rc == 0; i++)
        to->v[i] = subtract(exactly(1), to->v[i]);
    return rc;
}

static int parse_and(struct reader *r, struct numbers *to, struct error *err)
{
    int rc = parse_not(r, to, err);

    while (rc == 0 && take_word(r, "and"))
        rc = parse_next(r, both, to, parse_not, err);
    return rc;
}

static int parse_or(struct reader *r, struct numbers *to, struct error *err)
{
    int rc = parse_and(r, to, err);

    while (rc == 0 && take_word(r, "or"))
        rc = parse_next(r, either, to, parse_and, err);
    return rc;
}

int formula_value(struct numbers *result, const char *text, formula_lookup *lookup,
                  void *self, struct error *err)
{
    struct reader r = { .text = text, .at = text, .lookup = lookup, .self = self };
    int rc = parse_or(&r, result, err);

    skip_blanks(&r);
    if (rc == 0 && *r.at != '\0')
        rc = wrong(&r, err, "what follows does not belong to the formula");
    if (rc != 0)
        numbers_release(result);
    return rc;
}
