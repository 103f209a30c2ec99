/*
 * cpu_of - `cpu_of FILE COMMAND...` runs a command and appends one line to FILE: CPU
 * seconds (user and system, of the command and all its children), seconds by the clock,
 * KiB of the largest process, and the exit status, which is also cpu_of's own.
 */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + 1e-6 * (double)t.tv_usec;
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
    struct rusage u;
    double start = now();
    int status, rc;
    pid_t pid;
    FILE *f;

    if (argc < 3) {
        fputs("usage: cpu_of FILE COMMAND...\n", stderr);
        return 2;
    }
    rc = posix_spawnp(&pid, argv[2], NULL, NULL, argv + 2, environ);
    if (rc != 0) {
        fprintf(stderr, "cpu_of: %s: %s\n", argv[2], strerror(rc));
        return 127;
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    start = now() - start;
    getrusage(RUSAGE_CHILDREN, &u);
    status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    f = fopen(argv[1], "a");
    if (!f) {
        perror(argv[1]);
        return 2;
    }
    fprintf(f, "%.6f\t%.6f\t%ld\t%d\n", seconds(u.ru_utime) + seconds(u.ru_stime), start,
            u.ru_maxrss, status);
    return fclose(f) == 0 ? status : 2;
}
