/*
 * cgroup - what our control group allows, version 2 or 1.
 *
 * A limit holds for a group and all within it, so the groups around ours are asked too,
 * as far out as they can be seen from here.
 */
#ifndef LARDER_CGROUP_H
#define LARDER_CGROUP_H

#include <stddef.h>

/* A folder of a hierarchy; its first `top` bytes are where the hierarchy is mounted. */
struct group {
    char *path; /* NULL: no such hierarchy */
    size_t top;
};

struct cgroup { /* all-zero: in no group */
    struct group unified, cpu, memory;
};

/* From the texts of /proc/self/cgroup and /proc/self/mountinfo. *g is new. */
void cgroup_find(struct cgroup *g, const char *groups, const char *mounts);
void cgroup_own(struct cgroup *g); /* ours; *g is new: cgroup_release() */
void cgroup_release(struct cgroup *g);

int cgroup_cpus(const struct cgroup *g);         /* rounded up; 0: no limit */
long long cgroup_memory(const struct cgroup *g); /* bytes; 0: no limit */
/* How many processes of our group the kernel has killed for want of memory; where groups
 * do not count that, how many on this machine. */
long long cgroup_oom_kills(const struct cgroup *g);

#endif
