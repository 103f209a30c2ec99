#include "cgroup.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/buf.h"
#include "larder/fs.h"
#include "larder/mem.h"

/* ---- where the groups are ---------------------------------------------------------- */

/* Whether a comma-separated list of n bytes has the word. */
static bool list_has(const char *list, size_t n, const char *word)
{
    size_t length = strlen(word);

    for (const char *p = list, *end = list + n, *comma; p < end; p = comma + 1) {
        comma = memchr(p, ',', (size_t)(end - p));
        if (!comma)
            comma = end;
        if ((size_t)(comma - p) == length && !memcmp(p, word, length))
            return true;
    }
    return false;
}

/* "4:memory:/a/b": the path of the line for a controller, "" being version 2; new. */
static char *member_path(const char *groups, const char *controller)
{
    for (const char *line = groups; *line;) {
        size_t n = strcspn(line, "\n");
        const char *list = memchr(line, ':', n);
        const char *path =
            list ? memchr(list + 1, ':', n - (size_t)(list + 1 - line)) : NULL;

        if (path &&
            (*controller ? list_has(list + 1, (size_t)(path - list - 1), controller)
                         : path == list + 1))
            return xstrndup(path + 1, n - (size_t)(path + 1 - line));
        line += n + (line[n] == '\n');
    }
    return NULL;
}

/* Field number i of a line of mountinfo, n bytes; NULL where it has fewer. */
static const char *field(const char *line, size_t length, int i, size_t *n)
{
    const char *p = line, *end = line + length;

    while (i-- > 0) {
        p = memchr(p, ' ', (size_t)(end - p));
        if (!p++)
            return NULL;
    }
    *n = strcspn(p, " \n");
    return p;
}

/* Whether a line of mountinfo mounts the hierarchy of the controller. */
static bool mounts_it(const char *line, size_t length, const char *controller)
{
    const char *dash = memmem(line, length, " - ", 3), *type, *options;
    size_t n_type, n_options;

    if (!dash)
        return false;
    dash++;
    type = field(dash, length - (size_t)(dash - line), 1, &n_type);
    options = field(dash, length - (size_t)(dash - line), 3, &n_options);
    if (!type || !options)
        return false;
    if (!*controller)
        return n_type == 7 && !memcmp(type, "cgroup2", 7);
    return n_type == 6 && !memcmp(type, "cgroup", 6) &&
           list_has(options, n_options, controller);
}

/* Sets g where there is such a hierarchy. In a container the mount shows only what is
 * below its root. */
static void find_group(struct group *g, const char *groups, const char *mounts,
                       const char *controller)
{
    char *member = member_path(groups, controller);

    for (const char *line = mounts; member && !g->path && *line;) {
        size_t n = strcspn(line, "\n"), n_root, n_mount;
        const char *root = field(line, n, 3, &n_root),
                   *mount = field(line, n, 4, &n_mount);
        struct buf path = { 0 };

        if (root && mount && mounts_it(line, n, controller)) {
            bool below = n_root == 1 || (!strncmp(member, root, n_root) &&
                                         (member[n_root] == '/' || !member[n_root]));

            buf_add(&path, mount, n_mount);
            if (below && strcmp(member, "/") != 0)
                buf_adds(&path, member + (n_root == 1 ? 0 : n_root));
            g->top = n_mount;
            g->path = buf_take(&path);
        }
        line += n + (line[n] == '\n');
    }
    free(member);
}

void cgroup_find(struct cgroup *g, const char *groups, const char *mounts)
{
    *g = (struct cgroup){ 0 };
    find_group(&g->unified, groups, mounts, "");
    find_group(&g->cpu, groups, mounts, "cpu");
    find_group(&g->memory, groups, mounts, "memory");
}

void cgroup_own(struct cgroup *g)
{
    struct buf groups = { 0 }, mounts = { 0 };

    fs_read("/proc/self/cgroup", &groups, NULL);
    fs_read("/proc/self/mountinfo", &mounts, NULL);
    cgroup_find(g, buf_str(&groups), buf_str(&mounts));
    buf_release(&groups);
    buf_release(&mounts);
}

void cgroup_release(struct cgroup *g)
{
    free(g->unified.path);
    free(g->cpu.path);
    free(g->memory.path);
    *g = (struct cgroup){ 0 };
}

/* ---- what they say ----------------------------------------------------------------- */

/* Appends the text of a file of the group; false where there is none. */
static bool read_file(const char *folder, const char *name, struct buf *text)
{
    struct buf path = { 0 };
    bool found;

    fs_join(&path, folder, name);
    found = fs_exists(buf_str(&path)) && fs_read(buf_str(&path), text, NULL) == 0;
    buf_release(&path);
    return found;
}

/* A number in a file of the group; 0 where there is none, and for "max". */
static long long read_number(const char *folder, const char *name)
{
    struct buf text = { 0 };
    long long n = read_file(folder, name, &text) ? strtoll(buf_str(&text), NULL, 10) : 0;

    buf_release(&text);
    return n;
}

static long long cpus(long long quota, long long period)
{
    return quota > 0 && period > 0 ? (quota + period - 1) / period : 0;
}

/* "QUOTA PERIOD" or "max PERIOD" */
static long long unified_cpus(const char *folder)
{
    struct buf text = { 0 };
    char *end = NULL;
    long long quota = 0, n = 0;

    if (read_file(folder, "cpu.max", &text)) {
        quota = strtoll(buf_str(&text), &end, 10);
        n = cpus(quota, strtoll(end, NULL, 10));
    }
    buf_release(&text);
    return n;
}

static long long old_cpus(const char *folder)
{
    return cpus(read_number(folder, "cpu.cfs_quota_us"),
                read_number(folder, "cpu.cfs_period_us"));
}

static long long unified_memory(const char *folder)
{
    return read_number(folder, "memory.max");
}

static long long old_memory(const char *folder)
{
    return read_number(folder, "memory.limit_in_bytes");
}

/* The least limit of a group and those around it, or of what was found before; 0: none.
 */
static long long least(const struct group *g, long long (*limit)(const char *folder),
                       long long before)
{
    char *path = g->path ? xstrdup(g->path) : NULL;

    while (path) {
        long long n = limit(path);
        char *slash = strrchr(path, '/');

        if (n > 0 && (before == 0 || n < before))
            before = n;
        if (!slash || (size_t)(slash - path) < g->top)
            break;
        *slash = '\0';
    }
    free(path);
    return before;
}

int cgroup_cpus(const struct cgroup *g)
{
    long long n = least(&g->cpu, old_cpus, least(&g->unified, unified_cpus, 0));

    return n < 1 << 20 ? (int)n : 1 << 20;
}

long long cgroup_memory(const struct cgroup *g)
{
    return least(&g->memory, old_memory, least(&g->unified, unified_memory, 0));
}

/* The number behind "oom_kill " in a file; false where it has no such line. */
static bool count_kills(const char *folder, const char *name, long long *n)
{
    static const char word[] = "\noom_kill ";
    struct buf text = { 0 };
    const char *line = NULL;

    buf_addc(&text, '\n');
    if (folder && read_file(folder, name, &text))
        line = strstr(buf_str(&text), word);
    if (line)
        *n = strtoll(line + sizeof word - 1, NULL, 10);
    buf_release(&text);
    return line != NULL;
}

long long cgroup_oom_kills(const struct cgroup *g)
{
    long long n = 0;

    if (!count_kills(g->unified.path, "memory.events", &n) &&
        !count_kills(g->memory.path, "memory.oom_control", &n))
        count_kills("/proc", "vmstat", &n);
    return n;
}
