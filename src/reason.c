#include "reason.h"

#include <stdlib.h>
#include <string.h>

#include "larder/banned.h"

#include "difference.h"
#include "identify.h"
#include "item.h"
#include "lookup.h"
#include "provenance.h"

enum { TOLD_ITEMS = 5 };

static const struct input *find_input(const struct step *step, const char *name,
                                      size_t *i)
{
    for (*i = 0; *i < step->n_inputs; ++*i)
        if (!strcmp(step->input[*i].name, name))
            return &step->input[*i];
    return NULL;
}

/* Whether an object of an input is not named in the older value of the field. */
static bool is_new(const struct object *o, const char *was)
{
    char hex[DIGEST_HEX + 1];

    return strstr(was, digest_hex(&o->id, hex)) == NULL;
}

/* Appends " (from A, B)": the items of a changed input that are not in its older value.
 */
static void tell_from(const struct work *w, const struct difference *d, struct buf *to)
{
    size_t i, told = 0, more = 0;
    const struct input *in = find_input(w->step, d->name, &i);

    if (!in || in->kind == INPUT_PROVENANCE || !d->was)
        return;
    for (size_t j = 0; j < in->n_items; j++) {
        if (!is_new(&w->facts.input[i][j], d->was))
            continue;
        if (told == TOLD_ITEMS) {
            more++;
            continue;
        }
        buf_adds(to, told++ ? ", " : " (from ");
        item_name(&in->item[j], to);
    }
    if (more)
        buf_printf(to, " and %zu more", more);
    if (told)
        buf_addc(to, ')');
}

static void tell(const struct work *w, const struct difference *d, struct buf *to)
{
    difference_tell(d, to);
    if (!strcmp(d->kind, "in"))
        tell_from(w, d, to);
}

char *reason_of(struct session *s, const struct work *w)
{
    struct record *last = NULL;
    struct arena arena = { 0 };
    struct buf text = { 0 };
    struct difference *d;
    size_t n;

    if (w->lacks) {
        buf_add(&text, w->lacks->text, strcspn(w->lacks->text, "\n"));
    } else if (w->remake) {
        buf_adds(&text, "asked for (-B)");
    } else if (w->abroad) {
        buf_printf(&text, "%s is to be fetched", w->abroad->name);
    } else if (w->recalled) {
        buf_adds(&text, "its outputs were not kept and are needed again");
    } else if (w->lost) {
        buf_adds(&text, "output lost");
    } else if (w->unmet) {
        buf_adds(&text, "what was made is not what expect: says");
    } else if (w->doubt) {
        buf_adds(&text, w->doubt);
    } else if (w->changed) {
        buf_adds(&text, w->changed);
    } else if (lookup_last(s, w, &last, NULL) != STORE_HIT) {
        buf_adds(&text, "not made before");
    } else if (digest_equal(&last->key, &w->key)) {
        buf_adds(&text, "output lost");
    } else {
        key_differences(last->key_text, buf_str(&w->key_text), &arena, &d, &n);
        if (n)
            tell(w, &d[0], &text);
        if (n > 1)
            buf_printf(&text, " and %zu more", n - 1);
    }
    record_free(last);
    arena_release(&arena);
    return buf_take(&text);
}

bool reason_is_program(struct session *s, const struct work *w)
{
    struct record *last = NULL;
    struct arena arena = { 0 };
    struct difference *d;
    size_t n = 0;
    bool yes = false;

    if (w->step->program && !w->lacks && !w->remake && !w->abroad && !w->recalled &&
        lookup_last(s, w, &last, NULL) == STORE_HIT)
        key_differences(last->key_text, buf_str(&w->key_text), &arena, &d, &n);
    for (size_t i = 0; i < n; i++)
        yes = yes || !strcmp(d[i].kind, "program");
    record_free(last);
    arena_release(&arena);
    return yes;
}

/* A step on the way from effect to cause. */
struct story {
    struct session *s;
    bool *told;   /* [n_steps]: it is in the story */
    bool *passed; /* [n_steps]: seen on the way back from one that is undecided */
    struct buf *to;
    struct error *err;
};

static void indent(struct buf *to, const char *what)
{
    buf_printf(to, "  %s\n", what);
}

static int tell_step(struct story *st, struct work *w);
static int find_other(struct story *st, const struct work *w, struct record **other);

/* Of the steps that made a set together, those that are not what they were. */
static int tell_steps(struct story *st, const struct work *w, const struct item *item)
{
    int rc = 0;

    for (size_t i = 0; i < item_n_steps(item) && rc >= 0; i++) {
        struct work *from = work_of(w, item_step(item, i));
        struct record *other = NULL;

        if (item->is_set && from->state == WORK_DONE)
            rc = find_other(st, from, &other);
        if (rc >= 0 && (other || !item->is_set || from->state != WORK_DONE))
            rc = tell_step(st, from);
        record_free(other);
    }
    return rc;
}

/* The steps behind changed inputs come first: the causes are there. */
static int tell_causes(struct story *st, const struct work *w, const struct difference *d)
{
    size_t i;
    const struct input *in = find_input(w->step, d->name, &i);
    int rc = 0;

    if (!in || !d->was)
        return 0;
    for (size_t j = 0; j < in->n_items && rc == 0; j++)
        if (is_new(&w->facts.input[i][j], d->was))
            rc = tell_steps(st, w, &in->item[j]);
    return rc;
}

static void tell_line(struct story *st, const struct work *w, const struct difference *d)
{
    struct buf line = { 0 };

    tell(w, d, &line);
    indent(st->to, buf_str(&line));
    buf_release(&line);
}

/* Compares the key of w with that of an older record. */
static int tell_changes(struct story *st, const struct work *w, const struct record *was,
                        const char *verb)
{
    struct arena arena = { 0 };
    struct difference *d;
    size_t n;
    int rc = 0;

    key_differences(was->key_text, buf_str(&w->key_text), &arena, &d, &n);
    for (size_t i = 0; i < n && rc == 0; i++)
        if (!strcmp(d[i].kind, "in"))
            rc = tell_causes(st, w, &d[i]);
    buf_printf(st->to, "%s %s:\n", w->step->name, verb);
    for (size_t i = 0; i < n && rc == 0; i++)
        tell_line(st, w, &d[i]);
    arena_release(&arena);
    return rc;
}

static int tell_due(struct story *st, const struct work *w)
{
    struct record *last = NULL;
    int rc = lookup_last(st->s, w, &last, st->err);

    if (rc < 0)
        return rc;
    if (w->lost || w->unmet || w->remake || w->abroad || w->lacks || !last ||
        digest_equal(&last->key, &w->key)) {
        char *reason = reason_of(st->s, w);

        buf_printf(st->to, "%s %s:\n", w->step->name,
                   w->lacks ? "cannot run" : "is to run");
        indent(st->to, reason);
        free(reason);
        rc = 0;
    } else {
        rc = tell_changes(st, w, last, "is to run");
    }
    record_free(last);
    return rc;
}

static void tell_made(const struct work *w, struct buf *to)
{
    char hex[DIGEST_HEX + 1];

    buf_printf(to, "  record sha256:%.12s…, made ", digest_hex(&w->record->id, hex));
    say_time(w->record->made, to);
    buf_adds(to, " in ");
    say_seconds(w->record->wall, to);
    buf_addc(to, '\n');
}

/* The record to compare with: the one used last if it is another one, else the one
 * before. */
static int find_other(struct story *st, const struct work *w, struct record **other)
{
    int rc = lookup_last(st->s, w, other, st->err);

    if (rc == STORE_HIT && digest_equal(&(*other)->key, &w->key)) {
        record_free(*other);
        rc = lookup_former(st->s, w, other, st->err);
    }
    if (rc == STORE_HIT && digest_equal(&(*other)->key, &w->key)) {
        record_free(*other);
        *other = NULL;
    }
    return rc < 0 ? rc : 0;
}

/* Of a step that need not run: what is other than before. */
static int tell_done(struct story *st, struct work *w)
{
    struct record *other = NULL;
    int rc = identify_key(st->s, w, st->err);

    if (rc == 0)
        rc = lookup_record(st->s, w, st->err);
    if (rc == 0)
        rc = find_other(st, w, &other);
    if (rc < 0)
        return rc;
    if (other)
        rc = tell_changes(st, w, other, "changed, and is up to date");
    else
        buf_printf(st->to, "%s is up to date:\n", w->step->name);
    tell_made(w, st->to);
    record_free(other);
    return rc;
}

/* Tells the steps that are to run, on all ways back from w, and names them in *names. */
static int tell_due_behind(struct story *st, const struct work *w, struct buf *names)
{
    int rc = 0;

    for (size_t i = 0; i < w->step->n_needs && rc == 0; i++) {
        struct work *need = work_of(w, w->step->need[i]);

        if (need->state == WORK_DONE || st->passed[need->step->index])
            continue;
        st->passed[need->step->index] = true;
        if (need->state == WORK_DUE) {
            buf_printf(names, "  %s\n", need->step->name);
            rc = tell_step(st, need);
        } else {
            rc = tell_due_behind(st, need, names);
        }
    }
    return rc;
}

/* It is to run for reasons of its own, and waits for nothing but results that were not
 * kept: these are made once more because of it. */
static bool recalls(const struct work *w)
{
    size_t n = 0;

    for (size_t i = 0; i < w->step->n_needs; i++) {
        const struct work *need = work_of(w, w->step->need[i]);

        if (need->state != WORK_DONE && !need->recalled)
            return false;
        n += need->recalled;
    }
    return n > 0;
}

static int tell_recalled(struct story *st, struct work *w)
{
    int rc = identify_key(st->s, w, st->err);

    if (rc == 0)
        rc = tell_due(st, w);
    for (size_t i = 0; i < w->step->n_needs && rc == 0; i++)
        if (work_of(w, w->step->need[i])->recalled)
            rc = tell_step(st, work_of(w, w->step->need[i]));
    return rc;
}

static int tell_unknown(struct story *st, struct work *w)
{
    struct buf names = { 0 };
    int rc;

    if (recalls(w))
        return tell_recalled(st, w);

    memset(st->passed, 0, st->s->plan->n_steps * sizeof *st->passed);
    rc = tell_due_behind(st, w, &names);
    buf_printf(st->to, "%s will be decided when these are done:\n%s", w->step->name,
               buf_str(&names));
    buf_release(&names);
    return rc;
}

static int tell_step(struct story *st, struct work *w)
{
    if (st->told[w->step->index])
        return 0;
    st->told[w->step->index] = true;
    if (w->state == WORK_DUE)
        return tell_due(st, w);
    return w->state == WORK_DONE ? tell_done(st, w) : tell_unknown(st, w);
}

int reason_story(struct session *s, struct work *w, struct buf *to, struct error *err)
{
    struct story st = { .s = s, .to = to, .err = err };
    int rc;

    st.told = xcalloc(s->plan->n_steps + 1, sizeof *st.told);
    st.passed = xcalloc(s->plan->n_steps + 1, sizeof *st.passed);
    rc = tell_step(&st, w);
    free(st.passed);
    free(st.told);
    return rc;
}
