#include "pushing.h"

#include "larder/banned.h"

#include "lookup.h"
#include "sharing.h"

static bool is_given(const struct step *step, size_t i)
{
    return !step->output[i].temp && !step_output_is_private(step, i);
}

/* Whether all that is to be given is here; what came from a remote need not be. Who has
 * just looked need not look again. */
static int is_here(struct session *s, const struct work *w, struct error *err)
{
    if (w->here && !w->known)
        return 1;
    for (size_t i = 0; i < w->step->n_outputs; i++) {
        int rc = is_given(w->step, i)
                     ? store_check(s->store, &w->output[i], false, NULL, err)
                     : OBJECT_FINE;

        if (rc != OBJECT_FINE)
            return rc < 0 ? rc : rc == OBJECT_DAMAGED;
    }
    return 1;
}

static void tell_damage(void *self, const struct error *story)
{
    struct pushing *all = self;

    say_line(&all->s->say, SAY_QUIET, TONE_BAD, "%s is not pushed: %s",
             all->work->step->name, story->text);
    all->told = true;
}

/* The log, or the list of discovered inputs. */
static int push_beside(struct pushing *all, const struct object *o, bool new,
                       struct error *err)
{
    static const struct digest none;
    int rc;

    if (digest_equal(&o->id, &none))
        return 0;
    rc = store_check(all->s->store, o, false, NULL, err);
    if (rc == OBJECT_ABSENT)
        return 0; /* it is a pity, but no result depends on it */
    return rc < 0 ? rc : push_object(all->p, o, new, err);
}

/* All that are to be given, also behind a damaged one. */
static int push_outputs(struct pushing *all, bool new, struct error *err)
{
    const struct work *w = all->work;
    bool damaged = false;

    for (size_t i = 0; i < w->step->n_outputs; i++) {
        int rc = is_given(w->step, i) ? push_object(all->p, &w->output[i], new, err) : 0;

        if (rc < 0 && rc != E_CORRUPT)
            return rc;
        damaged |= rc == E_CORRUPT;
    }
    return damaged ? E_CORRUPT : 0;
}

/* The objects of a step, then what its record names beside them, then the record. */
static int push_step(struct pushing *all, struct error *err)
{
    const struct work *w = all->work;
    int rc = push_has_record(all->p, w->record, err);
    bool new = rc == 0;

    if (rc >= 0)
        rc = push_outputs(all, new, err);
    if (rc >= 0 && !step_takes_private(w->step))
        rc = push_beside(all, &w->record->log, new, err);
    if (rc >= 0)
        rc = push_beside(all, &w->record->discovered, new, err);
    if (rc >= 0 && new)
        rc = push_record(all->p, w->record, err);
    if (rc >= 0)
        rc = push_attestations(all->p, w->record, err);
    return rc < 0 ? rc : 0;
}

/* What came from a remote need not be here to be there, nor for others to hear what we
 * say of it. */
static int push_done(struct pushing *all, struct work *w, struct error *err)
{
    int rc = lookup_record(all->s, w, err);

    if (rc == 0)
        rc = is_here(all->s, w, err);
    if (rc != 0)
        return rc < 0 ? rc : push_step(all, err);
    rc = push_has_record(all->p, w->record, err);
    all->absent += rc == 0;
    if (rc >= 0)
        rc = push_attestations(all->p, w->record, err);
    return rc < 0 ? rc : 0;
}

/* What the look-up has seen already. */
static int found_damaged(const struct work *w, struct error *err)
{
    char hex[DIGEST_HEX + 1];

    return error_set(err, E_CORRUPT, "object sha256:%s is damaged",
                     digest_hex(&w->bad, hex));
}

static int consider(struct pushing *all, struct work *w, struct error *err)
{
    int rc = 0;

    all->work = w;
    all->told = false;
    if (trust_forbids(all->s->trust, w->step->stage))
        all->kept++;
    else if (w->state != WORK_DONE && w->damaged)
        rc = found_damaged(w, err);
    else if (w->state != WORK_DONE)
        all->absent++;
    else
        rc = push_done(all, w, err);
    if (rc == E_CORRUPT) {
        if (!all->told)
            tell_damage(all, err);
        all->damaged++;
        rc = 0;
    }
    return rc;
}

int pushing_all(struct pushing *all, struct error *err)
{
    struct session *s = all->s;
    size_t n = 0;
    int rc = 0;

    for (size_t i = 0; i < s->plan->n_steps; i++)
        n += s->work[i].wanted;
    meter_open(&all->meter, &s->say, "pushing", n);
    push_on_moved(all->p, (struct moved){ meter_moved, &all->meter });
    push_on_damage(all->p, tell_damage, all);
    for (size_t i = 0; i < s->plan->n_steps && rc == 0; i++)
        if (s->work[i].wanted) {
            meter_step(&all->meter, s->work[i].step->name);
            rc = consider(all, &s->work[i], err);
        }
    if (rc == 0)
        rc = push_finish(all->p, err);
    push_on_moved(all->p, (struct moved){ 0 });
    meter_close(&all->meter);
    return rc;
}

void pushing_tell_rest(const struct pushing *all, struct buf *line)
{
    if (all->absent)
        buf_printf(line, ", %zu not here", all->absent);
    if (all->kept)
        buf_printf(line, ", %zu never to leave", all->kept);
    if (all->damaged)
        buf_printf(line, ", %zu damaged: `larder run` makes %s again", all->damaged,
                   all->damaged == 1 ? "it" : "them");
}
