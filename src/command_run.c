#include "command.h"

#include <stdio.h>

#include "larder/banned.h"

#include "audit.h"
#include "history.h"
#include "item.h"
#include "place.h"
#include "run.h"
#include "session.h"
#include "sharing.h"
#include "tell.h"

/* Calls f for each `get:` of a chosen target. */
static int each_placement(struct session *s,
                          int (*f)(struct session *s, struct places *p,
                                   const struct placement *g, struct error *err),
                          struct places *p, struct error *err)
{
    int rc = 0;

    for (size_t i = 0; i < s->plan->n_targets; i++)
        for (size_t k = 0; s->target[i] && k < s->plan->target[i].n_gets && rc == 0; k++)
            rc = f(s, p, &s->plan->target[i].get[k], err);
    return rc;
}

static int check_one(struct session *s, struct places *p, const struct placement *g,
                     struct error *err)
{
    (void)s;
    return places_check(p, g->to, item_kind(&g->item), err);
}

static int place_one(struct session *s, struct places *p, const struct placement *g,
                     struct error *err)
{
    struct object o;
    int rc;

    if (!item_is_done(s->work, &g->item))
        return 0;
    rc = item_publish(s->store, s->work, &g->item, &o, err);
    if (rc == 0)
        rc = places_put(p, &o, g->to, err);
    return rc < 0 ? rc : 0;
}

static int list_one(struct session *s, struct places *p, const struct placement *g,
                    struct error *err)
{
    (void)err;
    if (places_is_new(p, g->to))
        buf_printf(&s->placed, "%splaced %s", s->placed.len ? "\n" : "", g->to);
    return 0;
}

/* What is placed is told at once at the end: it can be ten thousand lines. */
static int place_all(struct session *s, struct places *p, struct error *err)
{
    int rc = each_placement(s, place_one, p, err),
        settled = places_settle(p, rc < 0 ? NULL : err);

    each_placement(s, list_one, p, NULL);
    if (s->placed.len)
        say_line(&s->say, SAY_NORMAL, TONE_PLAIN, "%s", buf_str(&s->placed));
    buf_release(&s->placed);
    return rc < 0 ? rc : settled;
}

/* What --json ends with, and --events. */
static void print_totals(const struct cli *cli, const struct run_totals *t)
{
    if (!cli->json && !cli->events)
        return;
    printf("{%s\"steps\": %zu, \"ran\": %zu, \"reused\": %zu, \"fetched\": %zu, "
           "\"failed\": %zu, \"skipped\": %zu, \"seconds\": %.3f}\n",
           cli->events ? "\"event\": \"end\", " : "", t->steps, t->ran, t->reused,
           t->fetched, t->failed, t->skipped, t->seconds);
}

static void nothing_to_do(struct session *s, struct run_totals *t)
{
    t->reused = t->steps;
    tell_totals(&(struct tell){ .s = s }, t);
    print_totals(s->cli, t);
}

/* What of the results of others is made here too. */
struct audit {
    bool *chosen;
    size_t n;
    struct signer *signer;
    struct rerun_totals totals;
};

/* Runs, places, and writes the run's history; a failed run leaves one too. Then, of what
 * others have made, a share is made once more; until that is done it is not taken for
 * proved. */
static int run(struct session *s, struct places *p, struct run_totals *t, struct audit *a,
               struct error *err)
{
    struct error later;
    int rc = 0, kept;

    if (!s->cli->force)
        rc = each_placement(s, check_one, p, err);
    if (rc < 0)
        return rc;
    rc = run_steps(s, t, err);
    if (rc == 0 && !t->signal)
        rc = place_all(s, p, err);
    session_keep_use(s, rc == 0 && !t->signal && !t->failed);
    kept = places_save(p, &later);
    if (rc == 0 && !t->signal && !t->failed)
        rc = audit_choose(s, &a->chosen, &a->n, &a->signer, err);
    if (rc == 0 && kept == 0 && !t->signal && !a->n) /* what is not placed is not done */
        session_keep(s);
    if (kept == 0 && t->news)
        kept = history_add(s, &later);
    if (kept < 0 && rc == 0) {
        *err = later;
        rc = kept;
    }
    if (rc == 0 && a->n)
        rc = audit_steps(s, a->chosen, a->signer, &a->totals, err);
    return rc;
}

int command_run(const struct cli *cli, struct error *err)
{
    struct run_totals totals = { 0 };
    struct places *places = NULL;
    struct session s = { 0 };
    struct audit audit = { 0 };
    int rc;

    if (cli->dry_run)
        return command_plan(cli, err);
    rc = session_enter(&s, cli, err);
    if (rc == 0 && !cli->remake &&
        session_stands(&s, cli->arg, cli->n_args, &totals.steps) &&
        session_use_again(&s, cli->arg, cli->n_args)) {
        nothing_to_do(&s, &totals);
        session_close(&s);
        return 0;
    }
    totals.steps = 0;
    s.fetches = true;
    if (rc == 0)
        rc = session_begin(&s, cli, cli->arg, cli->n_args, err);
    if (rc == 0)
        rc = places_open(&places, s.project, s.own, s.store, config_link(&s.config),
                         cli->force, err);
    s.places = places;
    if (rc == 0)
        rc = sharing_open(&s, err);
    if (rc == 0)
        rc = run(&s, places, &totals, &audit, err);
    if (rc == 0)
        sharing_tell(&s);
    print_totals(cli, &totals);
    signer_free(audit.signer);
    places_close(places);
    session_close(&s);
    if (rc != 0)
        return rc;
    if (audit.totals.other)
        return EXIT_MISMATCH;
    if (totals.signal)
        return 128 + totals.signal;
    return totals.failed ? error_exit_status(E_STAGE) : 0;
}
