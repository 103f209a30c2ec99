#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
#include "larder/buf.h"
#include "larder/fs.h"

#define V2_MOUNT                                                                   \
    "24 20 0:21 / /proc rw - proc proc rw\n30 20 0:26 / /cg rw,nosuid shared:4 - " \
    "cgroup2 cgroup2 rw,nsdelegate\n"
#define V1_MOUNTS                                                      \
    "32 31 0:29 / /cg/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n" \
    "33 31 0:30 / /cg/cpuset rw - cgroup cgroup rw,cpuset\n"           \
    "34 31 0:31 / /cg/memory rw shared:2 - cgroup cgroup rw,memory\n"

Test(cgroup, version_2)
{
    struct cgroup g;

    cgroup_find(&g, "0::/user.slice/a b\n", V2_MOUNT);
    cr_assert_str_eq(g.unified.path, "/cg/user.slice/a b");
    cr_assert_eq(g.unified.top, 3);
    cr_assert_null(g.cpu.path);
    cr_assert_null(g.memory.path);
    cgroup_release(&g);
    cgroup_find(&g, "0::/\n", V2_MOUNT);
    cr_assert_str_eq(g.unified.path, "/cg");
    cgroup_release(&g);
}

Test(cgroup, version_1)
{
    struct cgroup g;

    cgroup_find(&g, "9:name=systemd:/s\n4:memory:/box/7\n2:cpu,cpuacct:/box\n0::/\n",
                V1_MOUNTS);
    cr_assert_null(g.unified.path);
    cr_assert_str_eq(g.cpu.path, "/cg/cpu,cpuacct/box");
    cr_assert_str_eq(g.memory.path, "/cg/memory/box/7");
    cgroup_release(&g);
}

/* The mount of a container shows its own group as the root. */
Test(cgroup, container)
{
    static const char mount[] = "34 31 0:31 /docker/f00 /cg/memory ro - cgroup cgroup "
                                "rw,memory\n";
    static const struct {
        const char *member, *path;
    } c[] = { { "4:memory:/docker/f00\n", "/cg/memory" },
              { "4:memory:/docker/f00/x\n", "/cg/memory/x" },
              { "4:memory:/docker/f007\n", "/cg/memory" },
              { "4:memory:/\n", "/cg/memory" } };

    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        struct cgroup g;

        cgroup_find(&g, c[i].member, mount);
        cr_assert_str_eq(g.memory.path, c[i].path);
        cgroup_release(&g);
    }
}

Test(cgroup, nothing_known)
{
    static const char *const text[] = { "",    "\n",     "0:",         "0::",
                                        "a:b", ":::::/", "4:memory\n", "4:mem:/x" };

    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        for (size_t k = 0; k < sizeof text / sizeof *text; k++) {
            struct cgroup g;

            cgroup_find(&g, text[i], text[k]);
            cr_assert_eq(cgroup_cpus(&g), 0);
            cr_assert_eq(cgroup_memory(&g), 0);
            cr_assert_geq(cgroup_oom_kills(&g), 0);
            cgroup_release(&g);
        }
}

static char folder[] = "/tmp/larder-cgroup-XXXXXX";

static void set(const char *name, const char *text)
{
    struct buf path = { 0 };

    fs_join(&path, folder, name);
    cr_assert_eq(fs_make_parent(buf_str(&path), NULL), 0);
    cr_assert_eq(fs_write(buf_str(&path), text, strlen(text), false, NULL), 0);
    buf_release(&path);
}

static struct group group(const char *path)
{
    struct group g = { .top = strlen(folder) };
    struct buf b = { 0 };

    fs_join(&b, folder, path);
    g.path = buf_take(&b);
    return g;
}

/* The least limit counts, whichever group it belongs to. */
Test(cgroup, limits)
{
    struct cgroup g = { 0 };

    cr_assert_not_null(mkdtemp(folder));
    set("a/cpu.max", "150000 100000\n");
    set("a/memory.max", "4096\n");
    set("a/b/cpu.max", "max 100000\n");
    set("a/b/memory.max", "max\n");
    set("a/b/c/cpu.max", "800000 100000\n");
    set("a/b/c/memory.max", "8192\n");
    set("a/b/c/memory.events", "low 0\nhigh 0\nmax 9\noom 8\noom_kill 3\n");
    g.unified = group("a/b/c");
    cr_assert_eq(cgroup_cpus(&g), 2);
    cr_assert_eq(cgroup_memory(&g), 4096);
    cr_assert_eq(cgroup_oom_kills(&g), 3);
    set("old/cpu.cfs_quota_us", "-1\n");
    set("old/cpu.cfs_period_us", "100000\n");
    set("old/box/cpu.cfs_quota_us", "100000\n");
    set("old/box/cpu.cfs_period_us", "100000\n");
    set("old/memory.limit_in_bytes", "2048\n");
    set("old/box/memory.limit_in_bytes", "9223372036854771712\n");
    set("old/box/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 7\n");
    g.cpu = group("old/box");
    g.memory = group("old/box");
    cr_assert_eq(cgroup_cpus(&g), 1);
    cr_assert_eq(cgroup_memory(&g), 2048);
    cr_assert_eq(cgroup_oom_kills(&g), 3);
    free(g.unified.path);
    g.unified.path = NULL;
    cr_assert_eq(cgroup_oom_kills(&g), 7);
    cgroup_release(&g);
    cr_assert_eq(fs_remove_tree(folder, NULL), 0);
}
