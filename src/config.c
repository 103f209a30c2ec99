#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/buf.h"
#include "larder/fs.h"
#include "larder/keyring.h"
#include "larder/remotes.h"

#include "machine.h"
#include "node.h"
#include "pos.h"
#include "resources.h"

static const char *const link_word[] = { "auto", "hard", "copy" };

static bool is_jobs(const char *text)
{
    char *end;
    long n = strtol(text, &end, 10);

    return !strcmp(text, "auto") ||
           (isdigit((unsigned char)*text) && !*end && n >= 1 && n <= 4096);
}

static bool is_gpus(const char *text)
{
    char *end;
    long n = strtol(text, &end, 10);

    return !strcmp(text, "auto") ||
           (isdigit((unsigned char)*text) && !*end && n >= 0 && n <= MACHINE_GPUS);
}

static bool is_lab_store(const char *text)
{
    return !strcmp(text, "none") || *text == '/';
}

static bool is_link(const char *text)
{
    for (size_t i = 0; i < sizeof link_word / sizeof link_word[0]; i++)
        if (!strcmp(text, link_word[i]))
            return true;
    return false;
}

static bool is_quota(const char *text)
{
    double bytes;

    return !strcmp(text, "none") || resources_bytes(text, &bytes);
}

static bool is_sandbox(const char *text)
{
    return sandbox_mode_of(text) != N_SANDBOX;
}

static bool is_executor(const char *text)
{
    return !strcmp(text, "local") || !strcmp(text, "slurm");
}

/* Words that begin with --, as sbatch takes them; they reach no shell. */
static bool is_slurm_options(const char *text)
{
    for (const char *p = text; *p; p += strcspn(p, " "), p += strspn(p, " "))
        if (strncmp(p, "--", 2) != 0 || !isalpha((unsigned char)p[2]))
            return false;
    return true;
}

static bool is_key(const char *text)
{
    return key_name_is_valid(text);
}

/* A path that is absolute as it stands or by its first variable. */
static bool is_scratch(const char *text)
{
    return !strcmp(text, "auto") || *text == '/' || *text == '$';
}

static const struct known {
    const char *name, *variable;
    const char *standard; /* the value that is built in */
    bool (*is_valid)(const char *text);
    const char *wants; /* for the message */
} known[N_CONFIG] = {
    [CONFIG_EXECUTOR] = { "executor", "LARDER_EXECUTOR", "local", is_executor,
                          "local or slurm" },
    [CONFIG_GPUS] = { "gpus", "LARDER_GPUS", "auto", is_gpus,
                      "auto or a number from 0 to 64" },
    [CONFIG_JOBS] = { "jobs", "LARDER_JOBS", "auto", is_jobs,
                      "auto or a number from 1 to 4096" },
    [CONFIG_KEY] = { "key", "LARDER_KEY", "auto", is_key,
                     "auto or the name of a key of ours" },
    [CONFIG_LAB_STORE] = { "lab-store", "LARDER_LAB_STORE", "none", is_lab_store,
                           "none or an absolute path" },
    [CONFIG_LINK] = { "link", "LARDER_LINK", "auto", is_link, "auto, hard or copy" },
    [CONFIG_QUOTA] = { "quota", "LARDER_QUOTA", "none", is_quota,
                       "none or a size, as 200GiB" },
    [CONFIG_SANDBOX] = { "sandbox", "LARDER_SANDBOX", "enforce", is_sandbox,
                         "off, warn or enforce" },
    [CONFIG_SCRATCH] = { "scratch", "LARDER_SCRATCH", "auto", is_scratch,
                         "auto or an absolute path, in which $NAME stands for a "
                         "variable" },
    [CONFIG_SLURM_OPTIONS] = { "slurm.options", "LARDER_SLURM_OPTIONS", "",
                               is_slurm_options,
                               "options of sbatch, as --partition=gpu --account=lab" },
};

static const char remote_word[] = "remote.";
static const char remotes_variable[] = "LARDER_REMOTE";

static const struct known *find_known(const char *name)
{
    for (size_t i = 0; i < N_CONFIG; i++)
        if (!strcmp(known[i].name, name))
            return &known[i];
    return NULL;
}

static int unknown_name(const struct pos *pos, const char *name, struct error *err)
{
    const char *names[N_CONFIG + 1];

    for (size_t i = 0; i < N_CONFIG; i++)
        names[i] = known[i].name;
    names[N_CONFIG] = "remote.NAME";
    return suggest_error(pos, err, name, names, N_CONFIG + 1, "there is no setting %s",
                         name);
}

/* Cuts the blanks at both ends of s[0..n) and keeps the rest. */
static char *trimmed(struct config *c, const char *s, size_t n)
{
    while (n && isblank((unsigned char)*s)) {
        s++;
        n--;
    }
    while (n && isblank((unsigned char)s[n - 1]))
        n--;
    return arena_strndup(&c->arena, s, n);
}

/* The files are read from the weakest: what a file says goes before all that was said,
 * behind what it said itself. */
static int add_remote(struct config *c, const struct pos *pos, int file, const char *name,
                      const char *place, struct error *err)
{
    struct error why = { 0 };
    size_t at = 0;

    if (!key_name_is_valid(name))
        return pos_error(pos, err,
                         "'%s' cannot name a remote: letters, digits, '.', '_' and '-'",
                         name);
    if (remote_place_check(place, &why) < 0)
        return pos_error(pos, err, "%s%s: %s", remote_word, name, why.text);
    while (at < c->n_remotes && c->remote[at].file == file)
        at++;
    for (size_t i = 0; i < c->n_remotes; i++) {
        if (strcmp(c->remote[i].name, name) != 0)
            continue;
        if (c->remote[i].file == file)
            return pos_error(pos, err, "%s%s is set twice, first on line %d", remote_word,
                             name, c->remote[i].line);
        c->n_remotes--;
        memmove(c->remote + i, c->remote + i + 1, (c->n_remotes - i) * sizeof *c->remote);
        break;
    }
    GROW(c->remote, c->n_remotes + 1, c->cap_remotes);
    memmove(c->remote + at + 1, c->remote + at, (c->n_remotes - at) * sizeof *c->remote);
    c->remote[at] = (struct config_remote){
        .name = name,
        .place = place,
        .origin = arena_printf(&c->arena, "%s:%d", pos->file, pos->line),
        .line = pos->line,
        .file = file,
    };
    c->n_remotes++;
    return 0;
}

/* One line without its end. line[i] of the file is where setting i stood before. */
static int read_line(struct config *c, struct pos pos, int file, const char *s, size_t n,
                     int *line, struct error *err)
{
    size_t blank = strspn(s, " \t"), eq;
    const struct known *k;
    const char *name, *value;

    if (blank >= n || s[blank] == '#')
        return 0;
    pos.column = (int)blank + 1;
    eq = strcspn(s, "=\n");
    if (eq >= n)
        return pos_error(&pos, err, "a line here is `name = value`");
    name = trimmed(c, s, eq);
    value = trimmed(c, s + eq + 1, n - eq - 1);
    if (!strncmp(name, remote_word, strlen(remote_word)))
        return add_remote(c, &pos, file, name + strlen(remote_word), value, err);
    k = find_known(name);
    if (!k)
        return unknown_name(&pos, name, err);
    if (line[k - known])
        return pos_error(&pos, err, "%s is set twice, first on line %d", name,
                         line[k - known]);
    if (!k->is_valid(value)) {
        pos.column = (int)(eq + 2 + strspn(s + eq + 1, " \t"));
        return pos_error(&pos, err, "%s takes %s, not '%s'", name, k->wants, value);
    }
    if (k == &known[CONFIG_LAB_STORE] && !strcmp(pos.file, "larder.conf"))
        return pos_error(
            &pos, err,
            "%s is not for a project to say, since its results are believed "
            "as yours are: write it into .larder/config, or the file of your "
            "own settings",
            name);
    line[k - known] = pos.line;
    c->value[k - known] =
        (struct config_value){ value,
                               arena_printf(&c->arena, "%s:%d", pos.file, pos.line) };
    return 0;
}

/* shown: as the user would name the file. An absent one says nothing. rank: the higher,
 * the stronger. */
static int read_file(struct config *c, int rank, const char *shown, const char *path,
                     struct error *err)
{
    struct recipe_text text = { .file = shown, .path = path };
    struct pos pos = { .file = shown, .line = 1, .column = 1, .text = &text };
    struct buf b = { 0 };
    int line[N_CONFIG] = { 0 }, rc = 0;

    if (!fs_exists(path))
        return 0;
    rc = fs_read(path, &b, err);
    text.s = buf_str(&b);
    text.n = strlen(text.s); /* a NUL ends it */
    for (const char *s = text.s; rc == 0 && *s; pos.line++) {
        size_t n = strcspn(s, "\n");
        const char *next = s + n + (s[n] == '\n');

        if (n && s[n - 1] == '\r')
            n--;
        rc = read_line(c, pos, rank, s, n, line, err);
        s = next;
    }
    buf_release(&b);
    return rc;
}

/* The files, from the weakest. */
static int read_files(struct config *c, const char *project, struct error *err)
{
    static const char *const own[] = { "larder.conf", ".larder/config" };
    const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME"), *path = NULL;
    int rc = read_file(c, 0, "/etc/larder/config", "/etc/larder/config", err);

    if (xdg && xdg[0] == '/')
        path = arena_printf(&c->arena, "%s/larder/config", xdg);
    else if (home && home[0] == '/')
        path = arena_printf(&c->arena, "%s/.config/larder/config", home);
    if (rc == 0 && path)
        rc = read_file(c, 1, path, path, err);
    for (size_t i = 0; i < sizeof own / sizeof own[0] && rc == 0; i++)
        rc = read_file(c, 2 + (int)i, own[i],
                       arena_printf(&c->arena, "%s/%s", project, own[i]), err);
    return rc;
}

/* `LARDER_REMOTE=PLACE...` stands for all remotes; empty, for none. */
static int read_remotes(struct config *c, struct error *err)
{
    const char *s = getenv(remotes_variable);

    if (!s)
        return 0;
    c->n_remotes = 0;
    for (s += strspn(s, " "); *s; s += strspn(s, " ")) {
        char *place = arena_strndup(&c->arena, s, strcspn(s, " "));

        if (remote_place_check(place, err) < 0)
            return error_context(err, "the variable %s", remotes_variable);
        GROW(c->remote, c->n_remotes + 1, c->cap_remotes);
        c->remote[c->n_remotes++] = (struct config_remote){ .name = place,
                                                            .place = place,
                                                            .origin = remotes_variable };
        s += strlen(place);
    }
    return 0;
}

static int read_variables(struct config *c, struct error *err)
{
    int rc = read_remotes(c, err);

    if (rc < 0)
        return rc;
    for (size_t i = 0; i < N_CONFIG; i++) {
        const struct known *k = &known[i];
        const char *value = getenv(k->variable);

        if (!value || !*value)
            continue;
        if (!k->is_valid(value))
            return error_set(err, E_USAGE, "the variable %s takes %s, not '%s'",
                             k->variable, k->wants, value);
        c->value[i] =
            (struct config_value){ arena_strdup(&c->arena, value), k->variable };
    }
    return 0;
}

int config_read(struct config *c, const char *project, const struct cli *cli,
                struct error *err)
{
    int rc;

    *c = (struct config){ 0 };
    for (size_t i = 0; i < N_CONFIG; i++)
        c->value[i] = (struct config_value){ known[i].standard, "built-in" };
    rc = read_files(c, project, err);
    if (rc == 0)
        rc = read_variables(c, err);
    if (rc == 0 && cli->executor)
        c->value[CONFIG_EXECUTOR] = (struct config_value){ cli->executor, "--executor" };
    if (rc == 0 && cli->sandbox)
        c->value[CONFIG_SANDBOX] = (struct config_value){ cli->sandbox, "--sandbox" };
    if (rc == 0 && cli->jobs)
        c->value[CONFIG_JOBS] =
            (struct config_value){ arena_printf(&c->arena, "%d", cli->jobs), "--jobs" };
    if (rc < 0)
        config_release(c);
    return rc;
}

void config_release(struct config *c)
{
    free(c->remote);
    arena_release(&c->arena);
    *c = (struct config){ 0 };
}

const char *config_name(enum config_name name)
{
    return known[name].name;
}

const char *config_key(const struct config *c)
{
    const char *name = c->value[CONFIG_KEY].text;

    return strcmp(name, known[CONFIG_KEY].standard) ? name : NULL;
}

int config_jobs(const struct config *c)
{
    return (int)strtol(c->value[CONFIG_JOBS].text, NULL, 10); /* "auto" gives 0 */
}

const char *config_lab_store(const struct config *c)
{
    const char *text = c->value[CONFIG_LAB_STORE].text;

    return *text == '/' ? text : NULL;
}

long long config_quota(const struct config *c)
{
    double bytes;

    return resources_bytes(c->value[CONFIG_QUOTA].text, &bytes) ? (long long)bytes : -1;
}

int config_gpus(const struct config *c)
{
    const char *text = c->value[CONFIG_GPUS].text;

    return !strcmp(text, "auto") ? -1 : (int)strtol(text, NULL, 10);
}

enum link_mode config_link(const struct config *c)
{
    enum link_mode mode = LINK_AUTO;

    while (strcmp(link_word[mode], c->value[CONFIG_LINK].text) != 0)
        mode++;
    return mode;
}

bool config_is_slurm(const struct config *c)
{
    return !strcmp(c->value[CONFIG_EXECUTOR].text, "slurm");
}

const char *config_slurm_options(const struct config *c)
{
    return c->value[CONFIG_SLURM_OPTIONS].text;
}

enum sandbox_mode config_sandbox(const struct config *c)
{
    return sandbox_mode_of(c->value[CONFIG_SANDBOX].text);
}

static int add_variable(const struct config_value *v, const char *name, size_t n,
                        struct buf *path, struct error *err)
{
    char *whole = xstrndup(name, n);
    const char *value = getenv(whole);
    int rc = 0;

    if (!value || !*value)
        rc = error_set(err, E_USAGE,
                       "%s: `scratch = %s` needs the variable %s, which is not set on "
                       "this machine",
                       v->origin, v->text, whole);
    else
        buf_adds(path, value);
    free(whole);
    return rc;
}

int config_scratch(const struct config *c, struct buf *path, struct error *err)
{
    const struct config_value *v = &c->value[CONFIG_SCRATCH];
    int rc = 0;

    if (!strcmp(v->text, known[CONFIG_SCRATCH].standard))
        return 0;
    for (const char *p = v->text; *p && rc == 0;) {
        size_t n = strcspn(p, "$");

        buf_add(path, p, n);
        p += n;
        if (*p) {
            n = strspn(++p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
                            "0123456789");
            rc = add_variable(v, p, n, path, err);
            p += n;
        }
    }
    if (rc == 0 && path->s[0] != '/')
        rc = error_set(err, E_USAGE, "%s: `scratch = %s` is %s, no absolute path",
                       v->origin, v->text, path->s);
    return rc;
}
