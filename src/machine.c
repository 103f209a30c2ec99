#include "machine.h"

#include <ctype.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "larder/banned.h"
#include "larder/buf.h"
#include "larder/fs.h"
#include "larder/mem.h"

static int allowed_cpus(void)
{
    cpu_set_t set;
    long n;

    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return CPU_COUNT(&set);
    n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (int)n : 1;
}

static void add_gpu(struct machine *m, char *id)
{
    m->gpu[m->n_gpus++] = id;
}

static bool has_gpu(const struct machine *m, const char *id, size_t n)
{
    for (size_t i = 0; i < m->n_gpus; i++)
        if (strlen(m->gpu[i]) == n && !strncmp(m->gpu[i], id, n))
            return true;
    return false;
}

static void add_numbers(struct machine *m, size_t n)
{
    for (size_t i = 0; i < n && i < MACHINE_GPUS; i++) {
        struct buf id = { 0 };

        buf_printf(&id, "%zu", i);
        add_gpu(m, buf_take(&id));
    }
}

/* As the driver reads it: what follows an id that is none, such as -1, does not count. */
static void add_visible(struct machine *m, const char *list)
{
    while (m->n_gpus < MACHINE_GPUS) {
        size_t n;

        list += strspn(list, " ");
        n = strcspn(list, ", ");
        if (n == 0 || (!isdigit((unsigned char)*list) && strncmp(list, "GPU-", 4) != 0 &&
                       strncmp(list, "MIG-", 4) != 0))
            return;
        if (!has_gpu(m, list, n)) /* one that stands there twice is there once */
            add_gpu(m, xstrndup(list, n));
        list += n + strspn(list + n, " ");
        if (*list++ != ',')
            return;
    }
}

static bool is_device(const char *name)
{
    return !strncmp(name, "nvidia", 6) && isdigit((unsigned char)name[6]);
}

static bool is_card(const char *name)
{
    return name[0] != '.';
}

static size_t count_names(const char *folder, bool (*counts)(const char *name))
{
    char **name = NULL;
    size_t n = 0, n_names = 0;

    if (fs_list(folder, &name, &n_names, NULL) == 0)
        for (size_t i = 0; i < n_names; i++)
            n += counts(name[i]);
    free(name);
    return n;
}

static void find_gpus(struct machine *m, int told)
{
    const char *visible = getenv("CUDA_VISIBLE_DEVICES");
    size_t n;

    m->gpu = xcalloc(MACHINE_GPUS, sizeof *m->gpu);
    if (visible) {
        add_visible(m, visible);
    } else if (told >= 0) {
        add_numbers(m, (size_t)told);
    } else {
        n = count_names("/proc/driver/nvidia/gpus", is_card);
        add_numbers(m, n ? n : count_names("/dev", is_device));
    }
}

void machine_look(struct machine *m, int gpus)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    int cpus;
    long long memory;

    *m = (struct machine){ 0 };
    cgroup_own(&m->group);
    cpus = cgroup_cpus(&m->group);
    memory = cgroup_memory(&m->group);
    m->cpu = allowed_cpus();
    m->memory = pages > 0 && size > 0 ? (long long)pages * size : 1LL << 62;
    if (cpus > 0 && cpus < m->cpu)
        m->cpu = cpus;
    if (memory > 0 && memory < m->memory)
        m->memory = memory;
    m->oom_kills = cgroup_oom_kills(&m->group);
    find_gpus(m, gpus);
}

bool machine_ran_out(struct machine *m)
{
    long long before = m->oom_kills;

    m->oom_kills = cgroup_oom_kills(&m->group);
    return m->oom_kills > before;
}

void machine_release(struct machine *m)
{
    for (size_t i = 0; i < m->n_gpus; i++)
        free(m->gpu[i]);
    free(m->gpu);
    cgroup_release(&m->group);
    *m = (struct machine){ 0 };
}
