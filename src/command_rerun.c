#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "larder/attestation.h"
#include "larder/banned.h"

#include "agree.h"
#include "identify.h"
#include "lookup.h"
#include "rerun.h"
#include "session.h"
#include "sharing.h"

/* ---- verify --rerun -------------------------------------------------------------------
 */

struct telling {
    struct session *s;
    json_t *steps; /* of --json, else NULL */
};

static const char *const verdict_word[] = { [VERDICT_SAME] = "same",
                                            [VERDICT_WITHIN] = "within-tolerance",
                                            [VERDICT_OTHER] = "another" };

static void tell(void *self, const struct rerun_result *r)
{
    char first[DIGEST_HEX + 1], second[DIGEST_HEX + 1] = "";
    const struct telling *t = self;
    const char *name = r->w->step->name;

    digest_hex(&r->w->record_id, first);
    if (r->second)
        digest_hex(r->second, second);
    if (t->steps) {
        json_array_append_new(
            t->steps, json_pack("{s:s, s:s, s:s, s:s*, s:s}", "step", name, "verdict",
                                verdict_word[r->verdict], "record", first, "second",
                                r->second ? second : NULL, "story", r->story));
        return;
    }
    if (r->verdict == VERDICT_SAME) {
        printf("%s: the same bytes\n", name);
        return;
    }
    printf("%s: %s\n%s", name,
           r->verdict == VERDICT_WITHIN ? "within tolerance" : "ANOTHER RESULT",
           r->story);
    printf("  both are kept: record sha256:%.12s…, which is in use, and sha256:%.12s…\n",
           first, second);
}

static void print_json(const struct telling *t, const struct rerun_totals *sum)
{
    json_t *all = json_pack("{s:I, s:I, s:I, s:I, s:I, s:O}", "compared",
                            (json_int_t)sum->n, "same", (json_int_t)sum->same, "within",
                            (json_int_t)sum->within, "another", (json_int_t)sum->other,
                            "failed", (json_int_t)sum->failed, "steps", t->steps);

    json_dumpf(all, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(all);
}

static void say_total(const struct session *s, const struct rerun_totals *sum)
{
    struct buf line = { 0 };

    buf_printf(&line,
               "%zu result%s compared: %zu the same, %zu within tolerance, %zu other",
               sum->n, sum->n == 1 ? "" : "s", sum->same, sum->within, sum->other);
    if (sum->failed)
        buf_printf(&line, "; %zu did not run again", sum->failed);
    say_line(&s->say, SAY_NORMAL, sum->other ? TONE_BAD : TONE_PLAIN, "%s", line.s);
    buf_release(&line);
}

/* "5%", more than nothing and not more than all. */
static int read_share(const char *word, double *share, struct error *err)
{
    char *end;
    double percent = strtod(word, &end);

    if (*word < '0' || *word > '9' || strcmp(end, "%") != 0 || !(percent > 0) ||
        percent > 100 || word[strspn(word, "0123456789.%")])
        return error_set(err, E_USAGE, "--rerun takes a share, as --rerun=5%%, not '%s'",
                         word);
    *share = percent / 100;
    return 0;
}

static int check_variable(const char *text, struct error *err)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
                                  "0123456789";
    size_t n = strcspn(text, "=");

    if (!text[n] || n == 0 || strspn(text, letters) != n ||
        (*text >= '0' && *text <= '9'))
        return error_set(err, E_USAGE, "--env takes NAME=VALUE, not '%s'", text);
    if (!strncmp(text, "LARDER_", 7) || !strncmp(text, "PATH=", 5) ||
        !strncmp(text, "HOME=", 5) || !strncmp(text, "TMPDIR=", 7))
        return error_set(err, E_USAGE, "--env: the variable %.*s is set by Larder",
                         (int)n, text);
    return 0;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, each name once. */
static int read_env(const struct cli *cli, const char ***env, struct error *err)
{
    int rc = 0;

    *env = xcalloc(cli->n_env + 1, sizeof **env);
    for (size_t i = 0; i < cli->n_env && rc == 0; i++)
        rc = check_variable((*env)[i] = cli->env[i], err);
    if (cli->n_env)
        qsort(*env, cli->n_env, sizeof **env, compare_texts);
    for (size_t i = 1; i < cli->n_env && rc == 0; i++) {
        size_t n = strcspn((*env)[i], "=") + 1;

        if (!strncmp((*env)[i], (*env)[i - 1], n))
            rc = error_set(err, E_USAGE, "--env: %s is given twice; leave one out",
                           (*env)[i]);
    }
    return rc;
}

/* Begins, looks up without asking anybody, and lets remotes be asked for objects. */
static int look(struct session *s, const struct cli *cli, struct error *err)
{
    int rc = session_begin(s, cli, cli->arg, cli->n_args, err);

    if (rc == 0)
        session_borrow_proof(s);
    if (rc == 0)
        rc = lookup_all(s, false, err);
    if (rc == 0)
        rc = sharing_trust(s, err);
    return rc == 0 ? sharing_open(s, err) : rc;
}

static int rerun(struct session *s, struct rerun_order *order, double share,
                 struct rerun_totals *sum, struct error *err)
{
    struct key_id id;
    bool *chosen;
    size_t n;
    int rc;

    id = key_id_of(signer_key(order->signer));
    rc = rerun_choose(s, share, &id, &chosen, &n, err);
    if (rc == 0 && n == 0)
        rc = error_set(err, E_STAGE,
                       "there is no result to be made again: `larder run` makes them");
    order->chosen = chosen;
    return rc == 0 ? rerun_steps(s, order, sum, err) : rc;
}

int command_rerun(const struct cli *cli, struct error *err)
{
    struct cli all = *cli;
    struct rerun_totals sum = { 0 };
    struct session s = { 0 };
    struct telling telling = { .s = &s };
    struct signer *signer = NULL;
    const char **env = NULL;
    double share = 1;
    int rc;

    all.keep_going = true; /* one that fails says nothing of the others */
    rc = read_share(cli->rerun, &share, err);
    if (rc == 0)
        rc = read_env(cli, &env, err);
    if (rc == 0)
        rc = look(&s, &all, err);
    if (rc == 0)
        rc = sharing_signer(&s, &signer, err);
    if (rc == 0 && cli->json)
        telling.steps = json_array();
    if (rc == 0)
        rc = rerun(&s,
                   &(struct rerun_order){ .signer = signer,
                                          .env = env,
                                          .n_env = cli->n_env,
                                          .told = tell,
                                          .self = &telling },
                   share, &sum, err);
    if (rc == 0 && cli->json)
        print_json(&telling, &sum);
    if (rc == 0)
        say_total(&s, &sum);
    json_decref(telling.steps);
    free(env);
    signer_free(signer);
    session_close(&s);
    if (rc != 0)
        return rc;
    if (sum.signal)
        return 128 + sum.signal;
    return sum.other ? EXIT_MISMATCH : sum.failed ? error_exit_status(E_STAGE) : 0;
}

/* ---- attest -------------------------------------------------------------------------
 */

struct attesting {
    struct session *s;
    const struct signer *signer;
    size_t n, n_before;
};

static bool is_ours(const struct attestation *a, const struct signer *signer)
{
    return public_key_equal(&a->signer, signer_key(signer));
}

/* What we have said of the record already: ATTEST_VOUCHED + 1 for nothing. */
static int said_before(const struct attesting *t, const struct work *w, int *how,
                       struct error *err)
{
    struct attestation **a;
    size_t n;
    int rc = store_attestations(t->s->store, &w->key, &w->record->id, &a, &n, err);

    *how = ATTEST_VOUCHED + 1;
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (is_ours(a[i], t->signer))
            *how = (int)a[i]->how;
    attestations_free(a, n);
    return rc;
}

static void say_word(const struct attesting *t, const struct work *w, const char *word)
{
    say_line(&t->s->say, SAY_NORMAL, TONE_PLAIN, "%s: %s", w->step->name, word);
}

static int sign(struct attesting *t, const struct work *w, const struct record *second,
                const struct agreed *agreed, enum attest_how how, struct error *err)
{
    struct attested_output *output = xcalloc(agreed->n + 1, sizeof *output);
    struct attestation a = { .key = w->key,
                             .record = w->record->id,
                             .how = how,
                             .made = second ? second->made : (long long)time(NULL),
                             .platform = second ? second->platform : NULL,
                             .output = output,
                             .n_outputs = second ? agreed->n : 0 };
    int rc;

    for (size_t i = 0; i < a.n_outputs; i++)
        output[i] =
            (struct attested_output){ .name = agreed->output[i].name,
                                      .same = agreed->output[i].verdict == VERDICT_SAME,
                                      .ours = agreed->output[i].other,
                                      .measured = agreed->output[i].story };
    rc = store_attest(t->s->store, &a, t->signer, err);
    t->n += rc == 0;
    if (rc == 0)
        say_word(t, w, attest_word(how));
    free(output);
    return rc;
}

/* The record of ours that agrees best with the one in use, of those that are not it. */
static int compare_with_ours(struct attesting *t, const struct work *w,
                             struct record **rec, size_t n, struct record **best,
                             struct agreed *agreed, struct error *err)
{
    int rc = 0;

    *best = NULL;
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct agreed a;

        if (rec[i]->by || digest_equal(&rec[i]->id, &w->record->id))
            continue;
        rc = agree(t->s, w->step, w->record, rec[i], true, &a, err);
        if (rc == 0 && (!*best || a.verdict < agreed->verdict)) {
            agreed_release(agreed);
            *agreed = a;
            *best = rec[i];
        } else {
            agreed_release(&a);
        }
    }
    return rc;
}

static int refuse(const struct work *w, const struct agreed *agreed, bool any,
                  struct error *err)
{
    struct buf story = { 0 };

    if (!any)
        return error_set(err, E_TRUST,
                         "%s was not made again here: `larder verify --rerun '%s'` does "
                         "that, or --vouch signs without",
                         w->step->name, w->step->name);
    agreed_tell(agreed, "  ", &story);
    buf_cut(&story, story.len - 1); /* its last newline */
    error_set(err, E_CORRUPT, "%s is not signed, since ours is another:\n%s",
              w->step->name, buf_str(&story));
    buf_release(&story);
    return E_CORRUPT;
}

static int attest(struct attesting *t, struct work *w, struct error *err)
{
    struct record **rec = NULL, *best = NULL;
    struct agreed agreed = { 0 };
    bool vouch = t->s->cli->vouch;
    size_t n = 0;
    int how, rc;

    if (w->state != WORK_DONE)
        return error_set(err, E_STAGE, "%s has no result yet: `larder run '%s'` makes it",
                         w->step->name, w->step->name);
    rc = identify_key(t->s, w, err);
    if (rc == 0)
        rc = lookup_record(t->s, w, err);
    if (rc == 0)
        rc = said_before(t, w, &how, err);
    if (rc < 0)
        return rc;
    if (how <= (vouch ? ATTEST_VOUCHED : ATTEST_WITHIN)) {
        say_word(t, w, "signed already");
        t->n_before++;
        return 0;
    }
    rc = vouch ? STORE_MISS : store_find(t->s->store, &w->key, &rec, &n, err);
    if (rc >= 0)
        rc = compare_with_ours(t, w, rec, n, &best, &agreed, err);
    if (rc == 0 && !vouch && (!best || agreed.verdict == VERDICT_OTHER))
        rc = refuse(w, &agreed, best != NULL, err);
    else if (rc == 0)
        rc = sign(t, w, best, &agreed,
                  vouch                            ? ATTEST_VOUCHED
                  : agreed.verdict == VERDICT_SAME ? ATTEST_REPRODUCED
                                                   : ATTEST_WITHIN,
                  err);
    agreed_release(&agreed);
    records_free(rec, n);
    return rc;
}

int command_attest(const struct cli *cli, struct error *err)
{
    struct session s = { 0 };
    struct attesting t = { .s = &s };
    struct signer *signer = NULL;
    int rc = look(&s, cli, err);

    if (rc == 0)
        rc = sharing_signer(&s, &signer, err);
    t.signer = signer;
    for (size_t i = 0; rc == 0 && i < s.plan->n_steps; i++)
        if (s.chosen[i])
            rc = attest(&t, &s.work[i], err);
    if (rc == 0)
        say_line(&s.say, SAY_NORMAL, TONE_PLAIN,
                 "%zu result%s signed, %zu before; `larder push` gives that to others",
                 t.n, t.n == 1 ? "" : "s", t.n_before);
    signer_free(signer);
    session_close(&s);
    return rc;
}
