#include "command.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "larder/banned.h"
#include "larder/buf.h"
#include "larder/fs.h"
#include "larder/map.h"

#include "cells.h"
#include "difference.h"
#include "history.h"
#include "session.h"

/* Two runs are compared step by step: the key documents of the records that they used,
 * which says what was done otherwise, then the outputs, and of a table its cells. All of
 * it is put together as JSON, of which the lines for people are printed. */

enum { TOLD_CELLS = 20 };

struct comparison {
    struct session *s;
    struct history was, is;
    json_t *causes, *effects; /* steps; in the latter only what others made has changed */
    size_t same;
};

static json_t *text_of(const struct difference *d)
{
    struct buf text = { 0 };
    json_t *one;

    difference_tell(d, &text);
    one = json_string(buf_str(&text));
    buf_release(&text);
    return one;
}

/* ---- tables ---- */

/* The cells that differ, or NULL where one of them is no table. */
static json_t *cells_of(const struct session *s, const struct object *was,
                        const struct object *is)
{
    struct cells a = { 0 }, b = { 0 };
    json_t *cells = NULL;

    if (cells_read(&a, s->store, was) && cells_read(&b, s->store, is)) {
        cells = json_array();
        for (size_t i = 0; i < b.cell.n; i++) {
            const char *old = map_get(&a.cell, b.cell.entry[i].key);
            const char *new = b.cell.entry[i].value;

            if (!old || strcmp(old, new) != 0)
                json_array_append_new(cells, json_pack("{s:s, s:s?, s:s}", "cell",
                                                       b.cell.entry[i].key, "was", old,
                                                       "is", new));
        }
        for (size_t i = 0; i < a.cell.n; i++)
            if (!map_get(&b.cell, a.cell.entry[i].key))
                json_array_append_new(
                    cells, json_pack("{s:s, s:s, s:n}", "cell", a.cell.entry[i].key,
                                     "was", (char *)a.cell.entry[i].value, "is"));
    }
    cells_release(&a);
    cells_release(&b);
    return cells;
}

/* ---- steps ---- */

static json_t *outputs_of(const struct session *s, const struct record *was,
                          const struct record *is)
{
    json_t *outputs = json_array();

    for (size_t i = 0; i < is->n_outputs; i++) {
        const struct record_output *o = &is->output[i];
        const struct object *old = record_output(was, o->name);
        bool same = old && digest_equal(&old->id, &o->object.id);
        json_t *one, *cells;

        if (strchr(o->name, '/')) /* a shard, which its set has */
            continue;
        one = json_pack("{s:s, s:b, s:I}", "name", o->name, "same", same, "bytes",
                        (json_int_t)o->object.size);
        cells = old && !same ? cells_of(s, old, &o->object) : NULL;
        if (cells)
            json_object_set_new(one, "cells", cells);
        json_array_append_new(outputs, one);
    }
    return outputs;
}

/* What the key documents say; whether more than inputs has changed, in *cause. */
static json_t *changes_of(const struct record *was, const struct record *is, bool *cause)
{
    struct arena arena = { 0 };
    json_t *changes = json_array();
    struct difference *d;
    size_t n;

    key_differences(was->key_text, is->key_text, &arena, &d, &n);
    *cause = n == 0;
    for (size_t i = 0; i < n; i++) {
        *cause = *cause || strcmp(d[i].kind, "in") != 0;
        json_array_append_new(changes, text_of(&d[i]));
    }
    arena_release(&arena);
    return changes;
}

static int compare_records(struct comparison *c, const char *name,
                           const struct history_row *was, const struct history_row *is,
                           json_t *step, struct error *err)
{
    struct record *a = NULL, *b = NULL;
    bool cause = true;
    int rc = store_find_record(c->s->store, &was->key, &was->record, &a, err);

    if (rc == STORE_HIT)
        rc = store_find_record(c->s->store, &is->key, &is->record, &b, err);
    if (rc == STORE_HIT) {
        json_object_set_new(step, "changes", changes_of(a, b, &cause));
        json_object_set_new(step, "outputs", outputs_of(c->s, a, b));
        if (digest_equal(&a->key, &b->key))
            json_object_set_new(step, "again", json_true());
    } else if (rc == STORE_MISS) {
        json_object_set_new(step, "lost", json_true());
    }
    json_object_set_new(step, "step", json_string(name));
    if (rc >= 0)
        json_array_append(cause ? c->causes : c->effects, step);
    record_free(a);
    record_free(b);
    return rc < 0 ? rc : 0;
}

static int compare_step(struct comparison *c, const char *name,
                        const struct history_row *was, const struct history_row *is,
                        struct error *err)
{
    json_t *step;
    int rc = 0;

    if (was && is && was->has_record == is->has_record &&
        (is->has_record ? digest_equal(&was->record, &is->record)
                        : strcmp(was->outcome, is->outcome) == 0)) {
        c->same++;
        return 0;
    }
    step = json_pack("{s:s, s:s?, s:s?}", "step", name, "was", was ? was->outcome : NULL,
                     "is", is ? is->outcome : NULL);
    if (was && is && was->has_record && is->has_record)
        rc = compare_records(c, name, was, is, step, err);
    else
        json_array_append(c->causes, step);
    json_decref(step);
    return rc;
}

static int compare(struct comparison *c, struct error *err)
{
    int rc = 0;

    c->causes = json_array();
    c->effects = json_array();
    for (size_t i = 0; i < c->is.row.n && rc == 0; i++) {
        const char *name = c->is.row.entry[i].key;

        rc = compare_step(c, name, map_get(&c->was.row, name), c->is.row.entry[i].value,
                          err);
    }
    for (size_t i = 0; i < c->was.row.n && rc == 0; i++) {
        const char *name = c->was.row.entry[i].key;

        if (!map_get(&c->is.row, name))
            rc = compare_step(c, name, c->was.row.entry[i].value, NULL, err);
    }
    return rc;
}

/* ---- what is printed ---- */

static void print_when(const struct history *h)
{
    struct buf when = { 0 };

    say_time(h->when, &when);
    printf("run %ld, %s", h->number, buf_str(&when));
    buf_release(&when);
}

static void print_cells(const json_t *cells)
{
    size_t i, n = json_array_size(cells);
    json_t *cell;

    json_array_foreach(cells, i, cell)
    {
        const char *was = json_string_value(json_object_get(cell, "was"));
        const char *is = json_string_value(json_object_get(cell, "is"));

        if (i < TOLD_CELLS)
            printf("      %s: %s → %s\n",
                   json_string_value(json_object_get(cell, "cell")), was ? was : "absent",
                   is ? is : "absent");
    }
    if (n > TOLD_CELLS)
        printf("      and %zu more\n", n - TOLD_CELLS);
}

static void print_outputs(const json_t *outputs)
{
    struct buf same = { 0 };
    json_t *output;
    size_t i;

    json_array_foreach(outputs, i, output)
    {
        const char *name = json_string_value(json_object_get(output, "name"));

        if (json_is_true(json_object_get(output, "same"))) {
            buf_printf(&same, "%s%s", same.len ? ", " : "", name);
            continue;
        }
        printf("    %s is another\n", name);
        print_cells(json_object_get(output, "cells"));
    }
    if (same.len)
        printf("    the same: %s\n", buf_str(&same));
    buf_release(&same);
}

static void print_step(const struct comparison *c, const json_t *step)
{
    const char *name = json_string_value(json_object_get(step, "step"));
    const char *was = json_string_value(json_object_get(step, "was"));
    const char *is = json_string_value(json_object_get(step, "is"));
    json_t *change;
    size_t i;

    if (!was || !is) {
        printf("%s: only in run %ld (%s)\n", name, was ? c->was.number : c->is.number,
               was ? was : is);
        return;
    }
    printf("%s:\n", name);
    if (json_is_true(json_object_get(step, "lost")))
        puts("  made otherwise; a record of it is no longer in the cache");
    else if (json_is_true(json_object_get(step, "again")))
        puts("  made again from the same");
    else if (!json_object_get(step, "changes"))
        printf("  %s in run %ld, %s in run %ld\n", was, c->was.number, is, c->is.number);
    json_array_foreach(json_object_get(step, "changes"), i, change)
        printf("  %s\n", json_string_value(change));
    print_outputs(json_object_get(step, "outputs"));
}

static void print_text(const struct comparison *c)
{
    size_t i, n = json_array_size(c->causes) + json_array_size(c->effects);
    json_t *step;

    print_when(&c->was);
    fputs(" → ", stdout);
    print_when(&c->is);
    printf(": %zu step%s differ%s, %zu the same\n", n, n == 1 ? "" : "s",
           n == 1 ? "s" : "", c->same);
    json_array_foreach(c->causes, i, step) print_step(c, step);
    json_array_foreach(c->effects, i, step) print_step(c, step);
}

static void print_json(const struct comparison *c)
{
    json_t *all, *steps = json_copy(c->causes);

    json_array_extend(steps, c->effects);
    all =
        json_pack("{s:I, s:I, s:o, s:I}", "from", (json_int_t)c->was.number, "to",
                  (json_int_t)c->is.number, "steps", steps, "same", (json_int_t)c->same);
    json_dumpf(all, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(all);
}

/* ---- which runs ---- */

static int read_number(const char *word, long *n, struct error *err)
{
    char *end;

    errno = 0;
    *n = strtol(word, &end, 10);
    if (errno || end == word || *end || *n < 1)
        return error_set(err, E_USAGE,
                         "'%s' is no number of a run; .larder/runs/ has them", word);
    return 0;
}

/* Those named; else the last, and the one before. */
static int choose_runs(const struct cli *cli, const char *own, long *was, long *is,
                       struct error *err)
{
    long *kept = NULL;
    size_t n = 0;
    int rc = history_numbers(own, &kept, &n, err);

    if (rc == 0 && n < 2 && cli->n_args < 2)
        rc = error_set(err, E_USAGE, "there are no two runs to compare: %s",
                       n ? "only one is kept" : "none is kept");
    if (rc == 0 && cli->n_args < 2)
        *is = kept[n - 1];
    if (rc == 0 && cli->n_args < 1)
        *was = kept[n - 2];
    if (rc == 0 && cli->n_args >= 1)
        rc = read_number(cli->arg[0], was, err);
    if (rc == 0 && cli->n_args == 2)
        rc = read_number(cli->arg[1], is, err);
    free(kept);
    return rc;
}

int command_diff(const struct cli *cli, struct error *err)
{
    struct session s = { 0 };
    struct comparison c = { .s = &s };
    long was = 0, is = 0;
    int rc = session_enter(&s, cli, err);

    if (rc == 0)
        rc = session_open_store(&s, err);
    if (rc == 0)
        rc = choose_runs(cli, s.own, &was, &is, err);
    if (rc == 0)
        rc = history_until(&c.was, s.own, was, err);
    if (rc == 0)
        rc = history_until(&c.is, s.own, is, err);
    if (rc == 0)
        rc = compare(&c, err);
    if (rc == 0 && cli->json)
        print_json(&c);
    else if (rc == 0)
        print_text(&c);
    json_decref(c.causes);
    json_decref(c.effects);
    history_release(&c.was);
    history_release(&c.is);
    session_close(&s);
    return rc;
}
