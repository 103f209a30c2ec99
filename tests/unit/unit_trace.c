#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "larder/buf.h"
#include "larder/fs.h"
#include "trace.h"

#include "larder/banned.h"

/* A scratch folder with step/ in it, and a folder beside. */
struct place {
    char base[64];
    struct buf root, step, beside;
};

static void make(const char *path)
{
    cr_assert_eq(fs_mkdirs(path, NULL), 0);
}

static void place_init(struct place *p)
{
    memset(p, 0, sizeof *p);
    snprintf(p->base, sizeof p->base, "/tmp/unit_trace.XXXXXX");
    cr_assert_not_null(mkdtemp(p->base));
    buf_printf(&p->root, "%s/root", p->base);
    buf_printf(&p->step, "%s/root/step", p->base);
    buf_printf(&p->beside, "%s/beside", p->base);
    make(p->step.s);
    make(p->beside.s);
}

static void place_release(struct place *p)
{
    fs_remove_tree(p->base, NULL);
    buf_release(&p->root);
    buf_release(&p->step);
    buf_release(&p->beside);
}

static void put(struct place *p, const char *name)
{
    struct buf path = { 0 };

    fs_join(&path, p->beside.s, name);
    cr_assert_eq(fs_write(path.s, name, strlen(name), false, NULL), 0);
    buf_release(&path);
}

/* Runs argv under a trace, in step/; the status of wait(). */
static int run(struct trace **t, struct place *p, bool refuse, char *const *argv)
{
    struct error err = { 0 };
    int status, rc = trace_new(t, p->root.s, p->step.s, refuse, &err);
    pid_t pid;

    if (rc == TRACE_IMPOSSIBLE)
        cr_skip_test("steps cannot be traced here");
    cr_assert_eq(rc, TRACE_READY, "%s", err.text);
    pid = fork();
    if (pid == 0) {
        if (chdir(p->step.s) == 0 && trace_enter(*t))
            execv(argv[0], argv);
        _exit(99);
    }
    trace_started(*t);
    waitpid(pid, &status, 0);
    trace_end(*t);
    cr_assert(trace_worked(*t));
    return status;
}

/* How the path was used: bits of enum trace_how, 0 when it was not seen. */
static unsigned how(struct trace *t, const char *folder, const char *name)
{
    struct buf path = { 0 };
    size_t n;
    const struct trace_entry *e = trace_seen(t, &n);
    unsigned found = 0;

    fs_join(&path, folder, name);
    for (size_t i = 0; i < n; i++)
        if (!strcmp(e[i].path, path.s))
            found |= e[i].how;
    buf_release(&path);
    return found;
}

Test(trace, sees_threads_children_static_executables_and_every_kind_of_path)
{
    static const char *const file[] = { "from-folder", "from-openat2", "from-thread",
                                        "from-again",  "from-child",   "gone" };
    char looker[] = LARDER_BUILD "/tests/looker";
    struct trace *t;
    struct place p;
    int status;

    place_init(&p);
    for (size_t i = 0; i < sizeof file / sizeof file[0]; i++)
        put(&p, file[i]);
    status = run(&t, &p, false, (char *[]){ looker, p.beside.s, NULL });
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    for (size_t i = 0; i < 4; i++)
        cr_expect_eq(how(t, p.beside.s, file[i]), TRACE_READ, "%s", file[i]);
    cr_expect_eq(how(t, p.beside.s, "from-child"), TRACE_READ | TRACE_WRITE);
    cr_expect_eq(how(t, p.beside.s, "gone"), TRACE_WRITE);
    cr_expect_eq(how(t, p.beside.s, "not-there"), TRACE_ABSENT);
    cr_expect_eq(how(t, p.base, "beside") & TRACE_LIST, TRACE_LIST);
    cr_expect_eq(how(t, LARDER_BUILD, "tests/looker") & TRACE_RUN, TRACE_RUN);
    cr_expect_not(trace_network(t));
    trace_free(t);
    place_release(&p);
}

Test(trace, tells_what_leads_out_of_the_scratch_folder_and_what_is_absent_there)
{
    char script[] = "ln -s ../../beside/a link; read x < link; : > made; read x < made; "
                    "read x < ../../beside/b; [ -e none ]";
    struct trace *t;
    struct place p;

    place_init(&p);
    put(&p, "a");
    put(&p, "b");
    run(&t, &p, false, (char *[]){ "/bin/sh", "-c", script, NULL });
    cr_expect_eq(how(t, p.beside.s, "a"), TRACE_READ);
    cr_expect_eq(how(t, p.beside.s, "b"), TRACE_READ);
    cr_expect_eq(how(t, p.step.s, "none"), TRACE_ABSENT);
    cr_expect_eq(how(t, p.step.s, "made"), 0);
    cr_expect_eq(trace_runs(t), 2, "sh and ln");
    trace_free(t);
    place_release(&p);
}

Test(trace, tells_what_was_only_asked_for)
{
    char script[] = "ln -s a ../../beside/link; [ -e ../../beside/a ]; "
                    "readlink ../../beside/link; [ -e ../../beside/../beside/link ]; "
                    "[ -e ../../beside/none/.. ]";
    struct trace *t;
    struct place p;

    place_init(&p);
    put(&p, "a");
    run(&t, &p, false, (char *[]){ "/bin/sh", "-c", script, NULL });
    cr_expect_eq(how(t, p.beside.s, "a"), TRACE_STAT);
    cr_expect_eq(how(t, p.beside.s, "link") & ~(unsigned)TRACE_WRITE,
                 TRACE_LINK | TRACE_STAT);
    trace_free(t);
    place_release(&p);
}

Test(trace, is_not_cut_by_what_a_step_does_in_its_own_folder)
{
    char script[] = "i=0; while [ $i -lt 17000 ]; do : > f$i; i=$((i + 1)); done; "
                    "read x < ../../beside/a";
    struct trace *t;
    struct place p;

    place_init(&p);
    put(&p, "a");
    run(&t, &p, false, (char *[]){ "/bin/sh", "-c", script, NULL });
    cr_expect_eq(how(t, p.beside.s, "a"), TRACE_READ);
    cr_expect_not(trace_is_cut(t));
    trace_free(t);
    place_release(&p);
}

Test(trace, names_the_interpreter_of_a_script)
{
    static const char text[] = "#! /bin/sh\nexit 3\n";
    struct buf script = { 0 };
    struct trace *t;
    struct place p;
    int status;

    place_init(&p);
    buf_printf(&script, "%s/script", p.step.s);
    cr_assert_eq(fs_write(script.s, text, sizeof text - 1, false, NULL), 0);
    chmod(script.s, 0755);
    status = run(&t, &p, false, (char *[]){ script.s, NULL });
    cr_assert_eq(WEXITSTATUS(status), 3);
    cr_expect_eq(how(t, "/bin", "sh"), TRACE_RUN);
    trace_free(t);
    buf_release(&script);
    place_release(&p);
}

/* Tries a socket of each family; exits with the number of those it got. */
static int count_sockets(void)
{
    static const int family[] = { AF_UNIX, AF_INET, AF_INET6 };
    int n = 0;

    for (size_t i = 0; i < 3; i++)
        n += socket(family[i], SOCK_STREAM, 0) >= 0;
    return n;
}

Test(trace, refuses_internet_sockets_where_it_is_asked_to)
{
    struct place p;

    place_init(&p);
    for (int refuse = 0; refuse < 2; refuse++) {
        struct error err = { 0 };
        struct trace *t;
        int status;
        pid_t pid;

        if (trace_new(&t, p.root.s, p.step.s, refuse, &err) == TRACE_IMPOSSIBLE)
            cr_skip_test("steps cannot be traced here");
        pid = fork();
        if (pid == 0)
            _exit(trace_enter(t) ? count_sockets() : 99);
        trace_started(t);
        waitpid(pid, &status, 0);
        trace_end(t);
        cr_expect_eq(WEXITSTATUS(status), refuse ? 1 : 3);
        cr_expect(trace_network(t));
        trace_free(t);
    }
    place_release(&p);
}

Test(trace, ends_with_the_step_though_a_process_of_it_goes_on)
{
    struct place p;
    struct trace *t;

    place_init(&p);
    run(&t, &p, false,
        (char *[]){ "/bin/sh", "-c", "exec 2> /dev/null; setsid sleep 2 &", NULL });
    trace_free(t);
    place_release(&p);
}

Test(trace, of_a_child_that_never_started_is_empty)
{
    struct error err = { 0 };
    struct place p;
    struct trace *t;
    size_t n;

    place_init(&p);
    if (trace_new(&t, p.root.s, p.step.s, false, &err) == TRACE_IMPOSSIBLE)
        cr_skip_test("steps cannot be traced here");
    trace_started(t);
    trace_end(t);
    trace_seen(t, &n);
    cr_expect_eq(n, 0);
    cr_expect_not(trace_worked(t));
    trace_free(t);
    trace_free(NULL);
    place_release(&p);
}
