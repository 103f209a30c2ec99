/*
 * faults - each call of the system that a scenario makes fails in turn, in each way it
 * can; and what must hold then.
 *
 *   faults --sample SECONDS [SEED]
 *       the cases that once went wrong, then some at random for so long
 *   faults --all
 *       those cases, and all there are
 *   faults --known
 *       those cases
 *   faults SCENARIO [NUMBER [FAULT]]
 *       one scenario, one of its calls, one failure: `eio`, or `eio+`, which stays
 *   faults --list [SCENARIO]
 *       the scenarios, or the calls that one makes
 *
 * After one failure: an error has a story and a code of ours; no descriptor is left open;
 * a store is in order, and what its records name is whole; whoever was told that it
 * succeeded finds what it would have found; the same done again succeeds, and in the end
 * all is as if nothing had failed. What is only interrupted, or done by halves, does not
 * fail at all. A fault may also stay: a disk that is full or broken from there on.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "known.h"
#include "larder/fs.h"
#include "trial.h"

#include "larder/banned.h"

static const struct {
    const struct scenario *first;
    const size_t *n;
} set[] = { { store_scenario, &n_store_scenarios },
            { work_scenario, &n_work_scenarios },
            { share_scenario, &n_share_scenarios },
            { carry_scenario, &n_carry_scenarios } };
enum { N_SETS = sizeof set / sizeof *set };

static const struct scenario *scenario_at(size_t i)
{
    size_t k = 0;

    for (; i >= *set[k].n; k++)
        i -= *set[k].n;
    return &set[k].first[i];
}

static size_t n_scenarios(void)
{
    size_t n = 0;

    for (size_t k = 0; k < N_SETS; k++)
        n += *set[k].n;
    return n;
}

static const struct scenario *scenario_called(const char *name)
{
    for (size_t i = 0; i < n_scenarios(); i++)
        if (!strcmp(scenario_at(i)->name, name))
            return scenario_at(i);
    fprintf(stderr, "no scenario is called %s\n", name);
    exit(2);
}

/* What is gentle cannot stay: it would go on for ever. */
static void try_number(const struct scenario *of, const struct reference *ref,
                       size_t number)
{
    for (enum fault f = 0; f < N_FAULTS; f++)
        for (int stays = 0; stays < 2; stays++)
            if ((ref->calls.call[number - 1].faults & 1u << f) &&
                !(stays && fault_is_gentle(f)))
                try(&(struct trial){ of, ref, { number, f, stays } });
}

static void try_all(const struct scenario *of)
{
    struct reference ref;

    refer(&ref, of);
    for (size_t i = 1; i <= ref.calls.n; i++)
        try_number(of, &ref, i);
    reference_release(&ref);
}

static unsigned long draw(unsigned long below)
{
    static unsigned long long state;

    if (!state)
        state = trial_seed * 2 + 1;
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
        try(&(struct trial){
            of, ref, { number, fault, !fault_is_gentle(fault) && draw(3) == 0 } });
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
        try(&(struct trial){ of, &ref, { number, k->fault, k->stays } });
    } else {
        trial_counts.wrong++;
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

static void all(void)
{
    for (size_t i = 0; i < n_scenarios(); i++)
        try_all(scenario_at(i));
}

/* FAULT may end with a plus: it stays. */
static void one(int argc, char **argv)
{
    const struct scenario *of = scenario_called(argv[1]);
    struct reference ref;
    size_t number;

    if (argc == 2) {
        try_all(of);
        return;
    }
    refer(&ref, of);
    number = strtoul(argv[2], NULL, 10);
    if (number < 1 || number > ref.calls.n)
        printf("%s has %zu calls\n", of->name, ref.calls.n);
    else if (argc == 3)
        try_number(of, &ref, number);
    else
        for (enum fault f = 0; f < N_FAULTS; f++) {
            size_t n = strlen(fault_name[f]);

            if (!strncmp(argv[3], fault_name[f], n))
                try(&(struct trial){ of, &ref, { number, f, argv[3][n] == '+' } });
        }
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
               ref.calls.call[k].path + strlen(trial_dir));
    reference_release(&ref);
}

static void crashed(int sig)
{
    char line[200];
    int n = snprintf(line, sizeof line, "%s %zu %s: signal %d (seed %lu)\n",
                     trial_now.of ? trial_now.of->name : "", trial_now.f.at,
                     fault_name[trial_now.f.fault], sig, trial_seed);

    if (n > 0 && write(STDOUT_FILENO, line, (size_t)n) < 0)
        _exit(3);
    signal(sig, SIG_DFL);
    raise(sig);
}

static void clean(void)
{
    trial_dir[strlen(trial_dir) - strlen("/scene")] = '\0';
    fs_remove_tree(trial_dir, NULL);
}

int main(int argc, char **argv)
{
    double began = now();

    if (argc < 2)
        return 2;
    signal(SIGSEGV, crashed);
    signal(SIGABRT, crashed);
    snprintf(trial_dir, sizeof trial_dir, "%s/larder-io-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(trial_dir))
        return 1;
    memcpy(trial_dir + strlen(trial_dir), "/scene", 7);
    atexit(clean);
    if (!strcmp(argv[1], "--list")) {
        if (argc > 2)
            list_calls(argv[2]);
        else
            list();
    } else if (!strcmp(argv[1], "--known")) {
        try_all_known();
    } else if (!strcmp(argv[1], "--all")) {
        try_all_known();
        all();
    } else if (argc > 2 && !strcmp(argv[1], "--sample")) {
        trial_seed = argc > 3 ? strtoul(argv[3], NULL, 10) : (unsigned long)time(NULL);
        try_all_known();
        sample(strtod(argv[2], NULL));
    } else {
        one(argc, argv);
    }
    printf("%ld faults in %.1f s, %ld of them met; %ld things are wrong\n",
           trial_counts.tried, now() - began, trial_counts.met, trial_counts.wrong);
    return trial_counts.wrong > 0;
}
