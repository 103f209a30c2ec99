#include "kit/stage.h"

#include <assert.h>
#include <ctype.h>
#include <dlfcn.h>
#include <limits.h>

#include "kit/describe.h"
#include "kit/number.h"
#include "larder/buf.h"
#include "larder/map.h"
#include "larder/mem.h"

#include "larder/banned.h"

enum { EXIT_WRONG_USE = 2 };

/* With OMP_DYNAMIC=true libgomp may start fewer threads than it promised, and a library
 * that waits for all of them hangs. libgomp reads the variable when it is loaded, so one
 * that is there already is told by its own call; the kit itself does not link it. */
static void keep_openmp_from_shrinking(void)
{
    union {
        void *symbol;
        void (*call)(int);
    } set_dynamic;

    setenv("OMP_DYNAMIC", "false", 1);
    set_dynamic.symbol = dlsym(RTLD_DEFAULT, "omp_set_dynamic");
    if (set_dynamic.symbol != NULL)
        set_dynamic.call(0);
}

static bool is_port(const struct stage_arg *a)
{
    return a->kind == ARG_IN || a->kind == ARG_OUT;
}

static size_t count_args(const struct stage_arg *args)
{
    size_t n = 0;

    while (args[n].kind != ARG_END)
        n++;
    return n;
}

static bool is_choice(const char *choices, const char *text, size_t n)
{
    size_t length;

    for (;; choices += length + 1) {
        length = strcspn(choices, "|");
        if (length == n && strncmp(choices, text, n) == 0)
            return true;
        if (choices[length] == '\0')
            return false;
    }
}

/* A mistake in a table is ours, and every run of the program would meet it. */
static void assert_table_is_sound(const struct stage_arg *args)
{
    for (const struct stage_arg *a = args; a->kind != ARG_END; a++) {
        const char *choice;

        if (!is_port(a) && !describe_is_option(a))
            continue;
        assert(islower((unsigned char)a->name[0]) && a->to != NULL && a->help != NULL);
        for (const struct stage_arg *b = args; b < a; b++)
            assert(b->name == NULL || describe_is_option(a) != describe_is_option(b) ||
                   strcmp(a->name, b->name) != 0);
        if (a->kind == ARG_INT) {
            assert(a->min >= INT_MIN && a->max <= INT_MAX);
            assert(*(int *)a->to >= a->min && *(int *)a->to <= a->max);
        } else if (a->kind == ARG_FLOAT) {
            assert(*(double *)a->to >= a->min && *(double *)a->to <= a->max);
        } else if (a->kind == ARG_CHOICE) {
            choice = *(const char **)a->to;
            assert(is_choice(a->choices, choice, strlen(choice)));
        }
    }
}

static int out_of_range(const struct stage_arg *a, const char *text, struct error *err)
{
    struct buf range = { 0 };

    describe_range(&range, a);
    error_set(err, E_USAGE, "--%s=%s: out of range: %s is allowed", a->name, text,
              buf_str(&range));
    buf_release(&range);
    return E_USAGE;
}

static int set_int(const struct stage_arg *a, const char *text, struct error *err)
{
    long x = 0;
    enum number_outcome outcome = number_long(text, &x);

    if (outcome == NUMBER_NOT)
        return error_set(err, E_USAGE, "--%s=%s: not a whole number", a->name, text);
    if (outcome == NUMBER_RANGE || (double)x < a->min || (double)x > a->max)
        return out_of_range(a, text, err);
    *(int *)a->to = (int)x;
    return 0;
}

static int set_float(const struct stage_arg *a, const char *text, struct error *err)
{
    double x = 0;
    enum number_outcome outcome = number_double(text, &x);

    if (outcome == NUMBER_NOT)
        return error_set(err, E_USAGE, "--%s=%s: not a number", a->name, text);
    if (outcome == NUMBER_RANGE || x < a->min || x > a->max)
        return out_of_range(a, text, err);
    *(double *)a->to = x;
    return 0;
}

static int set_value(const struct stage_arg *a, const char *text, struct error *err)
{
    switch (a->kind) {
    case ARG_INT:
        return set_int(a, text, err);
    case ARG_FLOAT:
        return set_float(a, text, err);
    case ARG_BOOL:
        if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
            return error_set(err, E_USAGE, "--%s=%s: must be true or false", a->name,
                             text);
        *(bool *)a->to = text[0] == 't';
        return 0;
    case ARG_CHOICE:
        if (!is_choice(a->choices, text, strlen(text)))
            return error_set(err, E_USAGE, "--%s=%s: must be one of %s", a->name, text,
                             a->choices);
        break;
    default:
        break;
    }
    *(const char **)a->to = text;
    return 0;
}

/* The name that somebody probably meant, of the options or of the inputs and outputs. */
static int unknown_name(const struct stage_arg *args, bool option, const char *name,
                        struct error *err)
{
    const char **names = xcalloc(count_args(args) + 1, sizeof *names);
    const char *dashes = option ? "--" : "", *nearest;
    size_t n = 0;

    for (const struct stage_arg *a = args; a->kind != ARG_END; a++)
        if (option ? describe_is_option(a) : is_port(a))
            names[n++] = a->name;
    nearest = nearest_name(name, names, n);
    error_set(err, E_USAGE, "unknown %s %s%s%s%s%s",
              option ? "option" : "input or output", dashes, name,
              nearest != NULL ? "; did you mean " : "", nearest != NULL ? dashes : "",
              nearest != NULL ? nearest : "");
    free(names);
    return E_USAGE;
}

/* The option (option) or the input or output of that name; NULL when there is none. */
static const struct stage_arg *find_argument(const struct stage_arg *args, bool option,
                                             const char *name)
{
    for (const struct stage_arg *a = args; a->kind != ARG_END; a++)
        if ((option ? describe_is_option(a) : is_port(a)) && strcmp(a->name, name) == 0)
            return a;
    return NULL;
}

/* One argument: NAME=PATH or --NAME=VALUE. given[i]: args[i] was there before. */
static int parse_argument(const struct stage_arg *args, const char *text, bool *given,
                          struct error *err)
{
    const struct stage_arg *a;
    bool option = strncmp(text, "--", 2) == 0;
    const char *start = option ? text + 2 : text, *equals = strchr(text, '=');
    char *name;
    int rc;

    if (equals == NULL)
        return error_set(err, E_USAGE, "%s: arguments are NAME=PATH or --OPTION=VALUE",
                         text);
    name = xstrndup(start, (size_t)(equals - start));
    a = find_argument(args, option, name);
    if (a == NULL)
        rc = unknown_name(args, option, name, err);
    else if (given[a - args])
        rc = error_set(err, E_USAGE, "%s is given twice", name);
    else if (is_port(a) && equals[1] == '\0')
        rc = error_set(err, E_USAGE, "%s: the path is empty", name);
    else
        rc = set_value(a, equals + 1, err);
    if (rc == 0)
        given[a - args] = true;
    free(name);
    return rc;
}

static int read_environment(const struct stage_arg *a, struct error *err)
{
    const char *text;

    if (a->kind == ARG_CHECKPOINT) {
        text = getenv("LARDER_CHECKPOINT");
        *(const char **)a->to = text != NULL && text[0] != '\0' ? text : NULL;
    } else if (a->kind == ARG_SEED && (text = getenv("LARDER_SEED")) != NULL) {
        size_t digits = strspn(text, "0123456789abcdefABCDEF");

        if (digits == 0 || digits > 16 || text[digits] != '\0')
            return error_set(err, E_USAGE, "LARDER_SEED=%s: not 1 to 16 hex digits",
                             text);
        *(uint64_t *)a->to = strtoull(text, NULL, 16);
    }
    return 0;
}

static int parse(const struct stage_arg *args, int argc, char **argv, struct error *err)
{
    bool *given = xcalloc(count_args(args) + 1, sizeof *given);
    int rc = 0;

    for (int i = 1; i < argc && rc == 0; i++)
        rc = parse_argument(args, argv[i], given, err);
    for (size_t i = 0; args[i].kind != ARG_END && rc == 0; i++) {
        if (is_port(&args[i]) && !args[i].optional && !given[i])
            rc = error_set(err, E_USAGE, "%s %s=PATH is missing",
                           args[i].kind == ARG_IN ? "input" : "output", args[i].name);
        else
            rc = read_environment(&args[i], err);
    }
    free(given);
    return rc;
}

static int print_and_release(struct buf *text)
{
    bool written = fputs(buf_str(text), stdout) >= 0 && fflush(stdout) == 0;

    buf_release(text);
    return written ? EXIT_SUCCESS : EXIT_FAILURE;
}

int stage_status(int rc, const struct error *err)
{
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", larder_program_name, err->text);
    if (rc == E_USAGE) {
        fprintf(stderr, "%s --help tells more\n", larder_program_name);
        return EXIT_WRONG_USE;
    }
    if (rc == E_AGAIN)
        return STAGE_AGAIN;
    return rc < 0 ? EXIT_FAILURE : rc;
}

int stage_main(int argc, char **argv, const struct stage_arg *args, stage_run *run,
               const void *options)
{
    struct error err = { 0 };
    struct buf text = { 0 };
    int rc;

    keep_openmp_from_shrinking();
    assert_table_is_sound(args);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            describe_help(&text, args);
            return print_and_release(&text);
        }
        if (strcmp(argv[i], "--describe") == 0) {
            describe_json(&text, args);
            return print_and_release(&text);
        }
    }
    rc = parse(args, argc, argv, &err);
    if (rc == 0)
        rc = run(options, &err);
    assert(rc <= 0 || rc == STAGE_AGAIN);
    return stage_status(rc, &err);
}

int stage_threads(void)
{
    const char *text = getenv("LARDER_THREADS");
    long n;

    if (text == NULL || number_long(text, &n) != NUMBER_OK || n < 1)
        return 1;
    return n > 1024 ? 1024 : (int)n;
}

const char *stage_device(void)
{
    const char *device = getenv("LARDER_DEVICE");

    return device != NULL && device[0] != '\0' ? device : "cpu";
}
