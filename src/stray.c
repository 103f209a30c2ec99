#include "stray.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "larder/banned.h"
#include "larder/buf.h"
#include "larder/fs.h"

#include "child.h"

enum { STEPS = 4096, SCANS = 50 /* of the keeper, at most */ };

struct stray_table {
    volatile size_t n_steps; /* with gaps; what lies beyond was never touched */
    struct {
        volatile pid_t pid; /* 0: a gap */
        char folder[1020];
    } step[STEPS];
};

/* ---- what belongs to a folder ------------------------------------------------------ */

/* Whether /proc/PID/NAME is a link to something in the folder. */
static bool links_into(int proc, const char *name, const char *folder)
{
    char path[4096];
    ssize_t n = readlinkat(proc, name, path, sizeof path - 1);
    size_t length = strlen(folder);

    if (n < 0)
        return false;
    path[n] = '\0';
    return !strncmp(path, folder, length) &&
           (path[length] == '/' || path[length] == '\0');
}

static bool environment_names(int proc, const char *folder)
{
    struct buf text = { 0 };
    int fd = openat(proc, "environ", O_RDONLY | O_CLOEXEC);
    ssize_t n = 0;
    bool found;

    while (fd >= 0) {
        buf_reserve(&text, 4096);
        n = read(fd, text.s + text.len, text.cap - text.len - 1);
        if (n <= 0)
            break;
        text.len += (size_t)n;
    }
    if (fd >= 0)
        close(fd);
    found = text.len && memmem(text.s, text.len, folder, strlen(folder)) != NULL;
    buf_release(&text);
    return found;
}

/* What a user has open in the folder, or a shell that stands there, does not. */
static bool belongs_to(pid_t pid, const char *folder)
{
    char path[32];
    bool belongs;
    int proc;

    snprintf(path, sizeof path, "/proc/%d", (int)pid);
    proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (proc < 0)
        return false;
    belongs = links_into(proc, "fd/1", folder) || links_into(proc, "fd/2", folder) ||
              environment_names(proc, folder);
    close(proc);
    return belongs;
}

/* Kills the process if it belongs to the folder, and no other that has its number since.
 */
static bool end_one(pid_t pid, const char *folder)
{
    int fd = pidfd_open(pid, 0);
    bool belongs = fd >= 0 && belongs_to(pid, folder);

    if (belongs)
        belongs = pidfd_send_signal(fd, SIGKILL, NULL, 0) == 0;
    if (fd >= 0)
        close(fd);
    return belongs;
}

/* ---- the keeper -------------------------------------------------------------------- */

/* How many processes on this machine were found to belong to a step, and ended. */
static size_t end_everywhere(const struct strays *s)
{
    const struct dirent *e;
    size_t n = 0, n_steps = s->table->n_steps;
    pid_t own = getpid();
    DIR *dir;

    while (n_steps && !s->table->step[n_steps - 1].pid)
        n_steps--;
    dir = n_steps ? opendir("/proc") : NULL;
    while (dir && (e = readdir(dir)) != NULL) {
        pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);

        for (size_t i = 0; pid > 1 && pid != own && i < n_steps; i++)
            n += s->table->step[i].pid && end_one(pid, s->table->step[i].folder);
    }
    if (dir)
        closedir(dir);
    return n;
}

/* A write to us is never made: reading ends when the other end is gone. */
static _Noreturn void keep(const struct strays *s, int line)
{
    const struct timespec pause = { .tv_nsec = 20000000 };
    char byte;

    for (int i = 1; i < NSIG; i++)
        signal(i, SIG_IGN);
    setsid();
    dup2(line, 0);
    close_range(1, ~0U, 0);
    if (chdir("/") < 0)
        _exit(1);
    while (read(0, &byte, 1) < 0 && errno == EINTR)
        ;
    for (int i = 0; i < SCANS && end_everywhere(s) > 0; i++)
        nanosleep(&pause, NULL);
    _exit(0);
}

int strays_open(struct strays *s, struct error *err)
{
    int line[2];

    *s = (struct strays){ 0 };
    s->table = mmap(NULL, sizeof *s->table, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (s->table == MAP_FAILED) {
        s->table = NULL;
        return error_system(err, "memory for the keeper of steps");
    }
    if (pipe2(line, O_CLOEXEC) < 0)
        return error_system(err, "a pipe to the keeper of steps");
    s->keeper = fork();
    if (s->keeper == 0)
        keep(s, line[0]);
    close(line[0]);
    if (s->keeper < 0) {
        s->keeper = 0;
        close(line[1]);
        return error_system(err, "starting the keeper of steps");
    }
    s->line = line[1];
    return prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 ? error_system(err, "becoming a reaper")
                                                : 0;
}

/* ---- while we live ----------------------------------------------------------------- */

void strays_expect(struct strays *s, pid_t pid, const char *folder)
{
    struct stray_table *t = s->table;
    size_t i = 0;

    while (i < t->n_steps && t->step[i].pid)
        i++;
    if (i == STEPS || strlen(folder) >= sizeof t->step->folder)
        return;
    memcpy(t->step[i].folder, folder, strlen(folder) + 1);
    atomic_signal_fence(memory_order_seq_cst); /* we may be killed right here */
    t->step[i].pid = pid;
    if (i == t->n_steps)
        t->n_steps = i + 1;
}

static bool is_expected(const struct strays *s, pid_t pid)
{
    if (pid == s->keeper)
        return true;
    for (size_t i = 0; i < s->table->n_steps; i++)
        if (s->table->step[i].pid == pid)
            return true;
    return false;
}

/* Ends the strays that belong to the folder, or all where it is NULL, and waits for those
 * that have ended. How many there were: their own children come to us next. */
static size_t end_children(struct strays *s, const char *folder)
{
    struct buf text = { 0 };
    char path[64];
    size_t n = 0;

    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    s->left = fs_read(path, &text, NULL) < 0;
    if (s->left)
        buf_reset(&text);
    for (const char *at = buf_str(&text); *at; at += strspn(at, " ")) {
        char *end;
        pid_t pid = (pid_t)strtol(at, &end, 10);

        if (end == at)
            break;
        at = end;
        if (is_expected(s, pid))
            continue;
        if (waitpid(pid, NULL, WNOHANG) == pid) {
            n++;
        } else if (!folder ? kill(pid, SIGKILL) == 0 : end_one(pid, folder)) {
            waitpid(pid, NULL, 0);
            n++;
        } else {
            s->left = true;
        }
    }
    buf_release(&text);
    return n;
}

bool strays_end(struct strays *s, pid_t pid)
{
    struct stray_table *t = s->table;
    size_t i = 0;

    while (i < t->n_steps && t->step[i].pid != pid)
        i++;
    if (i == t->n_steps)
        return false;
    while (end_children(s, t->step[i].folder) > 0)
        ;
    t->step[i].pid = 0;
    return !s->left;
}

void strays_close(struct strays *s)
{
    if (s->keeper) {
        while (end_children(s, NULL) > 0)
            ;
        close(s->line);
        waitpid(s->keeper, NULL, 0);
    }
    if (s->table)
        munmap(s->table, sizeof *s->table);
    *s = (struct strays){ 0 };
}
