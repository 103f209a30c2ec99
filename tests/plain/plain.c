/*
 * plain - the main of unit tests without Criterion: each test in a process of its own. It
 * tells how many there were and ends with 0, or with 1 when one failed.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "criterion/criterion.h"

enum { FAILED = 1, SKIPPED = 77, TIMEOUT_S = 600 };

jmp_buf plain_next_parameter;
static bool parameterized; /* of the test that runs */
static struct plain_test *first, **last = &first, *suites;

void plain_add(struct plain_test *t)
{
    *last = t;
    last = &t->next;
}

void plain_add_suite(struct plain_test *s)
{
    s->next = suites;
    suites = s;
}

void plain_fail(const char *file, int line, const char *what, ...)
{
    va_list args;

    fprintf(stderr, "%s:%d: ", file, line);
    va_start(args, what);
    vfprintf(stderr, what, args);
    va_end(args);
    fputc('\n', stderr);
    _exit(FAILED);
}

void plain_say(const char *what, ...)
{
    va_list args;

    va_start(args, what);
    vfprintf(stderr, what, args);
    va_end(args);
    fputc('\n', stderr);
}

void plain_skip(const char *why, ...)
{
    (void)why;
    if (parameterized)
        longjmp(plain_next_parameter, 1);
    _exit(SKIPPED);
}

static void run(const struct plain_test *t)
{
    const struct plain_test *s = suites;

    while (s && strcmp(s->suite, t->suite) != 0)
        s = s->next;
    if (s && s->init)
        s->init();
    if (t->init)
        t->init();
    parameterized = t->parameterized;
    t->run();
    if (t->fini)
        t->fini();
    if (s && s->fini)
        s->fini();
}

/* What became of it: 0, FAILED, SKIPPED or 128 and the signal. */
static int run_apart(const struct plain_test *t)
{
    int status = 0;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid < 0)
        return FAILED;
    if (pid == 0) {
        alarm(t->timeout > 0 ? (unsigned)t->timeout * 10 : TIMEOUT_S);
        run(t);
        exit(0); /* a sanitizer may have more to say */
    }
    waitpid(pid, &status, 0);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int main(void)
{
    int n = 0, n_failed = 0, n_skipped = 0;

    for (const struct plain_test *t = first; t; t = t->next, n++) {
        int rc = run_apart(t);

        n_skipped += rc == SKIPPED;
        n_failed += rc != 0 && rc != SKIPPED;
        if (rc != 0 && rc != SKIPPED)
            fprintf(stderr, "%s: %s fails (%d)\n", t->suite, t->name, rc);
    }
    printf("%d tests, %d failed, %d skipped\n", n, n_failed, n_skipped);
    return n_failed > 0 || n == 0;
}
