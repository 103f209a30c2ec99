#include "command.h"

#include <stdio.h>

#include "larder/banned.h"
#include "larder/buf.h"

#include "hit.h"
#include "lookup.h"
#include "reason.h"
#include "session.h"
#include "sharing.h"
#include "steplog.h"

/* Opens a session on the steps named and looks them up. */
static int look(struct session *s, const struct cli *cli, struct error *err)
{
    int rc = session_begin(s, cli, cli->arg, cli->n_args, err);

    if (rc == 0)
        session_borrow_proof(s);
    return rc == 0 ? lookup_all(s, false, err) : rc;
}

int command_why(const struct cli *cli, struct error *err)
{
    struct buf story = { 0 };
    struct session s = { 0 };
    int rc = look(&s, cli, err);

    for (size_t i = 0; rc == 0 && i < s.plan->n_steps; i++)
        if (s.chosen[i])
            rc = (cli->hit ? hit_story : reason_story)(&s, &s.work[i], &story, err);
    if (rc == 0)
        fputs(buf_str(&story), stdout);
    buf_release(&story);
    session_close(&s);
    return rc;
}

/* The log of the failure since the last success, else of the record that answers, else of
 * the record used last. */
static int find_log(struct session *s, struct work *w, struct digest *id,
                    struct error *err)
{
    struct record *last = NULL;
    struct step_memory m;
    int rc;

    if (state_step(s->state, w->step->name, &m) && m.has_failed_log) {
        *id = m.failed_log;
        return STORE_HIT;
    }
    if (w->state == WORK_DONE) {
        rc = lookup_record(s, w, err);
        if (rc == 0)
            *id = w->record->log.id;
        return rc;
    }
    rc = lookup_last(s, w, &last, err);
    if (rc == STORE_HIT)
        *id = last->log.id;
    record_free(last);
    return rc;
}

/* A log that is not here, of a step with this record or none. */
static int no_log(struct session *s, const struct work *w, struct error *err)
{
    const char *step = w->step->name, *maker;

    if (w->state != WORK_DONE || !w->record->by)
        return error_set(err, E_CORRUPT, "the log of %s is no longer in the cache", step);
    maker = sharing_maker(s, w->record);
    if (step_takes_private(w->step))
        return error_set(err, E_REMOTE,
                         "the log of %s stays with %s, who made its result of something "
                         "private",
                         step, maker);
    if (!s->remotes)
        return error_set(err, E_REMOTE,
                         "the log of %s is not here, since %s made its result, and there "
                         "is no remote to fetch it from: name one with --remote PLACE",
                         step, maker);
    return error_set(err, E_REMOTE,
                     "the log of %s is not here, since %s made its result, and on no "
                     "remote that answers",
                     step, maker);
}

static int print_log(struct session *s, struct work *w, bool heading, struct error *err)
{
    struct buf text = { 0 };
    struct digest id;
    int rc = find_log(s, w, &id, err);

    if (rc == STORE_MISS)
        rc = error_set(err, E_STAGE, "%s has not run yet: `larder run '%s'` runs it",
                       w->step->name, w->step->name);
    if (rc == 0)
        rc = steplog_read(s->store, &id, &text, err);
    if (rc == STEPLOG_GONE)
        rc = no_log(s, w, err);
    if (rc == 0 && heading)
        printf("==> %s\n", w->step->name);
    if (rc == 0)
        fwrite(buf_str(&text), 1, text.len, stdout);
    if (rc == 0 && !text.len)
        say_line(&s->say, SAY_NORMAL, TONE_PLAIN, "%s printed nothing", w->step->name);
    buf_release(&text);
    return rc;
}

int command_log(const struct cli *cli, struct error *err)
{
    size_t n_chosen = 0;
    struct session s = { 0 };
    int rc = look(&s, cli, err);

    if (rc == 0)
        rc = sharing_open(&s, err);
    for (size_t i = 0; rc == 0 && i < s.plan->n_steps; i++)
        n_chosen += s.chosen[i];
    for (size_t i = 0; rc == 0 && i < s.plan->n_steps; i++) {
        struct work *w = &s.work[i];

        if (!s.chosen[i])
            continue;
        rc = w->state == WORK_DONE ? lookup_bring_log(&s, w, err) : 0;
        if (rc == 0)
            rc = print_log(&s, w, n_chosen > 1, err);
    }
    session_close(&s);
    return rc;
}
