#include "kit/stage.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <criterion/redirect.h>

const char larder_program_name[] = "sample";
const char larder_program_identity[] = "sha256:00";

struct options {
    const char *set, *extra, *out;
    int count;
    double rate;
    bool flip;
    const char *title, *kind;
    uint64_t seed;
    const char *checkpoint;
};

static struct options o;
static int runs;

static int count_run(const void *options, struct error *err)
{
    (void)err;
    cr_assert_eq(options, &o);
    runs++;
    return STAGE_DONE;
}

static int run_again(const void *options, struct error *err)
{
    (void)options;
    (void)err;
    return STAGE_AGAIN;
}

static int run_failing(const void *options, struct error *err)
{
    (void)options;
    return error_set(err, E_INPUT, "in/set: no pictures");
}

static int call_with(stage_run *run, const char *const *argument, int n)
{
    const struct stage_arg args[] = {
        STAGE_ABOUT("shows what a table can hold"),
        STAGE_IN_SET("set", &o.set, "pictures"),
        STAGE_MAY_IN("extra", &o.extra, "more"),
        STAGE_OUT("out", &o.out, "numbers"),
        STAGE_INT("count", &o.count, 1, 1000, "how many"),
        STAGE_FLOAT("rate", &o.rate, 0, 1, "how fast"),
        STAGE_BOOL("flip", &o.flip, "mirrored"),
        STAGE_STRING("title", &o.title, "a text"),
        STAGE_CHOICE("kind", &o.kind, "plain|robust", "which"),
        STAGE_SEED(&o.seed),
        STAGE_CHECKPOINT(&o.checkpoint),
        STAGE_END,
    };
    char *argv[16] = { "sample" };

    for (int i = 0; i < n; i++)
        argv[i + 1] = (char *)argument[i];
    return stage_main(n + 1, argv, args, run, &o);
}

#define CALL(...)                                              \
    call_with(count_run, (const char *const[]){ __VA_ARGS__ }, \
              sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static void start(void)
{
    o = (struct options){ .count = 30, .rate = 0.05, .title = "t", .kind = "plain" };
    runs = 0;
    cr_redirect_stderr();
    cr_redirect_stdout();
}

TestSuite(stage, .init = start);

Test(stage, fills_the_options_from_the_command_line)
{
    int status = CALL("set=in/a=b", "out=out/x", "--count=12", "--rate=2.5e-1",
                      "--flip=true", "--title=a = b", "--kind=robust");

    cr_assert_eq(status, 0);
    cr_assert_eq(runs, 1);
    cr_assert_str_eq(o.set, "in/a=b");
    cr_assert_null(o.extra);
    cr_assert_str_eq(o.out, "out/x");
    cr_assert_eq(o.count, 12);
    cr_assert_eq(o.rate, 0.25);
    cr_assert(o.flip);
    cr_assert_str_eq(o.title, "a = b");
    cr_assert_str_eq(o.kind, "robust");
}

Test(stage, keeps_defaults_of_what_is_not_given)
{
    cr_assert_eq(CALL("set=a", "out=b"), 0);
    cr_assert_eq(o.count, 30);
    cr_assert_eq(o.rate, 0.05);
    cr_assert_eq(o.seed, 0);
    cr_assert_null(o.checkpoint);
}

static void refuses(const char *argument, const char *why)
{
    FILE *log = cr_get_redirected_stderr();
    char line[512] = "";

    cr_assert_eq(CALL("set=a", "out=b", argument), 2, "accepted %s", argument);
    cr_assert_eq(runs, 0);
    cr_assert_not_null(fgets(line, sizeof line, log));
    cr_assert_not_null(strstr(line, why), "%s: %s", argument, line);
}

struct refusal {
    char argument[40], why[80];
};

ParameterizedTestParameters(stage, refuses_a_wrong_command_line)
{
    static struct refusal cases[] = {
        { "--cuont=3", "unknown option --cuont; did you mean --count" },
        { "--set=x", "unknown option --set" },
        { "count=3", "unknown input or output count" },
        { "--zebra=1", "unknown option --zebra" },
        { "--count", "arguments are NAME=PATH or --OPTION=VALUE" },
        { "-c=3", "unknown input or output -c" },
        { "", "arguments are NAME=PATH" },
        { "out=c", "out is given twice" },
        { "extra=", "the path is empty" },
        { "--count=0", "--count=0: out of range: 1 to 1000 is allowed" },
        { "--count=1001", "out of range" },
        { "--count=99999999999999999999", "out of range" },
        { "--count=4294967297", "out of range" },
        { "--count=3.0", "not a whole number" },
        { "--count=", "not a whole number" },
        { "--count= 3", "not a whole number" },
        { "--count=+3", "not a whole number" },
        { "--count=0x3", "not a whole number" },
        { "--rate=nan", "not a number" },
        { "--rate=inf", "not a number" },
        { "--rate=1e999", "out of range: 0 to 1 is allowed" },
        { "--rate=1.0001", "out of range" },
        { "--rate=0,5", "not a number" },
        { "--rate=0.5x", "not a number" },
        { "--flip=yes", "must be true or false" },
        { "--flip=", "must be true or false" },
        { "--kind=robus", "must be one of plain|robust" },
        { "--kind=plain|robust", "must be one of" },
        { "--kind=", "must be one of" },
    };

    return cr_make_param_array(struct refusal, cases, sizeof cases / sizeof cases[0]);
}

ParameterizedTest(struct refusal *r, stage, refuses_a_wrong_command_line)
{
    refuses(r->argument, r->why);
}

Test(stage, names_what_is_missing)
{
    cr_assert_eq(CALL("set=a"), 2);
    fflush(stderr);
    cr_assert_stderr_eq_str(
        "sample: output out=PATH is missing\nsample --help tells more\n");
}

Test(stage, reads_the_seed_as_hex)
{
    setenv("LARDER_SEED", "6b86b273ff34fce1", 1);
    cr_assert_eq(CALL("set=a", "out=b"), 0);
    cr_assert_eq(o.seed, 0x6b86b273ff34fce1);
}

Test(stage, refuses_a_seed_that_is_not_hex)
{
    static const char *const wrong[] = { "", "xyz", "12345678901234567", "-1", "0x1" };

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        setenv("LARDER_SEED", wrong[i], 1);
        cr_assert_eq(CALL("set=a", "out=b"), 2, "took \"%s\"", wrong[i]);
    }
}

Test(stage, hands_on_the_checkpoint_folder)
{
    setenv("LARDER_CHECKPOINT", "/tmp/c", 1);
    cr_assert_eq(CALL("set=a", "out=b"), 0);
    cr_assert_str_eq(o.checkpoint, "/tmp/c");
}

Test(stage, asks_for_another_try_with_75)
{
    const char *argument[] = { "set=a", "out=b" };

    cr_assert_eq(call_with(run_again, argument, 2), 75);
}

Test(stage, prints_one_error_line_and_fails_with_1)
{
    const char *argument[] = { "set=a", "out=b" };

    cr_assert_eq(call_with(run_failing, argument, 2), 1);
    fflush(stderr);
    cr_assert_stderr_eq_str("sample: in/set: no pictures\n");
}

Test(stage, describes_itself_in_json)
{
    cr_assert_eq(CALL("--describe"), 0);
    cr_assert_eq(runs, 0);
    fflush(stdout);
    cr_assert_stdout_eq_str(
        "{\"larder-program\":1,\"name\":\"sample\",\"about\":\"shows what a table can "
        "hold\","
        "\"identity\":\"sha256:00\",\"seed\":true,\"checkpoint\":true,"
        "\"inputs\":[{\"name\":\"set\",\"shape\":\"set\",\"optional\":false,"
        "\"help\":\"pictures\"},"
        "{\"name\":\"extra\",\"shape\":\"file\",\"optional\":true,\"help\":\"more\"}],"
        "\"outputs\":[{\"name\":\"out\",\"shape\":\"file\",\"help\":\"numbers\"}],"
        "\"options\":[{\"name\":\"count\",\"type\":\"int\",\"min\":1,\"max\":1000,"
        "\"default\":\"30\",\"help\":\"how many\"},"
        "{\"name\":\"rate\",\"type\":\"float\",\"min\":0.0,\"max\":1.0,\"default\":\"0."
        "05\","
        "\"help\":\"how fast\"},"
        "{\"name\":\"flip\",\"type\":\"bool\",\"default\":\"false\",\"help\":"
        "\"mirrored\"},"
        "{\"name\":\"title\",\"type\":\"string\",\"default\":\"t\",\"help\":\"a text\"},"
        "{\"name\":\"kind\",\"type\":\"choice\",\"choices\":[\"plain\",\"robust\"],"
        "\"default\":\"plain\",\"help\":\"which\"}]}\n");
}

Test(stage, threads_are_at_least_one)
{
    static const char *const text[] = {
        "", "0", "-2", "x", "2", "7", "99999999999999999999"
    };
    static const int threads[] = { 1, 1, 1, 1, 2, 7, 1 };

    unsetenv("LARDER_THREADS");
    cr_assert_eq(stage_threads(), 1);
    for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++) {
        setenv("LARDER_THREADS", text[i], 1);
        cr_assert_eq(stage_threads(), threads[i], "LARDER_THREADS=%s", text[i]);
    }
}

Test(stage, the_device_is_the_cpu_unless_told)
{
    unsetenv("LARDER_DEVICE");
    cr_assert_str_eq(stage_device(), "cpu");
    setenv("LARDER_DEVICE", "cuda:1", 1);
    cr_assert_str_eq(stage_device(), "cuda:1");
}

/* Opens a pipe whose writing end is the progress channel; returns the reading end. */
static int watch(void)
{
    int fd[2];
    char text[16];

    cr_assert_eq(pipe(fd), 0);
    snprintf(text, sizeof text, "%d", fd[1]);
    setenv("LARDER_PROGRESS", text, 1);
    fcntl(fd[0], F_SETFL, O_NONBLOCK);
    return fd[0];
}

Test(progress, writes_lines)
{
    int fd = watch();
    char text[256] = "";

    progress_step(3, 10, "pictures");
    progress_metric("loss", 0.125);
    progress_note("epoch %d\nof two", 1);
    cr_assert(read(fd, text, sizeof text - 1) > 0);
    cr_assert_str_eq(
        text, "progress 3 10 pictures\nmetric loss 0.125\nnote epoch 1\\nof two\n");
}

Test(progress, steps_are_few_but_the_last_always_comes)
{
    int fd = watch();
    char text[4096] = "";
    int lines = 0;

    for (long i = 1; i <= 1000; i++)
        progress_step(i, 1000, "steps");
    cr_assert(read(fd, text, sizeof text - 1) > 0);
    for (const char *s = text; *s != '\0'; s++)
        lines += *s == '\n';
    cr_assert(lines < 50, "%d lines", lines);
    cr_assert_not_null(strstr(text, "progress 1000 1000 steps\n"));
}

Test(progress, a_watcher_that_goes_does_not_end_the_work)
{
    close(watch());
    progress_note("nobody hears this");
    progress_metric("nor", 1);
}

Test(progress, a_full_pipe_does_not_block_a_nonblocking_channel)
{
    int fd = watch(), end = atoi(getenv("LARDER_PROGRESS"));

    fcntl(end, F_SETFL, O_NONBLOCK);
    for (int i = 0; i < 5000; i++)
        progress_note("%0100d", i);
    close(fd);
}

struct descriptor {
    char text[24];
};

ParameterizedTestParameters(progress, is_silent_without_a_usable_descriptor)
{
    static struct descriptor cases[] = {
        { "" }, { "-1" }, { "x" }, { "60000" }, { "99999999999999999999" }
    };

    return cr_make_param_array(struct descriptor, cases, sizeof cases / sizeof cases[0]);
}

ParameterizedTest(struct descriptor *d, progress, is_silent_without_a_usable_descriptor)
{
    setenv("LARDER_PROGRESS", d->text, 1);
    progress_note("to nobody");
    progress_step(1, 2, "steps");
    cr_assert_eq(fcntl(60000, F_GETFD), -1);
}
