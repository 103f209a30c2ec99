#include "command.h"

#include <stdio.h>

#include "larder/banned.h"

#include "lookup.h"
#include "meter.h"
#include "session.h"
#include "sharing.h"

/* What became of the steps. */
struct tally {
    size_t fetched, here; /* with all their outputs that are kept */
    size_t partly;        /* not all of these are anywhere */
    size_t absent;        /* nobody has a result */
};

/* As look-up goes on from what is known, a step whose source is missing is passed over,
 * and with it what needs it. */
static int look_up(struct session *s, struct work *w, struct error *err)
{
    int rc = 0;

    if (w->n_waits == 0 && w->state == WORK_UNKNOWN)
        rc = lookup_step(s, w, false, err);
    if (w->lacks)
        say_error(&s->say, w->lacks);
    return rc;
}

/* Whether an output that is kept is not here, after it was asked for. */
static int lacks_something(struct session *s, const struct work *w, struct error *err)
{
    int rc = OBJECT_FINE;

    for (size_t i = 0; i < w->step->n_outputs && rc == OBJECT_FINE && !w->here; i++)
        if (!w->step->output[i].temp)
            rc = store_check(s->store, &w->output[i], false, NULL, err);
    return rc;
}

/* What others say of the result in use. To ask a server is a request for each trusted
 * key, so one is asked only where several keys must stand for a result, or if we are told
 * to. */
static int pull_attestations(struct session *s, struct work *w, struct error *err)
{
    const char *stage = w->step->stage;
    bool all = s->cli->attestations || trust_k(s->trust, stage) > 1;
    int rc = lookup_record(s, w, err);

    if (rc < 0)
        return rc;
    return remotes_find_attestations(s->remotes, &w->record->key, &w->record->id, stage,
                                     all ? ASK_ALL : ASK_FOLDERS, err);
}

static int pull_step(struct session *s, struct work *w, struct tally *t,
                     struct error *err)
{
    int rc = look_up(s, w, err);

    if (rc == 0 && w->state == WORK_DONE)
        rc = lookup_bring(s, w, err);
    if (rc == 0 && w->state == WORK_DONE)
        rc = lookup_bring_log(s, w, err);
    if (rc == 0 && w->state == WORK_DONE)
        rc = pull_attestations(s, w, err);
    if (rc == 0 && w->state == WORK_DONE)
        rc = lacks_something(s, w, err);
    if (rc < 0)
        return rc;
    if (w->state != WORK_DONE)
        t->absent++;
    else if (rc > 0)
        t->partly++;
    else if (w->fetched)
        t->fetched++;
    else
        t->here++;
    return 0;
}

static int pull_all(struct session *s, struct tally *t, struct error *err)
{
    struct meter meter;
    size_t n = 0;
    int rc = 0;

    for (size_t i = 0; i < s->plan->n_steps; i++)
        n += s->work[i].wanted;
    meter_open(&meter, &s->say, "pulling", n);
    remotes_on_moved(s->remotes, (struct moved){ meter_moved, &meter });
    work_count_waits(s->work, s->plan);
    for (size_t i = 0; rc == 0 && i < s->plan->n_steps; i++)
        if (s->work[i].wanted) {
            meter_step(&meter, s->work[i].step->name);
            rc = pull_step(s, &s->work[i], t, err);
        }
    remotes_on_moved(s->remotes, (struct moved){ 0 });
    meter_close(&meter);
    return rc;
}

static void tell(struct session *s, const struct tally *t, const struct remotes_totals *r)
{
    struct buf line = { 0 };

    buf_printf(&line, "%zu result%s pulled (%zu object%s, ", t->fetched,
               t->fetched == 1 ? "" : "s", r->n_objects, r->n_objects == 1 ? "" : "s");
    say_bytes(r->bytes, &line);
    buf_printf(&line, "), %zu here already", t->here);
    if (t->partly)
        buf_printf(&line, ", %zu of which not all can be had", t->partly);
    if (t->absent)
        buf_printf(&line, ", %zu that nobody has", t->absent);
    if (r->n_attestations)
        buf_printf(&line, "; %zu attestation%s", r->n_attestations,
                   r->n_attestations == 1 ? "" : "s");
    say_line(&s->say, SAY_NORMAL, TONE_PLAIN, "%s", buf_str(&line));
    if (s->cli->json)
        printf("{\"pulled\": %zu, \"here\": %zu, \"partly\": %zu, \"absent\": %zu, "
               "\"ignored\": %zu, \"attestations\": %zu, \"objects\": %zu, "
               "\"bytes\": %lld}\n",
               t->fetched, t->here, t->partly, t->absent, r->n_ignored, r->n_attestations,
               r->n_objects, r->bytes);
    buf_release(&line);
}

int command_pull(const struct cli *cli, struct error *err)
{
    struct remotes_totals totals = { 0 };
    struct tally tally = { 0 };
    struct session s = { 0 };
    int rc = session_enter(&s, cli, err);

    s.fetches = true;
    if (rc == 0)
        rc = session_begin(&s, cli, cli->arg, cli->n_args, err);
    if (rc == 0)
        rc = sharing_open(&s, err);
    if (rc == 0 && !s.remotes)
        rc = sharing_none(err);
    if (rc == 0)
        rc = pull_all(&s, &tally, err);
    if (rc == 0) {
        remotes_count_up(s.remotes, &totals);
        tell(&s, &tally, &totals);
        sharing_tell(&s);
    }
    if (rc == 0 && totals.n_ignored && !tally.fetched)
        rc = error_set(err, E_TRUST,
                       "nothing was pulled: no key that is trusted has signed what is "
                       "there; `larder trust add` one that has");
    session_close(&s);
    return rc;
}
