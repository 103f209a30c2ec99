#include "known.h"

#include <stdlib.h>

#include "larder/banned.h"

static void take(struct work *w, const struct proof_step *step)
{
    w->key = step->key;
    w->record_id = step->record;
    w->output = step->output;
    w->here = step->here;
    w->known = true;
}

/* ---- before anything is looked up ----------------------------------------------------
 */

/* A source that has changed puts those in doubt that read it. */
static void doubt_sources(const struct session *s, bool *doubt)
{
    for (size_t i = 0; i < s->plan->n_sources; i++) {
        const struct source *source = s->plan->source[i];

        if (proof_source_stands(s->proof, i))
            continue;
        for (size_t k = 0; k < source->n_users; k++)
            doubt[source->user[k]->index] = true;
    }
}

static void doubt_users(const struct step *step, bool *doubt)
{
    for (size_t i = 0; i < step->n_users; i++)
        doubt[step->user[i]->index] = true;
}

/* In the order of the plan, so that doubt has come to a step before the step is met. */
static void take_certain(struct session *s, bool *doubt)
{
    for (size_t i = 0; i < s->plan->n_steps; i++) {
        struct work *w = &s->work[i];
        struct proof_step step;

        if (!w->wanted)
            continue;
        if (doubt[i] || w->remake || !proof_step(s->proof, i, &step)) {
            doubt_users(w->step, doubt);
            continue;
        }
        take(w, &step);
        w->deep_known = true;
        w->state = WORK_DONE;
    }
}

void known_take(struct session *s)
{
    bool *doubt = xcalloc(s->plan->n_steps + 1, sizeof *doubt);

    if (s->proof) {
        doubt_sources(s, doubt);
        take_certain(s, doubt);
    }
    work_count_waits(s->work, s->plan);
    free(doubt);
}

/* ---- behind a step that ran -----------------------------------------------------------
 */

/* Whether what the step needs gave what it gave when the proof was written. What it is
 * told of provenance follows from all that is behind it. */
static bool needs_stand(struct session *s, const struct work *w)
{
    bool deep = false;

    for (size_t i = 0; i < w->step->n_inputs; i++)
        deep |= w->step->input[i].kind == INPUT_PROVENANCE;
    for (size_t i = 0; i < w->step->n_needs; i++) {
        const struct work *need = work_of(w, w->step->need[i]);

        if (need->known && (!deep || need->deep_known))
            continue;
        if (deep || !proof_has_outputs(s->proof, need->step->index, need->output,
                                       need->step->n_objects))
            return false;
    }
    return true;
}

static bool sources_stand(const struct session *s, const struct step *step)
{
    bool stand = true;

    for (size_t i = 0; i < step->n_sources && stand; i++)
        stand = proof_source_stands(s->proof, step->source[i]->index);
    return stand;
}

bool known_after_all(struct session *s, struct work *w)
{
    struct proof_step step;

    if (!s->proof || w->remake || w->recalled ||
        !proof_step(s->proof, w->step->index, &step) || !needs_stand(s, w) ||
        !sources_stand(s, w->step))
        return false;
    take(w, &step);
    w->deep_known = true;
    for (size_t i = 0; i < w->step->n_needs && w->deep_known; i++)
        w->deep_known = work_of(w, w->step->need[i])->deep_known;
    work_settle(w, WORK_DONE);
    return true;
}
