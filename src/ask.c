#include "ask.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "larder/banned.h"

#include "child.h"

extern char **environ;

static int start(const char *const argv[], int out, int said, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t none, usual;
    int rc;

    sigemptyset(&none); /* a run blocks the signals that it listens to */
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    posix_spawnattr_init(&how);
    posix_spawnattr_setsigmask(&how, &none);
    posix_spawnattr_setsigdefault(&how, &usual);
    posix_spawnattr_setpgroup(&how, 0); /* Ctrl-C is for us alone */
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                       POSIX_SPAWN_SETPGROUP);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, out, 1);
    posix_spawn_file_actions_adddup2(&files, said, 2);
    rc = posix_spawnp(pid, argv[0], &files, &how, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&how);
    return rc;
}

/* Reads one of the two pipes; false at its end. */
static bool take(int fd, struct buf *to)
{
    char bytes[4096];
    ssize_t n = read(fd, bytes, sizeof bytes);

    if (n > 0)
        buf_add(to, bytes, (size_t)n);
    return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

/* Until both are at their end; false when the time is over. */
static bool listen_to(int out, int said, double until, struct buf *text[2])
{
    struct pollfd fd[2] = { { .fd = out, .events = POLLIN },
                            { .fd = said, .events = POLLIN } };

    while (fd[0].fd >= 0 || fd[1].fd >= 0) {
        double left = until - clock_now();

        if (left <= 0)
            return false;
        if (poll(fd, 2, (int)(left * 1e3) + 1) <= 0)
            continue;
        for (int i = 0; i < 2; i++)
            if (fd[i].revents && !take(fd[i].fd, text[i]))
                fd[i].fd = -1;
    }
    return true;
}

/* Its end, for which a driver may let even what was killed wait; false when it is still
 * there. */
static bool collect(pid_t pid, double until, int *status)
{
    const struct timespec nap = { .tv_nsec = 5000000 };
    pid_t ended;

    while ((ended = waitpid(pid, status, WNOHANG)) == 0 && clock_now() < until)
        nanosleep(&nap, NULL);
    return ended == pid;
}

int ask(const char *const argv[], int seconds, struct buf *out, struct buf *said,
        struct error *err)
{
    int a[2], b[2], status, rc;
    double until = clock_now() + seconds;
    pid_t pid;

    if (pipe2(a, O_CLOEXEC) < 0)
        return error_system(err, "pipe");
    if (pipe2(b, O_CLOEXEC) < 0) {
        rc = error_system(err, "pipe");
        close(a[0]);
        close(a[1]);
        return rc;
    }
    errno = start(argv, a[1], b[1], &pid);
    rc = errno ? error_system(err, "cannot start %s", argv[0]) : 0;
    close(a[1]);
    close(b[1]);
    if (rc == 0) {
        bool in_time = listen_to(a[0], b[0], until, (struct buf *[2]){ out, said }) &&
                       collect(pid, until, &status);

        if (!in_time) {
            kill(-pid, SIGKILL);
            collect(pid, clock_now() + 1, &status);
        }
        rc = !in_time ? error_set(err, E_SYSTEM, "%s gave no answer for %d s", argv[0],
                                  seconds)
             : WIFEXITED(status) ? WEXITSTATUS(status)
                                 : 128 + WTERMSIG(status);
    }
    close(a[0]);
    close(b[0]);
    return rc;
}
