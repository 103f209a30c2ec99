#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "larder/banned.h"
#include "larder/fs.h"
#include "larder/mem.h"

double clock_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* What the child needs between vfork and exec; it shares our memory and may only make
 * system calls. */
struct launch {
    const struct child_order *order;
    int null, log, progress, life; /* descriptors */
    pid_t parent;
    volatile int failed; /* errno of what the child could not do */
};

/* Lets the group be killed when the other end of its life line closes. */
static bool hold_life_line(int fd)
{
    return fcntl(fd, F_SETOWN, -getpid()) == 0 && fcntl(fd, F_SETSIG, SIGKILL) == 0 &&
           fcntl(fd, F_SETFL, O_RDONLY | O_NONBLOCK | O_ASYNC) == 0;
}

/* The signals that we ignore, or were told to ignore by who started us: found once, in
 * the parent, since of the others exec itself takes care. */
static int ignored[NSIG];
static size_t n_ignored;

static void find_ignored(void)
{
    static bool done;
    struct sigaction now;

    for (int i = 1; i < NSIG && !done; i++)
        if (sigaction(i, NULL, &now) == 0 && now.sa_handler == SIG_IGN)
            ignored[n_ignored++] = i;
    done = true;
}

/* A step need not ignore them. */
static void hear_all_signals(void)
{
    struct sigaction standard = { .sa_handler = SIG_DFL };

    for (size_t i = 0; i < n_ignored; i++)
        sigaction(ignored[i], &standard, NULL);
}

static bool pass_on(const int *fd)
{
    return !fd || (fcntl(fd[0], F_SETFD, 0) == 0 && fcntl(fd[1], F_SETFD, 0) == 0);
}

/* By a number that scripts do not use for their own: who closes this one by mistake would
 * get away. */
static bool keep_life_line(int fd)
{
    return fcntl(fd, F_DUPFD, LEASE_PASSED_ON) >= 0 || fcntl(fd, F_SETFD, 0) == 0;
}

/* By the one number that even the plainest shell can name. */
static bool show_progress(int fd)
{
    return fd == CHILD_PROGRESS ? fcntl(fd, F_SETFD, 0) == 0
                                : dup2(fd, CHILD_PROGRESS) == CHILD_PROGRESS;
}

static bool become_step(const struct launch *l)
{
    sigset_t none;

    sigemptyset(&none);
    if (setpgid(0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
        !hold_life_line(l->life))
        return false;
    if (getppid() != l->parent)
        _exit(127); /* the parent died before the two lines above took effect */
    close_range(3, ~0U, CLOSE_RANGE_CLOEXEC); /* whatever we were started with */
    lease_pass_on(l->order->lease);
    hear_all_signals();
    return dup2(l->null, 0) == 0 && dup2(l->log, 1) == 1 && dup2(l->log, 2) == 2 &&
           keep_life_line(l->life) && pass_on(l->order->jobs) &&
           chdir(l->order->folder) == 0 && sigprocmask(SIG_SETMASK, &none, NULL) == 0;
}

/* Last, since what holds a step would hold us too. */
static bool close_in(const struct launch *l)
{
    const struct child_order *order = l->order;

    if (order->fence && !fence_enter(order->fence))
        return false;
    if (order->trace && trace_enter(order->trace)) /* which refuses sockets itself */
        return true;
    return !order->fence || fence_refuse_sockets(order->fence);
}

static pid_t launch(struct launch *l)
{
    pid_t pid = vfork();

    if (pid == 0) {
        if (become_step(l) && close_in(l) && show_progress(l->progress))
            execve(l->order->path, l->order->argv, l->order->env);
        l->failed = errno;
        _exit(127);
    }
    return pid;
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

static int launch_failed(struct launch *l, pid_t pid, struct error *err)
{
    errno = l->failed;
    if (pid > 0)
        waitpid(pid, NULL, 0);
    error_system(err, "starting %s", l->order->path);
    switch (l->failed) {
    case ENOENT:
    case EACCES:
    case ENOEXEC:
    case ENOTDIR:
    case ELOOP:
        if (err)
            err->code = E_STAGE;
        return E_STAGE;
    case EAGAIN: /* too many processes */
    case ENOMEM:
    case ENFILE:
    case ETXTBSY: /* the program is being installed */
        return CHILD_REFUSED;
    default:
        return E_SYSTEM;
    }
}

int child_start(struct child *c, const struct child_order *order, struct error *err)
{
    int progress[2] = { -1, -1 }, life[2] = { -1, -1 };
    struct launch l = { .order = order, .null = -1, .log = -1, .parent = getpid() };
    int rc = 0;

    *c = (struct child){ .pidfd = -1, .progress = -1, .progress_end = -1, .life = -1 };
    errno = fs_fault();
    if (errno || pipe2(progress, O_CLOEXEC | O_NONBLOCK) < 0 ||
        pipe2(life, O_CLOEXEC) < 0 ||
        (l.null = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0 ||
        (l.log = open(order->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) < 0) {
        rc = error_system(err, "starting %s", order->path);
        goto out;
    }
    if (order->fence) {
        fence_permit(order->fence, order->log, PERMIT_WRITE);
        rc = fence_close(order->fence, err);
        if (rc < 0)
            goto out;
    }
    find_ignored();
    l.progress = progress[1];
    l.life = life[0];
    c->started = clock_now();
    c->pid = launch(&l);
    trace_started(order->trace);
    if (c->pid < 0) {
        l.failed = errno;
        c->pid = 0;
    }
    if (l.failed) {
        rc = launch_failed(&l, c->pid, err);
        c->pid = 0;
        goto out;
    }
    c->pidfd = pidfd_open(c->pid, 0);
    if (c->pidfd < 0) {
        rc = error_system(err, "watching %s", order->path);
        kill(-c->pid, SIGKILL);
        waitpid(c->pid, NULL, 0);
        c->pid = 0;
        goto out;
    }
    c->progress = progress[0];
    c->progress_end = progress[1];
    c->life = life[1];
    progress[0] = progress[1] = life[1] = -1;
out:
    close_fd(l.log);
    close_fd(l.null);
    close_fd(life[0]);
    close_fd(life[1]);
    close_fd(progress[0]);
    close_fd(progress[1]);
    return rc;
}

void child_signal(const struct child *c, int signal)
{
    if (c->pid > 0)
        kill(-c->pid, signal);
}

/* To the microsecond, as it is recorded. */
static double rounded(double seconds)
{
    return (double)(long long)(seconds * 1e6 + 0.5) / 1e6;
}

static double seconds_of(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec * 1e-6;
}

int child_wait(struct child *c, struct child_end *end, struct error *err)
{
    struct rusage used;
    siginfo_t info;
    int rc = 0;

    /* The group's number stays ours until the child is waited for. */
    while (waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
        ;
    kill(-c->pid, SIGKILL);
    *end = (struct child_end){ .wall = rounded(clock_now() - c->started) };
    while ((rc = wait4(c->pid, &end->status, 0, &used)) < 0 && errno == EINTR)
        ;
    if (rc < 0) {
        rc = error_system(err, "waiting for a step");
    } else {
        rc = 0;
        end->cpu = rounded(seconds_of(used.ru_utime) + seconds_of(used.ru_stime));
        end->rss = (long long)used.ru_maxrss * 1024;
    }
    close_fd(c->pidfd);
    close_fd(c->progress);
    close_fd(c->progress_end);
    close_fd(c->life);
    *c = (struct child){ .pidfd = -1, .progress = -1, .progress_end = -1, .life = -1 };
    return rc;
}
