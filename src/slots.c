#include "slots.h"

#include "larder/banned.h"

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

void slots_init(struct slots *s, int jobs, int gpus, const char *make)
{
    *s = (struct slots){ 0 };
    machine_look(&s->machine, gpus);
    jobserver_open(&s->make, make);
    s->cpu = s->free_cpu = cpu_slots(s, jobs);
    s->free_memory = s->machine.memory;
    for (size_t i = 0; i < s->machine.n_gpus; i++)
        s->free_gpus |= bit(i);
}

void slots_release(struct slots *s)
{
    jobserver_close(&s->make);
    machine_release(&s->machine);
}

/* The first n free GPUs; false where fewer are free. */
static bool choose_gpus(const struct slots *s, size_t n, uint64_t *gpus)
{
    *gpus = 0;
    for (size_t i = 0; i < s->machine.n_gpus && n > 0; i++)
        if (s->free_gpus & bit(i)) {
            *gpus |= bit(i);
            n--;
        }
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

    s->starved = false;
    *share = (struct share){ .cpu = wanted->cpu > 0 ? wanted->cpu : 1,
                             .memory = wanted->memory };
    if (share->cpu > s->cpu)
        share->cpu = s->cpu;
    if (share->memory > s->machine.memory)
        share->memory = s->machine.memory;
    if (n_gpus > s->machine.n_gpus)
        n_gpus = s->machine.n_gpus;
    if (share->cpu > s->free_cpu || share->memory > s->free_memory ||
        !choose_gpus(s, n_gpus, &share->gpus))
        return false;
    share->cpu = take_tokens(s, share->cpu);
    s->starved = share->cpu == 0;
    if (s->starved)
        return false;
    s->free_cpu -= share->cpu;
    s->free_memory -= share->memory;
    s->free_gpus &= ~share->gpus;
    return true;
}

void slots_give(struct slots *s, const struct share *share)
{
    s->free_cpu += share->cpu;
    s->free_memory += share->memory;
    s->free_gpus |= share->gpus;
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
