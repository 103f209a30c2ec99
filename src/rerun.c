#include "rerun.h"

#include <stdlib.h>
#include <string.h>

#include "larder/attestation.h"
#include "larder/banned.h"

#include "agree.h"
#include "identify.h"
#include "lookup.h"
#include "run.h"

/* ---- which ones ---------------------------------------------------------------------
 */

/* A place between 0 and 1 that nobody chooses, other ones for each key of ours. */
static double place_of(const struct digest *key, const struct key_id *id)
{
    char hex[DIGEST_HEX + 1];
    struct buf text = { 0 };
    struct digest d;
    double x = 0;

    buf_printf(&text, "larder-audit 1\n%s\n%s\n", digest_hex(key, hex), id->text);
    digest_bytes(&d, text.s, text.len);
    buf_release(&text);
    for (int i = 5; i >= 0; i--)
        x = (x + d.byte[i]) / 256;
    return x;
}

bool rerun_is_due(const struct digest *key, const struct key_id *id, double share)
{
    return place_of(key, id) < share;
}

struct candidate {
    size_t index;
    double place;
};

static int compare_places(const void *a, const void *b)
{
    double x = ((const struct candidate *)a)->place,
           y = ((const struct candidate *)b)->place;

    return (x > y) - (x < y);
}

int rerun_choose(struct session *s, double share, const struct key_id *id, bool **chosen,
                 size_t *n, struct error *err)
{
    struct candidate *c = xcalloc(s->plan->n_steps + 1, sizeof *c);
    size_t n_done = 0;
    int rc = 0;

    *chosen = arena_alloc(&s->arena, s->plan->n_steps + 1);
    for (size_t i = 0; i < s->plan->n_steps && rc == 0; i++) {
        struct work *w = &s->work[i];

        if (!s->chosen[i] || w->state != WORK_DONE)
            continue;
        rc = identify_key(s, w, err) < 0 ? err->code : 0;
        if (rc == E_INPUT) /* told when it is to run */
            rc = 0;
        c[n_done++] = (struct candidate){ i, place_of(&w->key, id) };
    }
    qsort(c, n_done, sizeof *c, compare_places);
    *n = (size_t)(share * (double)n_done + 0.999999); /* one at least */
    *n = *n < n_done ? *n : n_done;
    for (size_t i = 0; i < *n; i++)
        (*chosen)[c[i].index] = true;
    free(c);
    return rc;
}

/* ---- running ------------------------------------------------------------------------
 */

/* One that lacks what it is made from is told, and passed over. */
static int prepare(struct session *s, struct work *w, bool *ready, struct error *err)
{
    int rc = lookup_rerun(s, w, err);

    if (rc == E_INPUT || rc == E_REMOTE) {
        say_line(&s->say, SAY_QUIET, TONE_BAD, "%s cannot run again: %s", w->step->name,
                 err->text);
        rc = 0;
    } else {
        *ready = rc == 0;
    }
    return rc;
}

/* From here on nobody wants anything but those that run again, and what they take. */
static void want_nothing_else(struct session *s, const bool *ready)
{
    for (size_t i = 0; i < s->plan->n_steps; i++) {
        struct work *w = &s->work[i];

        s->wanted[i] = w->wanted = ready[i] || w->recalled;
        if (!s->wanted[i])
            continue;
        free(w->reason);
        w->reason = xstrdup(w->recalled ? "what it made is not here, and is needed"
                                        : "it is run again, to be compared");
    }
    memset(s->target, false, s->plan->n_targets);
}

static int set_up(struct session *s, const bool *chosen, bool *ready, struct error *err)
{
    int rc = 0;

    s->again = true;
    for (size_t i = 0; i < s->plan->n_steps && rc == 0; i++)
        if (chosen[i])
            rc = prepare(s, &s->work[i], &ready[i], err);
    for (size_t i = 0; i < s->plan->n_steps && rc == 0; i++)
        if (ready[i])
            rc = lookup_rerun_inputs(s, &s->work[i], err);
    for (size_t i = 0; i < s->plan->n_steps && rc == 0; i++)
        if (ready[i])
            lookup_rerun_due(&s->work[i]);
    want_nothing_else(s, ready);
    return rc;
}

/* ---- what came of it ----------------------------------------------------------------
 */

static int compare_names(const void *a, const void *b)
{
    const struct attested_output *x = a, *y = b;

    return strcmp(x->name, y->name);
}

/* Our word for the record, signed. */
static int attest(struct session *s, const struct rerun_order *order,
                  const struct work *w, const struct agreed *agreed, struct error *err)
{
    struct attested_output *output = xcalloc(agreed->n + 1, sizeof *output);
    struct attestation a = { .key = w->key,
                             .record = w->record->id,
                             .how = agreed->verdict == VERDICT_SAME ? ATTEST_REPRODUCED
                                                                    : ATTEST_WITHIN,
                             .made = w->second->made,
                             .platform = w->second->platform,
                             .env = (const char **)order->env,
                             .n_env = order->n_env,
                             .output = output,
                             .n_outputs = agreed->n };
    int rc;

    for (size_t i = 0; i < agreed->n; i++)
        output[i] =
            (struct attested_output){ .name = agreed->output[i].name,
                                      .same = agreed->output[i].verdict == VERDICT_SAME,
                                      .ours = agreed->output[i].other,
                                      .measured = agreed->output[i].story };
    qsort(output, agreed->n, sizeof *output, compare_names);
    rc = store_attest(s->store, &a, order->signer, err);
    free(output);
    return rc;
}

static int compare(struct session *s, const struct rerun_order *order, struct work *w,
                   struct rerun_totals *t, struct error *err)
{
    struct rerun_result result = { .w = w };
    struct agreed agreed = { 0 };
    struct buf story = { 0 };
    int rc = lookup_record(s, w, err);

    if (rc == 0)
        rc = agree(s, w->step, w->record, w->second, true, &agreed, err);
    if (rc == 0 && agreed.verdict != VERDICT_SAME) {
        rc = store_record(s->store, w->second, !w->second->boot, err);
        result.second = &w->second->id;
    }
    if (rc == 0 && agreed.verdict != VERDICT_OTHER)
        rc = attest(s, order, w, &agreed, err);
    if (rc == 0) {
        t->n++;
        t->same += agreed.verdict == VERDICT_SAME;
        t->within += agreed.verdict == VERDICT_WITHIN;
        t->other += agreed.verdict == VERDICT_OTHER;
        agreed_tell(&agreed, "  ", &story);
        result.verdict = agreed.verdict;
        result.story = buf_str(&story);
        order->told(order->self, &result);
    }
    buf_release(&story);
    agreed_release(&agreed);
    return rc < 0 ? error_context(err, "%s", w->step->name) : 0;
}

int rerun_steps(struct session *s, const struct rerun_order *order,
                struct rerun_totals *t, struct error *err)
{
    bool *ready = arena_alloc(&s->arena, s->plan->n_steps + 1);
    struct run_totals run = { 0 };
    int rc = set_up(s, order->chosen, ready, err);

    *t = (struct rerun_totals){ 0 };
    s->again_env = order->env;
    s->n_again_env = order->n_env;
    if (rc == 0)
        rc = run_steps(s, &run, err);
    t->signal = run.signal;
    t->seconds = run.seconds;
    for (size_t i = 0; i < s->plan->n_steps && rc == 0; i++) {
        struct work *w = &s->work[i];

        if (w->second)
            rc = compare(s, order, w, t, err);
        else if (order->chosen[i])
            t->failed++;
    }
    s->again = false;
    s->n_again_env = 0;
    return rc;
}
