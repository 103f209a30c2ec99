#include "slots.h"

#include "larder/banned.h"
#include "larder/boot.h"
#include "larder/digest.h"

enum { WHOLE = 1000 }; /* of a GPU */

static uint64_t bit(size_t i)
{
    return (uint64_t)1 << i;
}

static int cpu_slots(const struct slots *s, int jobs)
{
    if (s->make.state == JOBSERVER_AWAY)
        return 1;
    if (jobs)
        return jobs;
    return s->make.jobs > 0 ? s->make.jobs : s->machine.cpu;
}

void slots_init(struct slots *s, int jobs, int gpus, const char *make,
                struct store *store)
{
    *s = (struct slots){ .store = store };
    machine_look(&s->machine, gpus);
    jobserver_open(&s->make, make);
    s->cpu = s->free_cpu = cpu_slots(s, jobs);
    s->free_memory = s->machine.memory;
}

void slots_release(struct slots *s)
{
    jobserver_close(&s->make);
    machine_release(&s->machine);
}

/* False when another larder has GPU i. */
static bool lease_gpu(struct slots *s, size_t i)
{
    struct buf text = { 0 };
    struct digest key;
    int rc;

    if (!s->store)
        return true;
    buf_printf(&text, "larder-gpu\n%s\n%s\n", boot_id(), s->machine.gpu[i]);
    digest_bytes(&key, buf_str(&text), text.len);
    rc = lease_try(&s->lease[i], s->store, &key, NULL);
    buf_release(&text);
    return rc != LEASE_BUSY; /* a store without locks need not do without GPUs */
}

/* Whether part of a GPU is free: beside others in it, or of one that nobody is in. */
static bool fits(const struct slots *s, size_t i, int part, bool beside)
{
    return beside ? s->gpu_used[i] > 0 && s->gpu_used[i] + part <= WHOLE
                  : s->gpu_used[i] == 0;
}

static bool take_gpu(struct slots *s, size_t i, int part)
{
    if (s->gpu_used[i] == 0 && !lease_gpu(s, i))
        return false;
    s->gpu_used[i] += part;
    return true;
}

static void give_gpus(struct slots *s, const struct share *share)
{
    for (size_t i = 0; i < s->machine.n_gpus; i++) {
        if (!(share->gpus & bit(i)))
            continue;
        s->gpu_used[i] -= share->gpu_part;
        if (s->gpu_used[i] == 0) {
            lease_release(s->lease[i]);
            s->lease[i] = NULL;
        }
    }
}

/* The first n that are free, those that others are in before the rest; false, with none
 * taken, where fewer are. */
static bool take_gpus(struct slots *s, size_t n, struct share *share)
{
    size_t n_fit = 0, wanted = n;

    for (int beside = 1; beside >= 0; beside--)
        for (size_t i = 0; i < s->machine.n_gpus; i++) {
            if (!fits(s, i, share->gpu_part, beside))
                continue;
            n_fit++;
            if (n > 0 && take_gpu(s, i, share->gpu_part)) {
                share->gpus |= bit(i);
                n--;
            }
        }
    s->contended = n_fit >= wanted && n > 0;
    if (n > 0)
        give_gpus(s, share);
    return n == 0;
}

/* How many of n slots make lets us have now. */
static int take_tokens(struct slots *s, int n)
{
    int got = s->free_cpu == s->cpu; /* the first is ours */

    if (s->make.state != JOBSERVER_OPEN)
        return n;
    while (got < n && jobserver_take(&s->make))
        got++;
    return got;
}

bool slots_take(struct slots *s, const struct resources *wanted, struct share *share)
{
    size_t n_gpus = wanted->gpu > 0 ? (size_t)wanted->gpu : 0;

    s->starved = s->contended = false;
    *share = (struct share){ .cpu = wanted->cpu > 0 ? wanted->cpu : 1,
                             .memory = wanted->memory,
                             .gpu_part = wanted->gpu_part ? wanted->gpu_part : WHOLE };
    if (share->cpu > s->cpu)
        share->cpu = s->cpu;
    if (share->memory > s->machine.memory)
        share->memory = s->machine.memory;
    if (n_gpus > s->machine.n_gpus)
        n_gpus = s->machine.n_gpus;
    if (share->cpu > s->free_cpu || share->memory > s->free_memory ||
        !take_gpus(s, n_gpus, share))
        return false;
    share->cpu = take_tokens(s, share->cpu);
    s->starved = share->cpu == 0;
    if (s->starved) {
        give_gpus(s, share);
        return false;
    }
    s->free_cpu -= share->cpu;
    s->free_memory -= share->memory;
    return true;
}

void slots_give(struct slots *s, const struct share *share)
{
    s->free_cpu += share->cpu;
    s->free_memory += share->memory;
    give_gpus(s, share);
    if (s->make.state == JOBSERVER_OPEN)
        jobserver_keep(&s->make,
                       s->cpu > s->free_cpu ? (size_t)(s->cpu - s->free_cpu) - 1 : 0);
}

void slots_gpu_ids(const struct slots *s, const struct share *share, struct buf *ids)
{
    for (size_t i = 0; i < s->machine.n_gpus; i++)
        if (share->gpus & bit(i))
            buf_printf(ids, "%s%s", ids->len ? "," : "", s->machine.gpu[i]);
}
