/* Makes each mistake in a process of its own and sees that it is caught, and that the
 * same done right passes. With two arguments, NAME and wrong or right: one of them here. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mistakes.h"

static const struct mistake *const all[] = { mistakes_memory, mistakes_order,
                                             mistakes_capture, mistakes_library,
                                             mistakes_kernel,
#ifdef WITH_NCCL
                                             mistakes_ranks,
#endif
};

float *counted(float first)
{
    float host[VALUES], *x;

    for (int i = 0; i < VALUES; i++)
        host[i] = first + (float)i;
    if (must(cudaMalloc((void **)&x, sizeof host), "cudaMalloc"))
        exit(2);
    must(cudaMemcpy(x, host, sizeof host, cudaMemcpyHostToDevice), "cudaMemcpy");
    return x;
}

int check_counts(const float *x, float first)
{
    for (int i = 0; i < VALUES; i++)
        if (x[i] != first + (float)i)
            return 1;
    return 0;
}

int check_device(float *x, float first)
{
    float host[VALUES];
    int bad;

    must(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
    must(cudaMemcpy(host, x, sizeof host, cudaMemcpyDeviceToHost), "cudaMemcpy");
    bad = check_counts(host, first);
    must(cudaFree(x), "cudaFree");
    return bad;
}

int must(cudaError_t e, const char *what)
{
    if (e != cudaSuccess)
        fprintf(stderr, "%s: %s\n", what, cudaGetErrorName(e));
    return e != cudaSuccess;
}

static void set(const struct mistake *m)
{
    for (int i = 0; i < 2 && m->set[i] != NULL; i++) {
        char *name = strdup(m->set[i]), *value = strchr(name, '=');
        *value = '\0';
        setenv(name, value + 1, 1);
        free(name);
    }
}

/* What the child says, and its status. */
static int run(const struct mistake *m, bool wrong, char *said, size_t n)
{
    int pipes[2], status;
    ssize_t got, at = 0;
    pid_t child;

    if (pipe(pipes) < 0 || (child = fork()) < 0)
        exit(2);
    if (child == 0) {
        dup2(pipes[1], STDERR_FILENO);
        close(pipes[0]);
        close(pipes[1]);
        set(m);
        exit(m->make(wrong));
    }
    close(pipes[1]);
    while ((got = read(pipes[0], said + at, n - 1 - (size_t)at)) > 0)
        at += got;
    said[at] = '\0';
    close(pipes[0]);
    waitpid(child, &status, 0);
    return status;
}

static int check(const struct mistake *m)
{
    char said[2000];
    int status = run(m, false, said, sizeof said), bad = 0;

    if (status != 0 || said[0] != '\0') {
        printf("%s, done right, does not pass (%d): %s\n", m->name, status, said);
        bad = 1;
    }
    status = run(m, true, said, sizeof said);
    if (m->told == NULL && (!WIFEXITED(status) || WEXITSTATUS(status) != 1)) {
        printf("%s is not caught (%d): %s\n", m->name, status, said);
        bad = 1;
    }
    if (m->told != NULL && (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT ||
                            strstr(said, m->told) == NULL)) {
        printf("%s is not told (%d), as \"%s\": %s\n", m->name, status, m->told, said);
        bad = 1;
    }
    return bad;
}

int main(int argc, char **argv)
{
    int n = 0, bad = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        for (const struct mistake *m = all[i]; m->name != NULL; m++, n++) {
            if (argc == 3 && strcmp(argv[1], m->name) == 0) {
                set(m);
                return m->make(strcmp(argv[2], "wrong") == 0);
            }
            bad += argc == 3 ? 0 : check(m);
        }
    }
    printf("%d mistakes, %d of them not caught or seen where there is none\n", n, bad);
    return bad > 0 || argc == 3;
}
