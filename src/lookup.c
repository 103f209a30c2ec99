#include "lookup.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "believe.h"
#include "discovered.h"
#include "guard.h"
#include "identify.h"
#include "item.h"
#include "known.h"
#include "lab.h"
#include "larder/banned.h"
#include "larder/boot.h"
#include "larder/remotes.h"

#include "meet.h"
#include "sharing.h"

enum { LOOKUP_DISSENT = 2 }; /* beside STORE_HIT and STORE_MISS: with a story in *err */
enum { BIG = 16 << 20 };     /* bytes that take a while to come */

static bool has_outputs(const struct record *rec, const struct step *step)
{
    for (size_t i = 0; i < step->n_objects; i++) {
        const struct object *o = work_recorded(step, rec, i);
        bool shard = i >= step->n_outputs;

        bool tree = shard || step->output[i].kind == OBJECT_TREE;

        if (!o || (o->kind == OBJECT_TREE) != tree)
            return false;
    }
    return true;
}

/* What a record can tell is held against `expect:`, which is in no key. */
static bool is_expected(struct work *w, const struct record *rec)
{
    for (size_t i = 0; i < w->step->n_outputs; i++)
        if (meet_record(&w->step->output[i], work_recorded(w->step, rec, i), NULL) < 0) {
            w->unmet = true;
            return false;
        }
    return true;
}

/* Outputs that were not synced are read whole, once after each start of the machine; and
 * so is what was fetched, which is not worth the wait for the disk. */
static int check_output(struct session *s, const struct record *rec,
                        const struct object *o, struct digest *bad, struct error *err)
{
    bool deep =
        (boot_is_past(rec) || rec->by) && !state_seen_since_boot(s->state, &o->id);

    return store_check(s->store, o, deep, bad, err);
}

static bool is_synced(const struct record *rec)
{
    return !rec->boot && !rec->by;
}

/* Once for each object and step, however many records name it. */
static void tell_lost(struct session *s, struct work *w, int found,
                      const struct digest *bad, const char *remedy)
{
    char hex[DIGEST_HEX + 1];
    struct buf name = { 0 };

    buf_printf(&name, "%s %s", digest_hex(bad, hex), w->step->name);
    if (!map_set(&s->lost, buf_str(&name), s))
        say_line(&s->say, SAY_NORMAL, TONE_PLAIN, "object sha256:%s of %s: %s; %s", hex,
                 w->step->name, found == OBJECT_ABSENT ? "missing" : "damaged", remedy);
    buf_release(&name);
}

/* Whether an output may be known by its record alone. */
static bool may_be_away(const struct work *w, const struct record *rec, size_t i)
{
    return (w->step->output[i].temp || rec->by || rec->elsewhere) && !w->recalled;
}

/* A command that only looks fetches nothing. */
static int count_fetch(struct session *s, const struct object *o, struct error *err)
{
    char hex[DIGEST_HEX + 1];
    int rc;

    if (map_get(&s->would_fetch.seen, digest_hex(&o->id, hex)))
        return STORE_HIT;
    rc = remotes_has_object(s->remotes, &o->id, err);
    if (rc == STORE_HIT) {
        map_set(&s->would_fetch.seen, hex, s);
        s->would_fetch.n++;
        s->would_fetch.bytes += o->size;
    }
    return rc;
}

/* Gets an output of a record from a remote: STORE_HIT, STORE_MISS or an error. */
static int fetch_output(struct session *s, const struct work *w, size_t i,
                        const struct object *o, bool sync, struct error *err)
{
    int rc = s->would_fetch.only_counted ? lab_has(s, o, err) : lab_bring(s, o, err);

    if (rc != STORE_MISS || !s->remotes || step_output_is_private(w->step, i))
        return rc;
    if (s->would_fetch.only_counted)
        return count_fetch(s, o, err);
    if (o->size >= BIG) {
        struct buf size = { 0 };

        say_bytes(o->size, &size);
        say_line(&s->say, SAY_NORMAL, TONE_FAINT, "        %s: fetching %s, %s",
                 w->step->name, w->step->output[i].name, buf_str(&size));
        buf_release(&size);
    }
    return remotes_fetch_object(s->remotes, o, sync, err);
}

/* What is found wrong with an object is told, and it is put out of the way. */
static int lose(struct session *s, struct work *w, int found, const struct digest *bad,
                bool heal, struct error *err)
{
    w->lost = true;
    if (found == OBJECT_DAMAGED) {
        w->damaged = true;
        w->bad = *bad;
    }
    tell_lost(s, w, found, bad, "it will be made again");
    return heal && found == OBJECT_DAMAGED ? store_discard(s->store, bad, err) : 0;
}

/* STORE_MISS when something that the program loads is not what it was. */
static int check_discovered(struct session *s, struct work *w, const struct record *rec,
                            struct error *err)
{
    static const struct digest none;
    int rc = STORE_HIT;

    if (!discovered_matter(w->step))
        return STORE_HIT;
    if (!rec->watched && guard_mode(s, w->step) != SANDBOX_OFF && trace_is_possible()) {
        w->changed = "it ran without a sandbox: what it loads is not known";
        return STORE_MISS;
    }
    if (digest_equal(&rec->discovered.id, &none))
        return STORE_HIT;
    if (rec->elsewhere)
        rc = lab_bring(s, &rec->discovered, err);
    else if (rec->by && s->remotes)
        rc = remotes_fetch_object(s->remotes, &rec->discovered, is_synced(rec), err);
    if (rc < 0)
        return rc;
    rc = discovered_check(s, &rec->discovered, &w->changed, err);
    return rc < 0 ? rc : w->changed ? STORE_MISS : STORE_HIT;
}

/* STORE_HIT when every output of the record is fine or may be away (w->here says
 * whether all are there), else STORE_MISS. */
static int try_record(struct session *s, struct work *w, const struct record *rec,
                      bool heal, struct error *err)
{
    int rc, answer = STORE_HIT;

    if (!has_outputs(rec, w->step) || !is_expected(w, rec))
        return STORE_MISS;
    rc = check_discovered(s, w, rec, err);
    if (rc != STORE_HIT)
        return rc;
    w->here = true;
    for (size_t i = 0; i < w->step->n_outputs; i++) {
        const struct object *o = record_output(rec, w->step->output[i].name);
        struct digest bad = o->id;
        int found = check_output(s, rec, o, &bad, err);

        if (found < 0)
            return found;
        if (found == OBJECT_FINE)
            continue;
        if (found == OBJECT_ABSENT && may_be_away(w, rec, i)) {
            w->here = false;
            continue;
        }
        rc = fetch_output(s, w, i, o, is_synced(rec), err);
        if (rc < 0)
            return rc;
        if (rc == STORE_HIT) {
            tell_lost(s, w, found, &bad,
                      s->would_fetch.only_counted ? "it will be fetched again"
                                                  : "it was fetched again");
            continue;
        }
        w->here = false;
        answer = STORE_MISS;
        if (w->recalled && found == OBJECT_ABSENT)
            continue;
        rc = lose(s, w, found, &bad, heal, err);
        if (rc < 0)
            return rc;
    }
    return answer;
}

/* Among the records that our own store has, or another one of ours. LOOKUP_DISSENT where
 * they are at odds. */
static int find_in(struct session *s, struct work *w, struct store *st, bool heal,
                   struct error *err)
{
    struct record **rec = NULL;
    size_t n = 0, n_good = 0;
    int rc = store_find(st, &w->key, &rec, &n, err);

    if (rc != STORE_HIT)
        return rc;
    for (size_t i = 0; i < n; i++)
        rec[i]->elsewhere = st != s->store;
    rc = believe(s, w, rec, n, &n_good, err);
    rc = rc == BELIEVE_DISSENT ? LOOKUP_DISSENT : rc < 0 ? rc : STORE_MISS;
    for (size_t i = 0; i < n_good && rc == STORE_MISS; i++) {
        rc = try_record(s, w, rec[i], heal, err);
        if (rc == STORE_HIT) {
            work_take_record(w, rec[i], &s->arena);
            rec[i] = rec[n - 1];
            n--;
        }
    }
    if (rc == STORE_HIT)
        w->lost = w->unmet = false;
    records_free(rec, n);
    return rc;
}

/* In our own store, else in another one of ours, else on a remote. */
static int find_record(struct session *s, struct work *w, bool heal, struct error *err)
{
    const char *from;
    int rc = find_in(s, w, s->store, heal, err);

    if (rc == STORE_MISS && s->lab && !w->recalled)
        rc = find_in(s, w, s->lab, false, err);
    if (rc != STORE_MISS || !s->remotes || w->recalled)
        return rc;
    rc = remotes_find_record(s->remotes, &w->key, w->step->stage, &from, err);
    if (rc == STORE_HIT)
        rc = find_in(s, w, s->store, heal, err);
    if (rc == STORE_MISS && w->doubt && !w->told_doubt && !s->would_fetch.only_counted) {
        w->told_doubt = true;
        say_line(&s->say, SAY_NORMAL, TONE_PLAIN, "%s: %s", w->step->name, w->doubt);
    }
    if (rc != STORE_HIT)
        return rc;
    w->fetched = w->record->by != NULL;
    if (w->fetched)
        say_line(&s->say, SAY_NORMAL, TONE_GOOD, "%s from %s, made by %s", w->step->name,
                 from, sharing_maker(s, w->record));
    return STORE_HIT;
}

/* An object of a step that is done: STORE_HIT when it is here, or could be fetched. */
static int bring_object(struct session *s, struct work *w, size_t i, struct error *err)
{
    const struct object *o = &w->output[i];
    struct digest bad;
    int rc = w->here ? 0 : lookup_record(s, w, err);

    if (rc < 0 || w->here)
        return rc;
    rc = check_output(s, w->record, o, &bad, err);
    if (rc > OBJECT_FINE)
        rc = fetch_output(s, w, step_object_output(w->step, i), o, is_synced(w->record),
                          err);
    return rc;
}

/* What is here of another store of ours is ours, record and all. */
static int keep_here(struct session *s, struct work *w, struct error *err)
{
    int rc = 0;

    if (!w->record || !w->record->elsewhere)
        return 0;
    lab_bring(s, &w->record->log, NULL);
    if (!w->record->by)
        rc = lab_bring(s, &w->record->discovered, err);
    if (rc == 0)
        rc = lab_keep(s, w->record, err);
    if (rc == 0)
        w->record->elsewhere = false;
    return rc < 0 ? rc : 0;
}

/* Whether all of a step's outputs are here by now. */
static int note_here(struct session *s, struct work *w, struct error *err)
{
    struct digest bad;
    int rc = OBJECT_FINE;

    for (size_t i = 0; i < w->step->n_outputs && rc == OBJECT_FINE && !w->here; i++)
        rc = check_output(s, w->record, &w->output[i], &bad, err);
    if (rc == OBJECT_FINE)
        w->here = true;
    return rc < 0 ? rc : w->here ? keep_here(s, w, err) : 0;
}

int lookup_bring(struct session *s, struct work *w, struct error *err)
{
    bool all = true;

    for (size_t i = 0; i < w->step->n_outputs; i++) {
        int rc = bring_object(s, w, i, err);

        if (rc < 0)
            return rc;
        all = all && rc == STORE_HIT;
    }
    w->here = all;
    return all ? keep_here(s, w, err) : 0;
}

int lookup_bring_log(struct session *s, struct work *w, struct error *err)
{
    static const struct digest none;
    int rc = lookup_record(s, w, err);

    if (rc == 0 && lab_bring(s, &w->record->log, NULL) == STORE_HIT)
        return 0;
    if (rc == 0 && s->remotes && !digest_equal(&w->record->log.id, &none) &&
        !step_takes_private(w->step))
        rc = remotes_fetch_object(s->remotes, &w->record->log, is_synced(w->record), err);
    return rc < 0 ? rc : 0;
}

static int need_inputs(struct session *s, const struct work *w, struct error *err);

/* What cannot be fetched is made again, and then so is what that needs. */
int lookup_need(struct session *s, struct work *w, size_t object, struct error *err)
{
    int rc;

    if (w->state != WORK_DONE)
        return 0;
    rc = bring_object(s, w, object, err);
    if (rc == STORE_HIT)
        return note_here(s, w, err);
    if (rc < 0)
        return rc;
    rc = need_inputs(s, w, err);
    if (rc == 0)
        work_recall(w, &s->recalled);
    return rc;
}

static int need_inputs(struct session *s, const struct work *w, struct error *err)
{
    int rc = 0;

    for (size_t i = 0; i < w->step->n_inputs; i++)
        for (size_t j = 0; j < w->step->input[i].n_items; j++) {
            const struct item *item = &w->step->input[i].item[j];

            for (size_t k = 0; k < item_n_steps(item) && rc == 0; k++)
                rc = lookup_need(s, work_of(w, item_step(item, k)), (size_t)item->output,
                                 err);
        }
    return rc;
}

void lookup_lacks(struct session *s, struct work *w, const struct error *why)
{
    if (!s->lack || strcmp(s->lack->text, why->text) != 0) {
        struct error *kept = arena_alloc(&s->arena, sizeof *kept);

        *kept = *why;
        s->lack = kept;
    }
    w->lacks = s->lack;
}

/* Each of its inputs is what it was, or it cannot be run again. */
static int check_inputs(struct session *s, struct work *w, struct error *err)
{
    int rc = identify_key(s, w, err);

    for (size_t i = 0; i < w->step->n_inputs && rc == 0; i++)
        for (size_t j = 0; j < w->step->input[i].n_items && rc == 0; j++) {
            const struct item *item = &w->step->input[i].item[j];

            for (size_t k = 0; k < item_n_steps(item) && rc == 0; k++) {
                struct work *maker = work_of(w, item_step(item, k));

                rc = bring_object(s, maker, (size_t)item->output, err);
                if (rc == STORE_MISS)
                    rc = error_set(err, E_STAGE,
                                   "its input %s is not here any more, and %s gives "
                                   "another one now",
                                   w->step->input[i].name, maker->step->name);
            }
        }
    return rc;
}

/* A step that is run again, and waited for what it takes to be made once more. */
static int look_again(struct session *s, struct work *w, struct error *err)
{
    int rc = check_inputs(s, w, err);

    if (rc == E_INPUT || rc == E_STAGE || rc == E_REMOTE) {
        lookup_lacks(s, w, err);
        rc = 0;
    }
    if (rc == 0)
        work_settle(w, WORK_DUE);
    return rc;
}

int lookup_rerun(struct session *s, struct work *w, struct error *err)
{
    int rc = identify_key(s, w, err);

    if (rc == IDENTIFY_ABROAD)
        rc = error_set(err, E_INPUT, "its import is not here: `larder run` fetches it");
    return rc == 0 ? lookup_record(s, w, err) : rc;
}

int lookup_rerun_inputs(struct session *s, struct work *w, struct error *err)
{
    return need_inputs(s, w, err);
}

void lookup_rerun_due(struct work *w)
{
    if (w->state != WORK_DONE) /* it was recalled */
        return;
    for (size_t i = 0; i < w->step->n_users; i++)
        work_of(w, w->step->user[i])->n_waits++;
    w->known = w->deep_known = false;
    w->state = w->n_waits ? WORK_UNKNOWN : WORK_DUE;
    if (w->n_waits)
        buf_reset(&w->key_text);
}

int lookup_step(struct session *s, struct work *w, bool heal, struct error *err)
{
    int rc;

    assert(w->n_waits == 0 && w->state == WORK_UNKNOWN);
    if (s->again)
        return look_again(s, w, err);
    if (known_after_all(s, w))
        return 0;
    rc = identify_key(s, w, err);
    if (rc == E_INPUT || rc == E_REMOTE) { /* told with its position in the recipe */
        lookup_lacks(s, w, err);
        work_settle(w, WORK_DUE);
        return 0;
    }
    if (rc == IDENTIFY_KEY)
        rc = w->remake ? STORE_MISS : find_record(s, w, heal, err);
    if (rc == LOOKUP_DISSENT) {
        lookup_lacks(s, w, err);
        work_settle(w, WORK_DUE);
        return 0;
    }
    if (rc < 0)
        return error_context(err, "%s", w->step->name);
    work_settle(w, rc == STORE_HIT ? WORK_DONE : WORK_DUE);
    if (w->state == WORK_DUE)
        rc = need_inputs(s, w, err);
    return rc < 0 ? error_context(err, "%s", w->step->name) : 0;
}

int lookup_again(struct session *s, struct work *w, struct error *err)
{
    int rc = identify_key(s, w, err);

    if (rc == 0)
        rc = w->remake || s->again ? STORE_MISS : find_record(s, w, true, err);
    if (rc == STORE_HIT)
        work_settle(w, WORK_DONE);
    return rc == LOOKUP_DISSENT ? E_CORRUPT : rc < 0 ? rc : 0;
}

int lookup_all(struct session *s, bool heal, struct error *err)
{
    int rc = 0;

    for (size_t i = 0; s->cli->remake && i < s->plan->n_steps; i++)
        s->work[i].remake = s->chosen[i];
    known_take(s);
    for (size_t i = 0; i < s->plan->n_steps && rc == 0; i++) {
        struct work *w = &s->work[i];

        if (w->wanted && w->n_waits == 0 && w->state == WORK_UNKNOWN)
            rc = lookup_step(s, w, heal, err);
    }
    return rc;
}

bool lookup_remember(struct session *s, const struct work *w)
{
    struct step_memory m;
    bool other, replaced;

    if (w->known) /* the proof was written after it was remembered */
        return false;
    state_step(s->state, w->step->name, &m);
    other = !m.has_record || !digest_equal(&m.record, &w->record_id);
    replaced = other && m.has_record && digest_equal(&m.key, &w->key);
    if (other) {
        if (m.has_record && !digest_equal(&m.key, &w->key)) {
            m.has_former = true;
            m.former_key = m.key;
            m.former_record = m.record;
        }
        m.has_record = true;
        m.key = w->key;
        m.record = w->record_id;
    }
    if (replaced && !s->doubted) {
        store_doubt(s->store); /* proofs for other words know the former record */
        s->doubted = true;
    }
    m.has_failed_log = false;
    state_set_step(s->state, w->step->name, &m);
    return other;
}

static int find_one(struct session *s, const struct digest *key, const struct digest *id,
                    struct record **rec, struct error *err)
{
    int rc = store_find_record(s->store, key, id, rec, err);

    if (rc == STORE_MISS && s->lab) {
        rc = store_find_record(s->lab, key, id, rec, err);
        if (rc == STORE_HIT)
            (*rec)->elsewhere = true;
    }
    return rc;
}

int lookup_record(struct session *s, struct work *w, struct error *err)
{
    int rc;

    assert(w->state == WORK_DONE);
    if (w->record)
        return 0;
    rc = find_one(s, &w->key, &w->record_id, &w->record, err);
    if (rc != STORE_MISS)
        return rc;
    store_doubt(s->store); /* else the next run would believe its proof again */
    return error_set(
        err, E_CORRUPT,
        "the record of %s is no longer in the cache; `larder run '%s'` makes "
        "it again",
        w->step->name, w->step->name);
}

int lookup_last(struct session *s, const struct work *w, struct record **rec,
                struct error *err)
{
    struct step_memory m;
    int rc;

    *rec = NULL;
    if (!state_step(s->state, w->step->name, &m) || !m.has_record)
        return STORE_MISS;
    rc = find_one(s, &m.key, &m.record, rec, err);
    if (rc == STORE_MISS)
        store_doubt(s->store); /* a proof may still believe in it */
    return rc;
}

int lookup_former(struct session *s, const struct work *w, struct record **rec,
                  struct error *err)
{
    struct step_memory m;

    *rec = NULL;
    if (!state_step(s->state, w->step->name, &m) || !m.has_former)
        return STORE_MISS;
    return find_one(s, &m.former_key, &m.former_record, rec, err);
}

int lookup_item(struct session *s, const struct item *item, struct error *err)
{
    for (size_t i = 0; i < item_n_steps(item); i++) {
        struct work *w = work_of(s->work, item_step(item, i));
        bool made = w->state == WORK_DONE;
        int rc = lookup_need(s, w, (size_t)item->output, err);

        if (rc < 0)
            return rc;
        if (w->lacks)
            return error_set(err, w->lacks->code, "%s", w->lacks->text);
        if (w->state != WORK_DONE) /* or no more */
            return error_set(err, E_STAGE, "%s is not %s: `larder run %s'%s'` makes it",
                             w->step->name, made ? "here" : "made yet", made ? "-B " : "",
                             w->step->name);
    }
    return 0;
}
