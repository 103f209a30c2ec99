#include "slots.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "larder/banned.h"
#include "larder/buf.h"
#include "larder/fs.h"

static const char groups[] = "/sys/fs/cgroup";

static int allowed_cpus(void)
{
    cpu_set_t set;
    long n;

    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return CPU_COUNT(&set);
    n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (int)n : 1;
}

/* Appends our control group's folder (version 2); false where there is none. */
static bool own_group(struct buf *path)
{
    struct buf text = { 0 };
    const char *line = NULL;

    if (fs_read("/proc/self/cgroup", &text, NULL) == 0)
        line = strstr(buf_str(&text), "0::/");
    if (line)
        buf_printf(path, "%s%.*s", groups, (int)strcspn(line + 3, "\n"), line + 3);
    buf_release(&text);
    return line != NULL;
}

/* Processors of one "cpu.max": "QUOTA PERIOD" or "max PERIOD", rounded up. */
static int quota_cpus(const char *text)
{
    char *end;
    long long quota = strtoll(text, &end, 10), period = strtoll(end, NULL, 10);

    if (end == text || quota <= 0 || period <= 0)
        return 0;
    return (int)((quota + period - 1) / period);
}

/* Cuts the slots to the limits of our control group and of every one around it. */
static void apply_groups(struct slots *s, bool cut_cpu)
{
    struct buf path = { 0 }, text = { 0 };

    if (!own_group(&path))
        goto out;
    while (path.len >= sizeof groups - 1) {
        size_t folder = path.len;
        long long limit;
        int n;

        buf_reset(&text);
        buf_adds(&path, "/cpu.max");
        n = fs_read(buf_str(&path), &text, NULL) == 0 ? quota_cpus(buf_str(&text)) : 0;
        if (cut_cpu && n > 0 && n < s->cpu)
            s->cpu = n;
        buf_cut(&path, folder);
        buf_reset(&text);
        buf_adds(&path, "/memory.max");
        limit = fs_read(buf_str(&path), &text, NULL) == 0
                    ? strtoll(buf_str(&text), NULL, 10) /* "max" gives 0 */
                    : 0;
        if (limit > 0 && limit < s->memory)
            s->memory = limit;
        buf_cut(&path, folder);
        buf_cut(&path, (size_t)(strrchr(path.s, '/') - path.s));
    }
out:
    buf_release(&path);
    buf_release(&text);
}

void slots_init(struct slots *s, int jobs)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

    s->cpu = jobs ? jobs : allowed_cpus();
    s->memory = pages > 0 && size > 0 ? (long long)pages * size : 1LL << 62;
    apply_groups(s, jobs == 0);
    s->free_cpu = s->cpu;
    s->free_memory = s->memory;
}

struct share slots_share(const struct slots *s, const struct resources *wanted)
{
    struct share share = { .cpu = wanted->cpu > 0 ? wanted->cpu : 1,
                           .memory = wanted->memory };

    if (share.cpu > s->cpu)
        share.cpu = s->cpu;
    if (share.memory > s->memory)
        share.memory = s->memory;
    return share;
}

bool slots_take(struct slots *s, struct share share)
{
    if (share.cpu > s->free_cpu || share.memory > s->free_memory)
        return false;
    s->free_cpu -= share.cpu;
    s->free_memory -= share.memory;
    return true;
}

void slots_give(struct slots *s, struct share share)
{
    s->free_cpu += share.cpu;
    s->free_memory += share.memory;
}
