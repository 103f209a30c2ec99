#include "command.h"

#include <stdio.h>

#include "larder/banned.h"
#include "larder/push.h"

#include "lookup.h"
#include "session.h"
#include "sharing.h"

/* What became of the steps that were not pushed. */
struct tally {
    size_t absent;  /* no result here, or not all of it */
    size_t kept;    /* never-remote */
    size_t damaged; /* the bytes here are wrong */
};

static bool is_given(const struct step *step, size_t i)
{
    return !step->output[i].temp && !step_output_is_private(step, i);
}

/* Whether all that is to be given is here; what came from a remote need not be. */
static int is_here(struct session *s, const struct work *w, struct error *err)
{
    for (size_t i = 0; i < w->step->n_outputs; i++) {
        int rc = is_given(w->step, i)
                     ? store_check(s->store, &w->output[i], false, NULL, err)
                     : OBJECT_FINE;

        if (rc != OBJECT_FINE)
            return rc < 0 ? rc : rc == OBJECT_DAMAGED;
    }
    return 1;
}

/* The log, or the list of discovered inputs. */
static int push_beside(struct session *s, struct push *p, const struct object *o,
                       bool new, struct error *err)
{
    static const struct digest none;
    int rc;

    if (digest_equal(&o->id, &none))
        return 0;
    rc = store_check(s->store, o, false, NULL, err);
    if (rc == OBJECT_ABSENT)
        return 0; /* it is a pity, but no result depends on it */
    return rc < 0 ? rc : push_object(p, o, new, err);
}

/* The objects of a step, then what its record names beside them, then the record. */
static int push_step(struct session *s, struct push *p, const struct work *w,
                     struct error *err)
{
    int rc = push_has_record(p, w->record, err);
    bool new = rc == 0;

    for (size_t i = 0; i < w->step->n_outputs && rc >= 0; i++)
        if (is_given(w->step, i))
            rc = push_object(p, &w->output[i], new, err);
    if (rc >= 0 && !step_takes_private(w->step))
        rc = push_beside(s, p, &w->record->log, new, err);
    if (rc >= 0)
        rc = push_beside(s, p, &w->record->discovered, new, err);
    if (rc >= 0 && new)
        rc = push_record(p, w->record, err);
    return rc < 0 ? rc : 0;
}

/* What came from a remote need not be here to be there. */
static int push_done(struct session *s, struct push *p, struct work *w, struct tally *t,
                     struct error *err)
{
    int rc = lookup_record(s, w, err);

    if (rc == 0)
        rc = is_here(s, w, err);
    if (rc != 0)
        return rc < 0 ? rc : push_step(s, p, w, err);
    rc = push_has_record(p, w->record, err);
    t->absent += rc == 0;
    return rc < 0 ? rc : 0;
}

static int consider(struct session *s, struct push *p, struct work *w, struct tally *t,
                    struct error *err)
{
    int rc = 0;

    if (trust_forbids(s->trust, w->step->stage))
        t->kept++;
    else if (w->state != WORK_DONE)
        t->absent++;
    else
        rc = push_done(s, p, w, t, err);
    if (rc == E_CORRUPT) {
        t->damaged++;
        say_line(&s->say, SAY_QUIET, TONE_BAD, "%s is not pushed: %s", w->step->name,
                 err->text);
        rc = 0;
    }
    return rc;
}

static void print_json(const struct push_totals *sum, const struct tally *t)
{
    printf("{\"pushed\": %zu, \"there\": %zu, \"objects\": %zu, \"bytes\": %lld, "
           "\"absent\": %zu, \"kept\": %zu, \"damaged\": %zu}\n",
           sum->n_records, sum->n_there, sum->n_objects, sum->bytes, t->absent, t->kept,
           t->damaged);
}

static void tell(struct session *s, const char *remote, const struct push_totals *sum,
                 const struct tally *t)
{
    struct buf line = { 0 };

    buf_printf(&line, "%s: %zu result%s pushed (%zu object%s, ", remote, sum->n_records,
               sum->n_records == 1 ? "" : "s", sum->n_objects,
               sum->n_objects == 1 ? "" : "s");
    say_bytes(sum->bytes, &line);
    buf_printf(&line, "), %zu there already", sum->n_there);
    if (t->absent)
        buf_printf(&line, ", %zu not here", t->absent);
    if (t->kept)
        buf_printf(&line, ", %zu never to leave", t->kept);
    if (t->damaged)
        buf_printf(&line, ", %zu damaged: `larder run` makes %s again", t->damaged,
                   t->damaged == 1 ? "it" : "them");
    say_line(&s->say, SAY_NORMAL, TONE_PLAIN, "%s", buf_str(&line));
    buf_release(&line);
}

static int push_all(struct session *s, const struct signer *signer, struct tally *t,
                    struct error *err)
{
    const char *name = NULL, *place = NULL;
    struct push_totals sum = { 0 };
    struct push *p = NULL;
    int rc = sharing_first(s, &name, &place, err);

    if (rc == 0)
        rc = push_open(&p, s->store, name, place, signer, err);
    for (size_t i = 0; i < s->plan->n_steps && rc == 0; i++)
        if (s->work[i].wanted)
            rc = consider(s, p, &s->work[i], t, err);
    if (p) {
        push_count_up(p, &sum);
        tell(s, name, &sum, t);
        if (s->cli->json)
            print_json(&sum, t);
    }
    push_close(p);
    return rc;
}

int command_push(const struct cli *cli, struct error *err)
{
    struct signer *signer = NULL;
    struct tally tally = { 0 };
    struct session s = { 0 };
    int rc = session_begin(&s, cli, cli->arg, cli->n_args, err);

    if (rc == 0)
        rc = sharing_trust(&s, err);
    if (rc == 0)
        rc = lookup_all(&s, false, err);
    if (rc == 0)
        rc = sharing_signer(&s, &signer, err);
    if (rc == 0)
        rc = push_all(&s, signer, &tally, err);
    signer_free(signer);
    session_close(&s);
    return rc == 0 && tally.damaged ? EXIT_MISMATCH : rc;
}
