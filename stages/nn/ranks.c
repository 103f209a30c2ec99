#include "nn/ranks.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kit/stage.h"
#include "larder/buf.h"
#include "larder/fs.h"
#include "larder/mem.h"
#include "larder/thread.h"
#include "nn/backend.h"

#include "larder/banned.h"

/* How a rank is told what it is: "RANK:" and the id in hexadecimal. */
#define VARIABLE "LARDER_RANK"

static struct {
    pthread_t watcher;
    pid_t pid[RANKS_MAX]; /* of ranks 1.., 0: it has ended well */
    int n;                /* ranks in all */
} others;

/* How many devices "cuda:0,1" names; 1 for one, or none. */
static int count_devices(const char *device)
{
    int n = 1;

    for (; *device != '\0'; device++)
        n += *device == ',';
    return n;
}

static int read_place(struct ranks *r, const char *text, struct error *err)
{
    char *end;
    long rank = strtol(text, &end, 10);
    unsigned byte;

    if (rank < 1 || rank >= r->n || *end != ':' || strlen(end + 1) != 2 * RANKS_ID)
        return error_set(err, E_DEVICE, VARIABLE " is not what a rank is told");
    r->rank = (int)rank;
    for (int i = 0; i < RANKS_ID; i++) {
        if (sscanf(end + 1 + 2 * i, "%2x", &byte) != 1)
            return error_set(err, E_DEVICE, VARIABLE " is not what a rank is told");
        r->id[i] = (unsigned char)byte;
    }
    return 0;
}

/* ---- the process of another rank --------------------------------------------------- */

/* Our own arguments, new: free() it and the list in it. */
static char **own_arguments(char **text, struct error *err)
{
    struct buf all = { 0 };
    char **argv;
    size_t n = 0, at = 0;

    if (fs_read("/proc/self/cmdline", &all, err) < 0)
        return NULL;
    for (size_t i = 0; i < all.len; i++)
        n += all.s[i] == '\0';
    argv = xcalloc(n + 1, sizeof *argv);
    *text = buf_take(&all);
    for (size_t i = 0; i < n; i++) {
        argv[i] = *text + at;
        at += strlen(argv[i]) + 1;
    }
    return argv;
}

/* In the child; does not come back. */
static void become(int rank, const char *id, char **argv, pid_t parent)
{
    char place[2 * RANKS_ID + 16];

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_FAILURE);
    snprintf(place, sizeof place, "%d:%s", rank, id);
    setenv(VARIABLE, place, 1);
    unsetenv("LARDER_PROGRESS");
    execv("/proc/self/exe", argv);
    _exit(EXIT_FAILURE);
}

/* ---- rank 0 ------------------------------------------------------------------------ */

/* Whoever waits for a process that has failed would wait for ever: so all end. */
static void end_all(int rank, int status)
{
    for (int k = 1; k < others.n; k++)
        if (others.pid[k] > 0)
            kill(others.pid[k], SIGKILL);
    fprintf(stderr, "%s: rank %d, on another GPU, has failed; so all end\n",
            program_invocation_short_name, rank);
    _exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

static int rank_of(pid_t pid)
{
    int k = others.n - 1;

    while (k > 0 && others.pid[k] != pid)
        k--;
    return k;
}

static void *watch(void *unused)
{
    int left = others.n - 1, status, rank;

    (void)unused;
    while (left > 0) {
        pid_t pid = waitpid(-1, &status, 0);

        if (pid < 0 && errno == EINTR)
            continue;
        if (pid < 0)
            break;
        rank = rank_of(pid);
        if (rank == 0)
            continue;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            end_all(rank, status);
        others.pid[rank] = 0;
        left--;
    }
    return NULL;
}

static int start_others(const struct ranks *r, struct error *err)
{
    char id[2 * RANKS_ID + 1], *text = NULL;
    char **argv = own_arguments(&text, err);
    pid_t self = getpid();

    if (argv == NULL)
        return E_SYSTEM;
    for (int i = 0; i < RANKS_ID; i++)
        snprintf(id + 2 * i, 3, "%02x", r->id[i]);
    others.n = r->n;
    for (int k = 1; k < r->n; k++) {
        others.pid[k] = fork();
        if (others.pid[k] == 0)
            become(k, id, argv, self);
        if (others.pid[k] < 0)
            return error_system(err, "cannot start rank %d", k);
    }
    free(argv);
    free(text);
    if (!thread_start(&others.watcher, watch, NULL))
        return error_set(err, E_SYSTEM, "there can be no thread that watches the ranks");
    return 0;
}

int ranks_start(struct ranks *r, struct error *err)
{
    const char *place = getenv(VARIABLE);
    const struct nn_backend *b;
    int rc;

    *r = (struct ranks){ .n = count_devices(stage_device()) };
    if (r->n == 1)
        return 0;
    if (r->n > RANKS_MAX)
        return error_set(err, E_DEVICE, "%d GPUs: %d at most compute together", r->n,
                         RANKS_MAX);
    if (place != NULL)
        return read_place(r, place, err);
    rc = backend_find(&b, stage_device(), err);
    if (rc == 0 && b->meet == NULL)
        rc = error_set(err, E_DEVICE,
                       "%s: this build computes on one GPU alone; build where NCCL is "
                       "installed, or give the step one",
                       stage_device());
    if (rc == 0)
        rc = b->meet(r->id, err);
    return rc < 0 ? rc : start_others(r, err);
}

void ranks_fail(int rc, const struct error *err)
{
    _exit(stage_status(rc, err));
}

int ranks_finish(const struct ranks *r, struct error *err)
{
    if (r->n == 1 || r->rank > 0)
        return 0;
    if (pthread_join(others.watcher, NULL) != 0)
        return error_set(err, E_SYSTEM, "cannot wait for the other ranks");
    return 0;
}
