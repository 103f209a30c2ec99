/*
 * faults - each call of the system that a scenario makes fails in turn, in each way it
 * can; and what must hold then.
 *
 *   faults --sample SECONDS [SEED]
 *       the cases that once went wrong, then some at random for so long
 *   faults --long N [SEED]
 *       those cases, all of some scenarios, and N calls of each other one
 *   faults --known
 *       those cases
 *   faults SCENARIO [NUMBER [FAULT]]
 *       one scenario, one of its calls, one failure
 *   faults --list [SCENARIO]
 *       the scenarios, or the calls that one makes
 *
 * After one failure: an error has a story and a code of ours; no descriptor is left open;
 * a store is in order, and what its records name is whole; whoever was told that it
 * succeeded finds what it would have found; the same done again succeeds, and in the end
 * all is as if nothing had failed. What is only interrupted, or done by halves, does not
 * fail at all.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "known.h"
#include "larder/fs.h"
#include "scene.h"
#include "table.h"

#include "larder/banned.h"

/* What a scenario does when nothing fails. */
struct reference {
    struct calls calls;
    int rc, again;
    struct digest before, after, end;
    char *wrong; /* what was wrong before: a scenario may begin with damage; or NULL */
};

struct trial {
    const struct scenario *of;
    const struct reference *ref;
    size_t number; /* of the call, from 1 */
    enum fault fault;
};

static char dir[64];
static unsigned long seed;
static long n_tried, n_met, n_wrong;
static struct trial current;

static const struct scenario *scenario_at(size_t i)
{
    if (i < n_store_scenarios)
        return &store_scenario[i];
    i -= n_store_scenarios;
    if (i < n_work_scenarios)
        return &work_scenario[i];
    i -= n_work_scenarios;
    return i < n_share_scenarios ? &share_scenario[i] : NULL;
}

static size_t n_scenarios(void)
{
    return n_store_scenarios + n_work_scenarios + n_share_scenarios;
}

static const struct scenario *scenario_called(const char *name)
{
    for (size_t i = 0; i < n_scenarios(); i++)
        if (!strcmp(scenario_at(i)->name, name))
            return scenario_at(i);
    fprintf(stderr, "no scenario is called %s\n", name);
    exit(2);
}

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

static void reference_release(struct reference *ref)
{
    calls_release(&ref->calls);
    free(ref->wrong);
}

static void wrong(const struct trial *t, const char *what, const char *story)
{
    n_wrong++;
    printf("%s %zu %s: %s: %s (%s of %s", t->of->name, t->number, fault_name[t->fault],
           what, story, table_call() ? table_call() : "", table_path());
    if (seed)
        printf("; seed %lu", seed);
    printf(")\n");
    fflush(stdout);
}

static void stage(struct scene *s, const struct scenario *of)
{
    scene_open(s, dir);
    if (of->prepare)
        of->prepare(s);
}

/* ---- without a fault --------------------------------------------------------------- */

/* Twice: the second time is what comes after a failure. */
static void refer(struct reference *ref, const struct scenario *of)
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
    table_begin(of->fs, &ref->calls, 0, 0);
    ref->rc = act(&s, of, &err);
    table_end();
    insist(ref->rc, &err, of->name);
    scene_digest(&s, of, &ref->after);
    table_begin(of->fs, NULL, 0, 0);
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
static bool is_gentle(const struct trial *t)
{
    return t->fault == FAULT_EINTR || t->fault == FAULT_SHORT;
}

static bool may_differ(const struct trial *t)
{
    return (t->of->rules & LENIENT_MISS) && !is_gentle(t);
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
    if (rc < 0 && is_gentle(t))
        wrong(t, "fails", err->text);
    if (rc < 0 && rc != E_SYSTEM && rc != E_REMOTE)
        wrong(t, "blames somebody else", err->text);
    snprintf(text, sizeof text, "%d, not %d", rc, t->ref->rc);
    if (rc >= 0 && rc != t->ref->rc && !may_differ(t))
        wrong(t, "another outcome", text);
    scene_digest(s, t->of, &now);
    if (rc == t->ref->rc && !digest_equal(&now, &t->ref->after) &&
        !(t->of->rules & LENIENT_STATE) && strcmp(table_call(), "unlinkat") != 0)
        wrong(t, "succeeds", "and leaves something else");
    if ((t->of->rules & UNCHANGED) && !digest_equal(&now, &t->ref->before) &&
        !digest_equal(&now, &t->ref->after))
        wrong(t, "changes something", err->text);
}

static void judge_end(const struct trial *t, struct scene *s)
{
    struct error err = { 0 };
    struct digest now;
    const char *said;
    int rc;

    table_begin(t->of->fs, NULL, 0, 0);
    rc = act(s, t->of, &err);
    table_end();
    if (rc < 0)
        wrong(t, "the next time fails", err.text);
    else if (rc != t->ref->rc && rc != t->ref->again)
        wrong(t, "the next time", "another outcome");
    scene_digest(s, t->of, &now);
    if (!digest_equal(&now, &t->ref->end) && !digest_equal(&now, &t->ref->after) &&
        strcmp(table_call(), "unlinkat") != 0)
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

static void try(const struct trial *t)
{
    struct error err = { 0 };
    struct scene s;
    const char *said;
    int rc, open, left;

    current = *t;
    stage(&s, t->of);
    open = count_descriptors();
    table_begin(t->of->fs, NULL, t->number, t->fault);
    rc = act(&s, t->of, &err);
    table_end();
    left = count_descriptors() - open;
    n_tried++;
    if (table_fired()) {
        n_met++;
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

static void try_number(const struct scenario *of, const struct reference *ref,
                       size_t number)
{
    for (int f = 0; f < N_FAULTS; f++)
        if (ref->calls.call[number - 1].faults & 1u << f)
            try(&(struct trial){ of, ref, number, f });
}

static void try_all(const struct scenario *of, const struct reference *ref)
{
    for (size_t i = 1; i <= ref->calls.n; i++)
        try_number(of, ref, i);
}

static unsigned long draw(unsigned long below)
{
    static unsigned long long state;

    if (!state)
        state = seed * 2 + 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned long)(state >> 33) % below;
}

static void try_one(const struct scenario *of, const struct reference *ref)
{
    for (;;) {
        size_t number = 1 + draw(ref->calls.n);
        enum fault fault = (enum fault)draw(N_FAULTS);

        if (!(ref->calls.call[number - 1].faults & 1u << fault))
            continue;
        try(&(struct trial){ of, ref, number, fault });
        return;
    }
}

/* ---- the cases that once went wrong ------------------------------------------------ */

/* The nth call of that name on a path with that in it. */
static void try_known(const struct known *k)
{
    struct reference ref;
    const struct scenario *of = scenario_called(k->scenario);
    size_t number = 0;
    int left = k->nth;

    refer(&ref, of);
    for (size_t i = 0; i < ref.calls.n && !number; i++)
        if (!strcmp(ref.calls.call[i].name, k->call) &&
            strstr(ref.calls.call[i].path, k->path) && --left == 0)
            number = i + 1;
    if (number && ref.calls.call[number - 1].faults & 1u << k->fault) {
        try(&(struct trial){ of, &ref, number, k->fault });
    } else {
        n_wrong++;
        printf("%s has no such call as %s of %s any more\n", k->scenario, k->call,
               k->path);
    }
    reference_release(&ref);
}

static void try_all_known(void)
{
    for (size_t i = 0; i < n_known; i++)
        try_known(&known[i]);
}

/* ---- many -------------------------------------------------------------------------- */

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void sample(double seconds)
{
    struct reference *ref = calloc(n_scenarios(), sizeof *ref);
    double end = now() + seconds;

    for (size_t i = 0; i < n_scenarios(); i++)
        refer(&ref[i], scenario_at(i));
    while (now() < end) {
        size_t i = draw(n_scenarios());

        try_one(scenario_at(i), &ref[i]);
    }
    for (size_t i = 0; i < n_scenarios(); i++)
        reference_release(&ref[i]);
    free(ref);
}

static void thorough(long n)
{
    for (size_t i = 0; i < n_scenarios(); i++) {
        const struct scenario *of = scenario_at(i);
        struct reference ref;

        refer(&ref, of);
        if (of->rules & EXHAUSTIVE)
            try_all(of, &ref);
        for (long k = 0; k < n && !(of->rules & EXHAUSTIVE); k++)
            try_number(of, &ref, 1 + draw(ref.calls.n));
        reference_release(&ref);
    }
}

static void one(int argc, char **argv)
{
    const struct scenario *of = scenario_called(argv[1]);
    struct reference ref;

    refer(&ref, of);
    if (argc == 2)
        try_all(of, &ref);
    else if (argc == 3)
        try_number(of, &ref, strtoul(argv[2], NULL, 10));
    for (int f = 0; argc > 3 && f < N_FAULTS; f++)
        if (!strcmp(argv[3], fault_name[f]))
            try(&(struct trial){ of, &ref, strtoul(argv[2], NULL, 10), (enum fault)f });
    reference_release(&ref);
}

static void list(void)
{
    for (size_t i = 0; i < n_scenarios(); i++) {
        struct reference ref;
        size_t faults = 0;

        refer(&ref, scenario_at(i));
        for (size_t k = 0; k < ref.calls.n; k++)
            faults += (size_t)__builtin_popcount(ref.calls.call[k].faults);
        printf("%-20s %4zu calls %5zu faults\n", scenario_at(i)->name, ref.calls.n,
               faults);
        reference_release(&ref);
    }
}

static void list_calls(const char *name)
{
    struct reference ref;

    refer(&ref, scenario_called(name));
    for (size_t k = 0; k < ref.calls.n; k++)
        printf("%4zu %-10s %s\n", k + 1, ref.calls.call[k].name,
               ref.calls.call[k].path + strlen(dir));
    reference_release(&ref);
}

static void crashed(int sig)
{
    char line[200];
    int n = snprintf(line, sizeof line, "%s %zu %s: signal %d (seed %lu)\n",
                     current.of ? current.of->name : "", current.number,
                     fault_name[current.fault], sig, seed);

    if (n > 0 && write(STDOUT_FILENO, line, (size_t)n) < 0)
        _exit(3);
    signal(sig, SIG_DFL);
    raise(sig);
}

int main(int argc, char **argv)
{
    double began = now();
    struct error err = { 0 };

    if (argc < 2)
        return 2;
    signal(SIGSEGV, crashed);
    signal(SIGABRT, crashed);
    snprintf(dir, sizeof dir, "%s/larder-io-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(dir))
        return 1;
    memcpy(dir + strlen(dir), "/scene", 7);
    if (!strcmp(argv[1], "--list")) {
        if (argc > 2)
            list_calls(argv[2]);
        else
            list();
    } else if (!strcmp(argv[1], "--known")) {
        try_all_known();
    } else if (argc > 2 && (!strcmp(argv[1], "--sample") || !strcmp(argv[1], "--long"))) {
        seed = argc > 3 ? strtoul(argv[3], NULL, 10) : (unsigned long)time(NULL);
        try_all_known();
        if (argv[1][2] == 's')
            sample(strtod(argv[2], NULL));
        else
            thorough(strtol(argv[2], NULL, 10));
    } else {
        one(argc, argv);
    }
    printf("%ld faults in %.1f s, %ld of them met; %ld things are wrong\n", n_tried,
           now() - began, n_met, n_wrong);
    dir[strlen(dir) - strlen("/scene")] = '\0';
    fs_remove_tree(dir, &err);
    return n_wrong > 0;
}
