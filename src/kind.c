#include "kind.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "larder/banned.h"
#include "larder/buf.h"
#include "larder/fs.h"

void kind_of(const struct work *w, struct digest *d)
{
    const char *text = buf_str(&w->key_text), *in = strstr(text, "\nin "),
               *out = strstr(text, "\nout "), *end = in ? in : out;
    const struct step *step = w->step;
    struct buf b = { 0 };

    buf_add(&b, text, end ? (size_t)(end - text) : strlen(text));
    for (size_t i = 0; i < step->n_inputs; i++)
        for (size_t j = 0; j < step->input[i].n_items; j++) {
            const struct source *source = step->input[i].item[j].source;

            if (source && !source->is_import)
                buf_add(&b, &w->facts.input[i][j].id, sizeof(struct digest));
        }
    digest_bytes(d, b.s, b.len);
    buf_release(&b);
}

/* Programs that read programs, or start others, and may still be seen to load nothing but
 * libraries once; names without their version. */
static bool is_interpreter(const char *path)
{
    static const char *const name[] = {
        "ash",     "awk",    "bash",       "bc",           "bun",      "busybox",
        "csh",     "dash",   "dc",         "deno",         "ed",       "emacs",
        "env",     "ex",     "find",       "fish",         "gawk",     "gmake",
        "gnuplot", "gp",     "guile",      "jq",           "js",       "julia",
        "ksh",     "lua",    "luajit",     "m4",           "make",     "mawk",
        "mksh",    "nawk",   "nice",       "node",         "nodejs",   "nohup",
        "ocaml",   "octave", "octave-cli", "original-awk", "parallel", "perl",
        "php",     "pypy",   "python",     "qjs",          "racket",   "rc",
        "ruby",    "sbcl",   "scheme",     "sed",          "setsid",   "sh",
        "sqlite",  "stdbuf", "tcsh",       "tclsh",        "time",     "timeout",
        "vim",     "wish",   "xargs",      "xsltproc",     "yash",     "zsh",
    };
    const char *base = fs_basename(path);
    size_t n = strlen(base);

    while (n > 0 && strchr("0123456789.-", base[n - 1]))
        n--;
    for (size_t i = 0; i < sizeof name / sizeof name[0]; i++)
        if (strlen(name[i]) == n && !strncmp(name[i], base, n))
            return true;
    return false;
}

bool kind_of_plain(const struct work *w, struct digest *d)
{
    const struct step *step = w->step;
    struct buf b = { 0 };
    char hex[DIGEST_HEX + 1];

    if (!step->executable || step->n_code || is_interpreter(step->executable))
        return false;
    buf_printf(&b, "plain %s %s\n", digest_hex(&w->facts.executable, hex),
               fs_basename(step->executable));
    for (size_t i = 0; i < step->n_env; i++)
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

/* What the C library reads whatever the program does. */
static bool is_of_libc(const char *path)
{
    static const char *const start[] = { "/etc/ld.so.", "/usr/lib/locale/",
                                         "/usr/share/locale/", "/dev/", "/run/" };

    for (size_t i = 0; i < sizeof start / sizeof start[0]; i++)
        if (!strncmp(path, start[i], strlen(start[i])))
            return true;
    return strstr(path, "/gconv/gconv-modules") != NULL;
}

static bool is_gift(struct fence *f, const char *path)
{
    char *real = realpath(path, NULL);
    bool gift = real && fence_gave(f, real);

    free(real);
    return gift;
}

bool kind_saw_plain(const struct work *w, struct trace *t, struct fence *f)
{
    size_t n;
    const struct trace_entry *e = trace_seen(t, &n);

    if (trace_runs(t) != 1 || !w->step->executable || !is_elf(w->step->executable))
        return false;
    for (size_t i = 0; i < n; i++)
        if ((e[i].how & (TRACE_READ | TRACE_RUN | TRACE_LIST)) &&
            !is_of_libc(e[i].path) && !is_gift(f, e[i].path) &&
            ((e[i].how & TRACE_LIST) || !is_elf(e[i].path)))
            return false;
    return true;
}
