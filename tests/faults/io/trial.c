#include "trial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "larder/banned.h"

char trial_dir[64];
unsigned long trial_seed;
struct trial trial_now;
struct trial_counts trial_counts;

static int act(struct scene *s, const struct scenario *of, struct error *err)
{
    struct store *st;
    int rc;

    if (of->act)
        return of->act(s, err);
    rc = scene_store(s, "store", &st, err);
    if (rc == 0)
        rc = of->with(s, st, err);
    store_close(st);
    return rc;
}

void reference_release(struct reference *ref)
{
    calls_release(&ref->calls);
    free(ref->wrong);
}

static void wrong(const struct trial *t, const char *what, const char *story)
{
    trial_counts.wrong++;
    printf("%s %zu %s%s: %s: %s (%s of %s", t->of->name, t->f.at, fault_name[t->f.fault],
           t->f.stays ? "+" : "", what, story, table_call() ? table_call() : "",
           table_path());
    if (trial_seed)
        printf("; seed %lu", trial_seed);
    printf(")\n");
    fflush(stdout);
}

static void stage(struct scene *s, const struct scenario *of)
{
    scene_open(s, trial_dir);
    if (of->prepare)
        of->prepare(s);
}

/* ---- without a fault --------------------------------------------------------------- */

void refer(struct reference *ref, const struct scenario *of)
{
    struct error err = { 0 };
    struct scene s;
    const char *said;

    *ref = (struct reference){ 0 };
    stage(&s, of);
    scene_digest(&s, of, &ref->before);
    said = scene_wrong(&s);
    ref->wrong = said ? xstrdup(said) : NULL;
    scene_close(&s);
    stage(&s, of); /* since the look mends what is torn */
    table_begin(of->fs, &ref->calls, (struct failure){ 0 });
    ref->rc = act(&s, of, &err);
    table_end();
    insist(ref->rc, &err, of->name);
    scene_digest(&s, of, &ref->after);
    table_begin(of->fs, NULL, (struct failure){ 0 });
    ref->again = act(&s, of, &err);
    table_end();
    insist(ref->again, &err, of->name);
    scene_digest(&s, of, &ref->end);
    said = scene_wrong(&s);
    if (said) {
        fprintf(stderr, "%s: is not well without a fault: %s\n", of->name, said);
        abort();
    }
    scene_close(&s);
}

/* ---- with one ---------------------------------------------------------------------- */

/* What may fail and leaves no trace when it does: how it went is the reference's. */
bool fault_is_gentle(enum fault fault)
{
    return fault == FAULT_EINTR || fault == FAULT_SHORT;
}

/* What cannot be read is damaged, or absent. */
static bool is_broken_disk(const struct trial *t)
{
    return t->f.stays && t->f.fault == FAULT_EIO;
}

/* What was begun could not be removed either. */
static bool leaves_litter(const struct trial *t)
{
    return is_broken_disk(t) || !strcmp(table_call(), "unlinkat");
}

static bool may_differ(const struct trial *t)
{
    if (is_broken_disk(t))
        return true;
    return (t->of->rules & LENIENT_MISS) && !fault_is_gentle(t->f.fault);
}

static void judge_outcome(const struct trial *t, struct scene *s, int rc,
                          const struct error *err)
{
    struct digest now;
    char text[80];

    if (rc < 0 && (rc != err->code || !*err->text))
        wrong(t, "an error without a story, or of another code", err->text);
    if (rc < E_REMOTE)
        wrong(t, "an unknown code", err->text);
    if (rc < 0 && fault_is_gentle(t->f.fault))
        wrong(t, "fails", err->text);
    if (rc < 0 && rc != E_SYSTEM && rc != E_REMOTE &&
        !(rc == E_CORRUPT && is_broken_disk(t)))
        wrong(t, "blames somebody else", err->text);
    snprintf(text, sizeof text, "%d, not %d", rc, t->ref->rc);
    if (rc >= 0 && rc != t->ref->rc && !may_differ(t))
        wrong(t, "another outcome", text);
    if (leaves_litter(t))
        return;
    scene_digest(s, t->of, &now);
    if (rc == t->ref->rc && !digest_equal(&now, &t->ref->after) &&
        !(t->of->rules & LENIENT_STATE))
        wrong(t, "succeeds", "and leaves something else");
    if ((t->of->rules & UNCHANGED) && !digest_equal(&now, &t->ref->before) &&
        !digest_equal(&now, &t->ref->after))
        wrong(t, "changes something", err->text);
}

static void judge_end(const struct trial *t, struct scene *s)
{
    bool litter = leaves_litter(t);
    struct error err = { 0 };
    struct digest now;
    const char *said;
    int rc;

    table_begin(t->of->fs, NULL, (struct failure){ 0 });
    rc = act(s, t->of, &err);
    table_end();
    if (rc < 0)
        wrong(t, "the next time fails", err.text);
    else if (rc != t->ref->rc && rc != t->ref->again)
        wrong(t, "the next time", "another outcome");
    scene_digest(s, t->of, &now);
    if (!digest_equal(&now, &t->ref->end) && !digest_equal(&now, &t->ref->after) &&
        !litter)
        wrong(t, "the next time", "all is not as it should be");
    said = scene_wrong(s);
    if (said)
        wrong(t, "after the next time", said);
    said = scene_litter(s);
    if (said)
        wrong(t, "is not swept", said);
}

/* Whether all of it was wrong from the start. */
static bool was_wrong(const struct reference *ref, const char *said)
{
    for (const char *end; (end = strstr(said, "; ")) != NULL; said = end + 2) {
        char *one = xstrndup(said, (size_t)(end - said));
        bool old = ref->wrong && strstr(ref->wrong, one);

        free(one);
        if (!old)
            return false;
    }
    return true;
}

void try(const struct trial *t)
{
    struct error err = { 0 };
    struct scene s;
    const char *said;
    int rc, open, left;

    trial_now = *t;
    stage(&s, t->of);
    open = count_descriptors();
    table_begin(t->of->fs, NULL, t->f);
    rc = act(&s, t->of, &err);
    table_end();
    left = count_descriptors() - open;
    trial_counts.tried++;
    if (table_fired()) {
        trial_counts.met++;
        if (left)
            wrong(t, "leaves descriptors open", err.text);
        judge_outcome(t, &s, rc, &err);
        said = scene_wrong(&s);
        if (said && !was_wrong(t->ref, said))
            wrong(t, "then", said);
        judge_end(t, &s);
    }
    scene_close(&s);
}
