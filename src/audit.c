#include "audit.h"

#include <string.h>

#include "larder/attestation.h"
#include "larder/banned.h"

#include "lookup.h"
#include "sharing.h"

/* Somebody else's: of none of our own keys. */
static bool is_foreign(const struct session *s, const struct record *rec)
{
    const struct trusted *who = rec->by ? trust_find(s->trust, rec->by->id.text) : NULL;

    return rec->by && !(who && who->own);
}

/* Whether we have said something of the record, or have another one of our own. */
static int was_made_here(struct session *s, const struct work *w,
                         const struct signer *signer, struct error *err)
{
    struct attestation **a = NULL;
    struct record **rec = NULL;
    size_t n = 0, n_rec = 0;
    bool made = false;
    int rc = store_attestations(s->store, &w->key, &w->record->id, &a, &n, err);

    for (size_t i = 0; rc == 0 && i < n; i++)
        made = made || (public_key_equal(&a[i]->signer, signer_key(signer)) &&
                        a[i]->how != ATTEST_VOUCHED);
    if (rc == 0 && !made)
        rc = store_find(s->store, &w->key, &rec, &n_rec, err);
    for (size_t i = 0; i < n_rec; i++)
        made = made || !rec[i]->by;
    attestations_free(a, n);
    records_free(rec, n_rec);
    return rc < 0 ? rc : made;
}

static int look_at(struct session *s, struct work *w, struct signer **signer,
                   bool *chosen, struct error *err)
{
    double share = trust_audit(s->trust, w->step->stage);
    struct key_id id;
    int rc = 0;

    *chosen = false;
    if (!w->wanted || w->state != WORK_DONE || !(share > 0))
        return 0;
    rc = lookup_record(s, w, err);
    if (rc == 0 && !is_foreign(s, w->record))
        return 0;
    if (rc == 0 && !*signer)
        rc = sharing_signer(s, signer, err);
    if (rc < 0)
        return rc;
    id = key_id_of(signer_key(*signer));
    if (!rerun_is_due(&w->key, &id, share))
        return 0;
    rc = was_made_here(s, w, *signer, err);
    *chosen = rc == 0;
    return rc < 0 ? rc : 0;
}

int audit_choose(struct session *s, bool **chosen, size_t *n, struct signer **signer,
                 struct error *err)
{
    int rc = 0;

    *chosen = arena_alloc(&s->arena, s->plan->n_steps + 1);
    *signer = NULL;
    *n = 0;
    if (!s->trust) /* no result of others was looked at */
        return 0;
    for (size_t i = 0; i < s->plan->n_steps && rc == 0; i++) {
        rc = look_at(s, &s->work[i], signer, &(*chosen)[i], err);
        *n += (*chosen)[i];
    }
    if (rc < 0 || !*n) {
        signer_free(*signer);
        *signer = NULL;
    }
    return rc;
}

/* What was made here counts from the next run on: it is no longer this project's that is
 * at odds with ours. */
static void prefer_ours(struct session *s, const struct rerun_result *r)
{
    struct step_memory m;

    state_step(s->state, r->w->step->name, &m);
    m.has_record = true;
    m.key = r->w->key;
    m.record = *r->second;
    state_set_step(s->state, r->w->step->name, &m);
    store_doubt(s->store); /* proofs know the other one */
}

static void tell(void *self, const struct rerun_result *r)
{
    static const char *const word[] = {
        [VERDICT_SAME] = "the same bytes",
        [VERDICT_WITHIN] = "the same within tolerance",
        [VERDICT_OTHER] = "ANOTHER RESULT",
    };
    struct session *s = self;
    const char *end = *r->story ? "\n" : "";

    say_line(&s->say, r->verdict == VERDICT_OTHER ? SAY_QUIET : SAY_NORMAL,
             r->verdict == VERDICT_OTHER ? TONE_BAD : TONE_PLAIN,
             "audit of %s, made by %s: %s%s%.*s", r->w->step->name,
             sharing_maker(s, r->w->record), word[r->verdict], end,
             *r->story ? (int)strlen(r->story) - 1 : 0, r->story);
    if (r->verdict == VERDICT_OTHER && r->second)
        prefer_ours(s, r);
}

int audit_steps(struct session *s, const bool *chosen, const struct signer *signer,
                struct rerun_totals *t, struct error *err)
{
    const struct rerun_order order = {
        .chosen = chosen, .signer = signer, .told = tell, .self = s
    };
    int rc = rerun_steps(s, &order, t, err);

    if (rc == 0 && t->other)
        say_line(&s->say, SAY_QUIET, TONE_BAD,
                 "%zu of %zu audited result%s %s another one here: both are kept, and "
                 "`larder why --hit STEP` shows them; the next run goes on with ours",
                 t->other, t->n, t->n == 1 ? "" : "s", t->other == 1 ? "is" : "are");
    return rc;
}
