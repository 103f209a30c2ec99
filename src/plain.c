#include "plain.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "larder/banned.h"
#include "larder/buf.h"
#include "larder/fs.h"

static bool starts_with(const char *s, const char *start)
{
    return !strncmp(s, start, strlen(start));
}

/* Tools that open the files their arguments name, whatever stands in these. */
static bool is_listed(const char *path)
{
    static const char *const folder[] = { "/bin/", "/usr/bin/" };
    static const char *const name[] = {
        "basename", "bzip2", "cat",  "comm",  "cp",       "cut",  "dd",    "dirname",
        "echo",     "expr",  "grep", "gzip",  "head",     "join", "ln",    "mkdir",
        "mv",       "nl",    "od",   "paste", "printf",   "seq",  "sleep", "sort",
        "tac",      "tail",  "tee",  "tr",    "unexpand", "uniq", "wc",    "xz",
    };
    const char *base = fs_basename(path);
    bool is_system = false;

    for (size_t i = 0; i < sizeof folder / sizeof folder[0]; i++)
        is_system |= starts_with(path, folder[i]) && path + strlen(folder[i]) == base;
    for (size_t i = 0; i < sizeof name / sizeof name[0]; i++)
        if (is_system && !strcmp(base, name[i]))
            return true;
    return false;
}

/* Whether an argument may name a file outside the step's folder, or one from which names
 * of others are read, or a program: all such options are long ones. */
static bool leads_out(const struct arg *arg)
{
    for (size_t i = 0; i < arg->n_words; i++)
        if (arg->word[i].kind == WORD_TEXT &&
            (strchr(arg->word[i].text, '/') ||
             (i == 0 && starts_with(arg->word[i].text, "--"))))
            return true;
    return false;
}

bool plain_of(const struct work *w, struct digest *d)
{
    const struct step *step = w->step;
    struct buf b = { 0 };
    char hex[DIGEST_HEX + 1];

    if (!step->executable || step->n_code || step->n_passed ||
        !is_listed(step->executable))
        return false;
    for (size_t i = 1; i < step->n_args; i++)
        if (leads_out(&step->arg[i]))
            return false;
    buf_printf(&b, "%s %s\n", digest_hex(&w->facts.executable, hex),
               fs_basename(step->executable));
    for (size_t i = 0; i < step->n_env; i++)
        if (step->env_value[i])
            buf_printf(&b, "%s=%s\n", step->env[i], step->env_value[i]);
    digest_bytes(d, b.s, b.len);
    buf_release(&b);
    return true;
}

static bool is_elf(const char *path)
{
    char start[4] = { 0 };
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool yes = fd >= 0 && read(fd, start, sizeof start) == sizeof start &&
               !memcmp(start, "\177ELF", sizeof start);

    if (fd >= 0)
        close(fd);
    return yes;
}

/* Where the system keeps its libraries, and where they are looked for. */
static bool is_for_libraries(const char *path)
{
    static const char *const folder[] = { "/lib/",     "/lib64/",     "/lib32/",
                                          "/usr/lib/", "/usr/lib64/", "/usr/lib32/" };

    for (size_t i = 0; i < sizeof folder / sizeof folder[0]; i++)
        if (starts_with(path, folder[i]))
            return true;
    return false;
}

/* What the libraries read whatever the program does. */
static bool is_of_libraries(const char *path)
{
    static const char *const start[] = { "/etc/ld.so.",
                                         "/usr/lib/locale/",
                                         "/usr/share/locale",
                                         "/etc/selinux/config",
                                         "/selinux",
                                         "/dev/",
                                         "/run/" };

    for (size_t i = 0; i < sizeof start / sizeof start[0]; i++)
        if (starts_with(path, start[i]))
            return true;
    return strstr(path, "/gconv/gconv-modules") != NULL;
}

bool plain_saw(const struct work *w, struct trace *t, struct fence *f)
{
    enum { LOADED = TRACE_READ | TRACE_RUN };
    size_t n;
    const struct trace_entry *e = trace_seen(t, &n);

    if (trace_runs(t) != 1 || !w->step->executable || !is_elf(w->step->executable))
        return false;
    for (size_t i = 0; i < n; i++) {
        bool is_library = is_for_libraries(e[i].path) && !(e[i].how & TRACE_LIST) &&
                          (!(e[i].how & LOADED) || is_elf(e[i].path));

        if ((e[i].how & ~(unsigned)TRACE_WRITE) && !is_library &&
            !is_of_libraries(e[i].path) && !fence_gave(f, e[i].path, &e[i].state))
            return false;
    }
    return true;
}
