#include "slots.h"

#include "larder/banned.h"

static uint64_t bit(size_t i)
{
    return (uint64_t)1 << i;
}

void slots_init(struct slots *s, int jobs, int gpus)
{
    machine_look(&s->machine, gpus);
    s->cpu = s->free_cpu = jobs ? jobs : s->machine.cpu;
    s->free_memory = s->machine.memory;
    s->free_gpus = 0;
    for (size_t i = 0; i < s->machine.n_gpus; i++)
        s->free_gpus |= bit(i);
}

void slots_release(struct slots *s)
{
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

bool slots_take(struct slots *s, const struct resources *wanted, struct share *share)
{
    size_t n_gpus = wanted->gpu > 0 ? (size_t)wanted->gpu : 0;

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
}

void slots_gpu_ids(const struct slots *s, const struct share *share, struct buf *ids)
{
    for (size_t i = 0; i < s->machine.n_gpus; i++)
        if (share->gpus & bit(i))
            buf_printf(ids, "%s%s", ids->len ? "," : "", s->machine.gpu[i]);
}
