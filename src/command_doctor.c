#include "command.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "larder/banned.h"
#include "larder/buf.h"
#include "larder/fs.h"

#include "ask.h"
#include "config.h"
#include "machine.h"
#include "onpath.h"
#include "sandbox.h"
#include "session.h"

/* Each finding has what was looked at, how it stands, and what to do about it. */

enum standing { FINE, NOTE, BAD };
static const char *const standing_word[] = { "fine", "note", "BAD" };

#define LEAST_FREE (200LL << 20) /* bytes, below which not even `smoke` runs */
#define FEW_FREE (5LL << 30)
#define ANSWER_S 30 /* for which a driver is waited: eight GPUs may wake for 20 s */

struct visit {
    struct session *s;
    json_t *findings;
    bool bad;
};

static void found(struct visit *v, enum standing standing, const char *what,
                  const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static void found(struct visit *v, enum standing standing, const char *what,
                  const char *fmt, ...)
{
    struct buf text = { 0 };
    va_list ap;

    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    json_array_append_new(v->findings,
                          json_pack("{s:s, s:s, s:s}", "what", what, "state",
                                    standing_word[standing], "text", buf_str(&text)));
    v->bad = v->bad || standing == BAD;
    buf_release(&text);
}

/* ---- the machine ---- */

static void look_at_kernel(struct visit *v)
{
    struct sandbox sandbox = { 0 };
    struct utsname name;
    long pidfd = syscall(SYS_pidfd_open, getpid(), 0);

    uname(&name);
    if (pidfd < 0)
        found(v, BAD, "kernel",
              "%s cannot wait for processes by pidfd_open(): Linux 5.3 "
              "or newer is needed",
              name.release);
    else
        found(v, FINE, "kernel", "%s %s, %s", name.sysname, name.release, name.machine);
    if (pidfd >= 0)
        close((int)pidfd);
    sandbox_open(&sandbox);
    if (sandbox.abi > 0)
        found(v, FINE, "sandbox", "Landlock %d keeps steps to what they declare",
              sandbox.abi);
    else
        found(v, NOTE, "sandbox",
              "this kernel has no Landlock: what a step reads without "
              "declaring it is not noticed; Linux 5.13 with lsm=landlock has it");
    sandbox_close(&sandbox);
}

static void look_at_limits(struct visit *v)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return;
    if (files.rlim_cur < 1024)
        found(v, NOTE, "open files",
              "%lld at once, which many steps side by side may "
              "exceed: ulimit -n 4096",
              (long long)files.rlim_cur);
    else
        found(v, FINE, "open files", "%lld at once", (long long)files.rlim_cur);
}

static void look_at_machine(struct visit *v)
{
    struct machine m;
    struct buf memory = { 0 };

    machine_look(&m, config_gpus(&v->s->config));
    say_bytes(m.memory, &memory);
    found(v, FINE, "processors", "%d, and %s of memory", m.cpu, buf_str(&memory));
    if (m.n_gpus == 0)
        found(v, FINE, "GPUs", "none; networks are computed on the processors");
    else if (!fs_exists("/proc/driver/nvidia/version"))
        found(v, NOTE, "GPUs",
              "%zu by the settings, but no NVIDIA driver is loaded: steps "
              "on them will fail",
              m.n_gpus);
    else
        found(v, FINE, "GPUs", "%zu", m.n_gpus);
    buf_release(&memory);
    machine_release(&m);
}

/* A line of larder-gpus: standing, what, and its text. */
static void found_line(struct visit *v, char *line)
{
    char *what = strchr(line, '\t'), *text = what != NULL ? strchr(what + 1, '\t') : NULL;

    if (text == NULL)
        return;
    *what++ = *text++ = '\0';
    found(v, strcmp(line, standing_word[FINE]) == 0 ? FINE : NOTE, what, "%s", text);
}

/* A program beside the backend for GPUs is asked, in a process of its own: larder links
 * and opens nothing of CUDA, and a driver that hangs or crashes costs seconds. */
static void look_at_gpu_code(struct visit *v)
{
    static const char *const beside[] = { "lib/larder", "../libexec/lib/larder" };
    struct buf self = { 0 }, above = { 0 }, program = { 0 }, out = { 0 }, said = { 0 };
    struct error err = { 0 };
    int status;

    own_path(&self);
    fs_dirname(&above, buf_str(&self));
    for (size_t i = 0; i < 2; i++) {
        buf_reset(&program);
        buf_printf(&program, "%s/%s/larder-gpus", buf_str(&above), beside[i]);
        if (access(program.s, X_OK) == 0)
            break;
    }
    if (access(program.s, X_OK) < 0)
        goto out; /* as the programs, of which another line tells */
    status = ask((const char *const[]){ program.s, NULL }, ANSWER_S, &out, &said, &err);
    for (char *line = out.s, *end; line != NULL; line = end) {
        end = strchr(line, '\n');
        if (end != NULL)
            *end++ = '\0';
        found_line(v, line);
    }
    if (status < 0)
        found(v, NOTE, "GPU driver", "%s: it hangs: see nvidia-smi and the kernel's log",
              err.text);
    else if (status > 1)
        found(v, NOTE, "GPU driver",
              "asking it ended with status %d: see nvidia-smi and the kernel's log",
              status);
out:
    buf_release(&said);
    buf_release(&out);
    buf_release(&program);
    buf_release(&above);
    buf_release(&self);
}

static void look_at_slurm(struct visit *v)
{
    struct buf path = { 0 };

    if (on_path("sbatch", &path))
        found(v, FINE, "Slurm", "%s is here: --executor slurm makes jobs of steps",
              buf_str(&path));
    else
        found(v, FINE, "Slurm", "none");
    buf_release(&path);
}

/* ---- the cache ---- */

static const char *name_of_system(long type)
{
    switch (type) {
    case NFS_SUPER_MAGIC:
        return "NFS";
    case 0x0bd00bd0:
        return "Lustre";
    case EXT4_SUPER_MAGIC:
        return "ext4";
    case XFS_SUPER_MAGIC:
        return "XFS";
    case BTRFS_SUPER_MAGIC:
        return "Btrfs";
    case TMPFS_MAGIC:
        return "tmpfs";
    case OVERLAYFS_SUPER_MAGIC:
        return "overlayfs";
    default:
        return "file system";
    }
}

static void look_at_space(struct visit *v, const char *cache)
{
    struct buf size = { 0 };
    struct statvfs space;
    struct statfs system;
    long long free;

    if (statvfs(cache, &space) < 0 || statfs(cache, &system) < 0)
        return;
    free = (long long)space.f_bavail * (long long)space.f_frsize;
    say_bytes(free, &size);
    if (free < LEAST_FREE)
        found(v, BAD, "disk",
              "%s are free on the %s of the cache: make room, or set "
              "LARDER_CACHE to another disk",
              buf_str(&size), name_of_system(system.f_type));
    else if (free < FEW_FREE)
        found(v, NOTE, "disk", "only %s are free on the %s of the cache", buf_str(&size),
              name_of_system(system.f_type));
    else
        found(v, FINE, "disk", "%s are free on the %s of the cache", buf_str(&size),
              name_of_system(system.f_type));
    if (system.f_type == TMPFS_MAGIC)
        found(v, NOTE, "disk", "the cache is in memory: it is gone with the machine");
    buf_release(&size);
}

/* A file beside the objects: its time against ours, a link, a shared copy of its bytes.
 */
static void try_files(struct visit *v, const char *cache)
{
    struct buf a = { 0 }, b = { 0 };
    struct fs_state state;
    struct error err;
    double ahead;
    int from, to;

    fs_join(&a, cache, "tmp");
    buf_printf(&a, "/doctor-%ld", (long)getpid());
    buf_printf(&b, "%s-2", a.s);
    if (fs_write(a.s, "doctor\n", 7, true, &err) < 0) {
        found(v, BAD, "cache", "%s: nothing can be written there", err.text);
        goto out;
    }
    if (fs_stat(a.s, &state, NULL) == FS_FOUND) {
        ahead = (double)state.mtime_ns / 1e9 - (double)time(NULL);
        if (ahead > 2 || ahead < -2)
            found(v, NOTE, "clock",
                  "that of the cache's file system is %.0f s %s ours: "
                  "set both by NTP",
                  ahead > 0 ? ahead : -ahead, ahead > 0 ? "ahead of" : "behind");
        else
            found(v, FINE, "clock", "that of the cache's file system is ours");
    }
    if (link(a.s, b.s) < 0)
        found(v, NOTE, "links",
              "the file system has no hard links: results are copied to "
              "steps, which costs time and room");
    unlink(b.s);
    from = open(a.s, O_RDONLY | O_CLOEXEC);
    to = open(b.s, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (from >= 0 && to >= 0 && ioctl(to, FICLONE, from) == 0)
        found(v, FINE, "reflinks", "results are placed at no cost");
    else
        found(v, FINE, "reflinks",
              "none: results up to 16 MiB are copied when placed, "
              "others linked read-only");
    if (from >= 0)
        close(from);
    if (to >= 0)
        close(to);
out:
    unlink(a.s);
    unlink(b.s);
    buf_release(&a);
    buf_release(&b);
}

static void look_at_cache(struct visit *v)
{
    struct session *s = v->s;
    struct error err = { 0 };
    struct buf size = { 0 };
    size_t objects = 0;
    long long bytes = 0;
    int rc = session_open_store(s, &err);

    if (rc == 0)
        rc = store_usage(s->store, &objects, &bytes, &err);
    if (rc < 0) {
        found(v, BAD, "cache", "%s", err.text);
        return;
    }
    say_bytes(bytes, &size);
    found(v, FINE, "cache", "%s has %zu objects, %s; `larder fsck` reads them all",
          s->cache, objects, buf_str(&size));
    look_at_space(v, s->cache);
    try_files(v, s->cache);
    buf_release(&size);
}

/* ---- what was installed ---- */

static void look_at_programs(struct visit *v)
{
    static const char *const beside[] = { "programs", "../libexec/larder" };
    struct buf self = { 0 }, above = { 0 }, folder = { 0 };
    char **name = NULL;
    size_t n_names = 0;

    own_path(&self);
    fs_dirname(&above, buf_str(&self));
    for (size_t i = 0; i < 2 && n_names == 0; i++) {
        buf_reset(&folder);
        buf_printf(&folder, "%s/%s", buf_str(&above), beside[i]);
        if (fs_is_dir(folder.s))
            fs_list(folder.s, &name, &n_names, NULL);
    }
    if (n_names > 0)
        found(v, FINE, "programs", "larder %s with %zu programs in %s", LARDER_VERSION,
              n_names, buf_str(&folder));
    else
        found(v, NOTE, "programs",
              "larder %s has none of its own beside it: stages with "
              "`program:` need LARDER_PROGRAMS; `run:` and `sh:` do not",
              LARDER_VERSION);
    free(name);
    buf_release(&folder);
    buf_release(&above);
    buf_release(&self);
}

/* ---- */

static void print_text(const struct visit *v)
{
    json_t *finding;
    size_t i;

    json_array_foreach(v->findings, i, finding)
        printf("%-4s  %-11s  %s\n", json_string_value(json_object_get(finding, "state")),
               json_string_value(json_object_get(finding, "what")),
               json_string_value(json_object_get(finding, "text")));
}

int command_doctor(const struct cli *cli, struct error *err)
{
    struct session s = { .cli = cli };
    struct visit v = { .s = &s, .findings = json_array() };
    char *here = getcwd(NULL, 0);
    int rc = config_read(&s.config, here ? here : "/", cli, err);

    free(here);
    if (rc == 0) {
        look_at_kernel(&v);
        look_at_machine(&v);
        look_at_gpu_code(&v);
        look_at_limits(&v);
        look_at_programs(&v);
        look_at_cache(&v);
        look_at_slurm(&v);
        if (cli->json) {
            json_dumpf(v.findings, stdout, JSON_INDENT(2));
            putchar('\n');
        } else {
            print_text(&v);
        }
    }
    json_decref(v.findings);
    session_close(&s);
    return rc < 0 ? rc : v.bad ? error_exit_status(E_SYSTEM) : 0;
}
