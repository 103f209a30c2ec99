#include "claim/verdict.h"

#include <math.h>
#include <string.h>

#include "kit/number.h"
#include "larder/mem.h"
#include "table/published.h"

#include "larder/banned.h"

const char *const verdict_word[] = { "holds", "unsure", "fails", "not judged" };

void judged_release(struct judged *j)
{
    buf_release(&j->value);
    buf_release(&j->differ);
    buf_release(&j->near);
    buf_release(&j->why);
    buf_release(&j->from);
}

/* The next part of "a;b;c" without blanks around it, new; NULL after the last. */
static char *next_part(const char **at)
{
    const char *begin = *at, *end;
    size_t n;

    if (begin == NULL || begin[0] == '\0')
        return NULL;
    n = strcspn(begin, ";");
    *at = begin[n] == ';' ? begin + n + 1 : NULL;
    end = begin + n;
    while (begin < end && *begin == ' ')
        begin++;
    while (end > begin && end[-1] == ' ')
        end--;
    return xstrndup(begin, (size_t)(end - begin));
}

static void add_reason(struct buf *why, const char *text)
{
    buf_printf(why, "%s%s", why->len > 0 ? "; " : "", text);
}

/* Four digits, and never fewer than stand before the point. */
static void add_rounded(struct buf *to, double x)
{
    buf_printf(to, fabs(x) < 1000 ? "%.4g" : "%.0f", x);
}

static void add_number(struct buf *to, struct number x, bool interval)
{
    buf_adds(to, to->len > 0 ? "; " : "");
    add_rounded(to, x.value);
    if (interval && x.low < x.high) {
        buf_adds(to, " [");
        add_rounded(to, x.low);
        buf_adds(to, ", ");
        add_rounded(to, x.high);
        buf_adds(to, "]");
    }
}

/* Beside the published numbers, where there are as many. */
static int compare(struct judged *j, const struct claim *c, const struct numbers *all,
                   struct error *err)
{
    const char *at = c->paper;
    bool near = true;
    char *part;
    int rc = 0;

    for (size_t i = 0; i < all->n && (part = next_part(&at)) != NULL; i++) {
        double paper, x = all->v[i].value;
        bool one = false, number = number_double(part, &paper) == NUMBER_OK;

        free(part);
        if (!number)
            continue;
        buf_printf(&j->differ, "%s%+.4g", j->differ.len > 0 ? "; " : "", x - paper);
        if (c->within[0] == '\0')
            continue;
        rc = published_is_near(x, paper, c->within, &one, err);
        if (rc < 0)
            return rc;
        near = near && one;
        buf_reset(&j->near);
        buf_adds(&j->near, near ? "yes" : "no");
    }
    return 0;
}

/* The claim's numbers; what is not there is told and left out. */
static int find_values(struct judged *j, const struct claim *c, struct evidence *e,
                       const struct verdict_options *o, struct error *err)
{
    const char *at = c->value;
    struct numbers all = { 0 };
    char *part;
    int rc = 0;

    while (rc == 0 && (part = next_part(&at)) != NULL) {
        struct numbers some = { 0 };

        rc = formula_value(&some, part, evidence_find, e, err);
        for (size_t i = 0; i < some.n; i++)
            numbers_add(&all, some.v[i]);
        numbers_release(&some);
        free(part);
    }
    for (size_t i = 0; i < all.n && rc == 0; i++)
        add_number(&j->value, all.v[i], all.n == 1);
    if (rc == 0 && o->compare)
        rc = compare(j, c, &all, err);
    numbers_release(&all);
    return rc;
}

/* All truths together. */
static struct number least_of(const struct numbers *l)
{
    struct number x = l->v[0];

    for (size_t i = 1; i < l->n; i++) {
        x.value = fmin(x.value, l->v[i].value);
        x.low = fmin(x.low, l->v[i].low);
        x.high = fmin(x.high, l->v[i].high);
    }
    return x;
}

/* One reading; *sure: intervals leave nothing else. FORMULA_ABSENT when the run has not
 * what it needs. */
static int read_once(const struct claim *c, struct evidence *e, enum verdict *verdict,
                     bool *sure, struct error *err)
{
    struct numbers truth = { 0 };
    int rc = formula_value(&truth, c->judge, evidence_find, e, err);

    if (rc == 0 && truth.n == 0)
        rc = error_set(err, E_INPUT, "%s says nothing: it is of no numbers", c->judge);
    if (rc == 0) {
        struct number x = least_of(&truth);

        *sure = x.low >= x.high;
        *verdict = x.value <= 0 ? VERDICT_FAILS : *sure ? VERDICT_HOLDS : VERDICT_UNSURE;
    }
    numbers_release(&truth);
    return rc;
}

/* With the word swapped: the worse verdict counts. */
static int read_again(struct judged *j, const struct claim *c, struct evidence *e,
                      const struct verdict_options *o, struct error *err)
{
    enum verdict again = VERDICT_NOT_JUDGED;
    bool sure;
    int rc;

    e->from = o->from;
    e->to = o->to;
    rc = read_once(c, e, &again, &sure, err);
    if (rc == 0 && e->swapped && again != j->verdict) {
        buf_printf(&j->why, "%s%s against %s", j->why.len > 0 ? "; " : "",
                   verdict_word[again], o->to);
        if (again > j->verdict)
            j->verdict = again;
        else
            buf_printf(&j->why, ", %s against %s", verdict_word[j->verdict], o->from);
    }
    e->from = e->to = NULL;
    e->swapped = false;
    return rc == FORMULA_ABSENT ? 0 : rc;
}

int verdict_judge(struct judged *j, const struct claim *c, struct evidence *e,
                  const struct verdict_options *o, struct error *err)
{
    struct error why = { 0 };
    bool sure = true;
    int rc;

    evidence_forget(e);
    j->verdict = VERDICT_NOT_JUDGED;
    rc = find_values(j, c, e, o, &why);
    if (rc == 0 && c->judge[0] != '\0')
        rc = read_once(c, e, &j->verdict, &sure, &why);
    if (rc == 0 && !sure)
        add_reason(&j->why, "intervals overlap");
    if (rc == 0 && o->from != NULL && c->judge[0] != '\0' && !c->once)
        rc = read_again(j, c, e, o, &why);
    if (rc == FORMULA_ABSENT)
        add_reason(&j->why, why.text);
    else if (rc < 0)
        return error_set(err, rc, "%s", why.text);
    if ((c->judge[0] == '\0' || c->once) && c->note[0] != '\0')
        add_reason(&j->why, c->note);
    evidence_add_used(e, &j->from);
    return 0;
}
