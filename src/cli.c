#include "cli.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/buf.h"
#include "larder/map.h"
#include "larder/mem.h"
#include "larder/remotes.h"

#define FIELD(f) offsetof(struct cli, f)

const struct option cli_option[] = {
    { 'n', "dry-run", NULL, OPT_FLAG, FIELD(dry_run), " run unbundle gc ",
      "tell what would be done and why, and do nothing", NULL },
    { 'k', "keep-going", NULL, OPT_FLAG, FIELD(keep_going), " run ",
      "when a step fails, still run those that do not need it", NULL },
    { 'j', "jobs", "N", OPT_NUMBER, FIELD(jobs), " run config verify ",
      "cpu slots; by default the processors that we may use", NULL },
    { 'B', "remake", NULL, OPT_FLAG, FIELD(remake), " run plan status ",
      "run the chosen steps even where a record answers", NULL },
    { 'f', "file", "FILE", OPT_TEXT, FIELD(recipe), NULL,
      "the recipe; by default larder.yaml", NULL },
    { 'C', "folder", "DIR", OPT_TEXT, FIELD(folder), NULL,
      "the project; by default the current folder", NULL },
    { 'P', "profile", "PROFILE", OPT_TEXT, FIELD(profile), NULL,
      "the profile of the recipe to lay over it", NULL },
    { 'S', "set", "NAME=VALUE", OPT_SETTING, FIELD(setting), NULL,
      "set a parameter of the recipe (-S train.epochs=3)", NULL },
    { 'q', "quiet", NULL, OPT_FLAG, FIELD(quiet), NULL, "print errors and results only",
      NULL },
    { 'v', "verbose", NULL, OPT_COUNT, FIELD(verbose), NULL,
      "name every step that starts or is reused, and why", NULL },
    { 0, "json", NULL, OPT_FLAG, FIELD(json),
      " run status plan diff graph du doctor push pull bundle unbundle fsck verify "
      "gc pin version ",
      "print one JSON document on standard output", NULL },
    { 0, "hit", NULL, OPT_FLAG, FIELD(hit), " why ",
      "on what a result rests that is reused: whose record, since when", NULL },
    { 0, "format", "FORMAT", OPT_CHOICE, FIELD(format), " graph ",
      "dot (default), mermaid or json", "dot mermaid json" },
    { 0, "events", NULL, OPT_FLAG, FIELD(events), " run job ",
      "print a JSON object, a line each, for all that happens", NULL },
    { 0, "color", "WHEN", OPT_CHOICE, FIELD(color), NULL, "auto, always or never",
      "auto always never" },
    { 0, "force", NULL, OPT_FLAG, FIELD(force), " run get ",
      "overwrite placed files that were changed by hand", NULL },
    { 0, "repair", NULL, OPT_FLAG, FIELD(repair), " fsck ",
      "remove what is damaged, and the records of what is lost", NULL },
    { 0, "rebuild", NULL, OPT_FLAG, FIELD(rebuild), " fsck ",
      "also bring into order what lies in the wrong place, or cannot be read", NULL },
    { 0, "sandbox", "MODE", OPT_CHOICE, FIELD(sandbox), " run job config verify ",
      "off, warn or enforce (default): what a step may read and write",
      "off warn enforce" },
    { 0, "executor", "WHERE", OPT_CHOICE, FIELD(executor), " run config ",
      "where steps run: local (default) or slurm", "local slurm" },
    { 0, "trace", NULL, OPT_FLAG, FIELD(trace), " run ",
      "watch every step that runs, and name what it was refused", NULL },
    { 0, "keep-scratch", NULL, OPT_FLAG, FIELD(keep_scratch), " run ",
      "leave the scratch folder of a step that fails", NULL },
    { 0, "exit-code", NULL, OPT_FLAG, FIELD(exit_code), " status plan ",
      "exit with 4 when there is something to run", NULL },
    { 0, "show-origin", NULL, OPT_FLAG, FIELD(show_origin), " config ",
      "tell also where each setting was made", NULL },
    { 0, "remote", "REMOTE", OPT_TEXT, FIELD(remote),
      " run plan push pull get log report export bundle serve gc verify attest ",
      "this remote only, by its name in the settings or as " REMOTE_PLACES, NULL },
    { 0, "listen", "ADDRESS", OPT_TEXT, FIELD(listen), " serve ",
      "by default 127.0.0.1:5273; 0.0.0.0 lets other machines in", NULL },
    { 0, "writable", NULL, OPT_FLAG, FIELD(writable), " serve ",
      "others may push into the folder of --remote", NULL },
    { 0, "token", "FILE", OPT_TEXT, FIELD(token), " serve ",
      "answer only who shows what is in FILE, as a password", NULL },
    { 0, "tls", "CERT,KEY", OPT_TEXT, FIELD(tls), " serve ",
      "https, with the certificate and the key in these files (PEM)", NULL },
    { 0, "verify", NULL, OPT_FLAG, FIELD(verify), " push ",
      "read what the remote has, and replace what is damaged there", NULL },
    { 0, "rerun", "P%", OPT_MAY, FIELD(rerun), " verify ",
      "run the steps named once more, or that share of them, and compare what they give",
      "100%" },
    { 0, "env", "NAME=VALUE", OPT_MANY, FIELD(env), " verify ",
      "with --rerun: a variable for these steps, which is signed with what comes out",
      NULL },
    { 0, "attestations", NULL, OPT_FLAG, FIELD(attestations), " pull ",
      "ask each remote for what others say of each result", NULL },
    { 0, "vouch", NULL, OPT_FLAG, FIELD(vouch), " attest ",
      "sign although nothing was made again", NULL },
    { 0, "require-remote", NULL, OPT_FLAG, FIELD(require_remote),
      " run plan pull get log report export bundle verify attest ",
      "a remote that is away is an error (7), not a miss", NULL },
    { 0, "name", "NAME", OPT_TEXT, FIELD(name), " pin ",
      "how the pin is called; by default as the target", NULL },
    { 0, "grace", "DURATION", OPT_TEXT, FIELD(grace), " gc ",
      "what was made or used so shortly ago stays; by default 24h", NULL },
    { 0, "yes", NULL, OPT_FLAG, FIELD(yes), " gc ",
      "really remove something from the remote of --remote", NULL },
    { 0, "older", "DURATION", OPT_TEXT, FIELD(older), " gc ",
      "results that nobody has used for so long go (90d)", NULL },
    { 0, "quota", "SIZE", OPT_TEXT, FIELD(quota), " gc ",
      "results go until all takes no more (200GiB), or none; by default the setting",
      NULL },
    { 0, "stages", "GLOB", OPT_TEXT, FIELD(stages), " trust ",
      "trust the key with the stages whose names fit, only", NULL },
    { 'o', "output", "FILE", OPT_TEXT, FIELD(output), " bundle ",
      "the file to write, as results.tar.zst", NULL },
    { 0, "closure", "WHAT", OPT_CHOICE, FIELD(closure), " bundle ",
      "what goes with the records: records, outputs (default) or all",
      "records outputs all" },
    { 0, "max-size", "SIZE", OPT_TEXT, FIELD(max_size), " bundle ",
      "divide it into files of at most that size, as 700MB or 2GiB", NULL },
    { 0, "key", "FILE|PUBLICKEY", OPT_TEXT, FIELD(key), " unbundle ",
      "trust this key, beside those that the project trusts", NULL },
    { 0, "from-dvc", "FILE", OPT_TEXT, FIELD(from_dvc), " init ",
      "write larder.yaml beside a dvc.yaml, of its stages", NULL },
    { 0, "man", NULL, OPT_FLAG, FIELD(man), " help ",
      "print it as a manual page, for man -l", NULL },
    { 'h', "help", NULL, OPT_FLAG, FIELD(help), NULL, "print help", NULL },
    { 0, "version", NULL, OPT_FLAG, FIELD(version), " ", "the same as `larder version`",
      NULL },
    { 0 },
};
enum { N_OPTIONS = sizeof cli_option / sizeof cli_option[0] - 1 };

const struct exit_status cli_exit_status[] = {
    { 0, "done" },
    { 1, "a step failed" },
    { 2, "the command line is wrong" },
    { 3, "the recipe is invalid, or a file that it names" },
    { EXIT_WORK_FOUND, "there is something to run (status --exit-code)" },
    { EXIT_MISMATCH,
      "verification mismatch: bytes are not what their name says, or a result is "
      "another when made again" },
    { 6, "trust refused: no key that is trusted says so, or ours is not safe" },
    { 7, "what is needed of the network is away: a remote, or the server of an import" },
    { 8, "the machine refused: disk full, no permission, no memory, no device" },
    { EXIT_NO_PROJECT, "no project here, or no recipe in it" },
    { EXIT_OUR_FAULT, "a fault of Larder's own" },
    { 128, "128 + N: stopped by signal N" },
    { 0, NULL },
};

bool cli_takes(const struct command *c, const struct option *o)
{
    struct buf word = { 0 };
    bool yes;

    if (!o->commands || !c)
        return true;
    buf_printf(&word, " %s ", c->name);
    yes = strstr(o->commands, buf_str(&word)) != NULL;
    buf_release(&word);
    return yes;
}

static const struct option *find_long(const char *name, size_t n)
{
    for (size_t i = 0; i < N_OPTIONS; i++)
        if (strlen(cli_option[i].name) == n && !memcmp(cli_option[i].name, name, n))
            return &cli_option[i];
    return NULL;
}

static const struct option *find_letter(char letter)
{
    for (size_t i = 0; i < N_OPTIONS; i++)
        if (cli_option[i].letter == letter)
            return &cli_option[i];
    return NULL;
}

static int unknown_option(const char *name, struct error *err)
{
    const char *known[N_OPTIONS], *near;

    for (size_t i = 0; i < N_OPTIONS; i++)
        known[i] = cli_option[i].name;
    near = nearest_name(name, known, N_OPTIONS);
    if (near)
        return error_set(err, E_USAGE, "no such option: --%s; did you mean --%s?", name,
                         near);
    return error_set(err, E_USAGE, "no such option: --%s; `larder --help` lists them",
                     name);
}

static int set_number(int *to, const char *value, const struct option *o,
                      struct error *err)
{
    char *end;
    long n;

    errno = 0;
    n = strtol(value, &end, 10);
    if (errno || end == value || *end || n < 1 || n > 4096)
        return error_set(err, E_USAGE, "--%s takes a number from 1 to 4096, not '%s'",
                         o->name, value);
    *to = (int)n;
    return 0;
}

static int add_setting(struct cli *cli, const char *value, struct error *err)
{
    const char *eq = strchr(value, '=');

    if (!eq || eq == value)
        return error_set(err, E_USAGE, "-S takes NAME=VALUE, not '%s'", value);
    cli->setting = xrealloc(cli->setting, (cli->n_settings + 1) * sizeof cli->setting[0]);
    cli->setting[cli->n_settings++] = (struct setting){
        .name = xstrndup(value, (size_t)(eq - value)),
        .value = eq + 1,
    };
    return 0;
}

static int set_choice(const char **to, const char *value, const struct option *o,
                      struct error *err)
{
    struct buf choices = { 0 };
    size_t n;

    for (const char *p = o->choices; *p; p += n + (p[n] == ' ')) {
        n = strcspn(p, " ");
        if (strlen(value) == n && !strncmp(p, value, n)) {
            *to = value;
            buf_release(&choices);
            return 0;
        }
        buf_printf(&choices, "%s%.*s",
                   !choices.len ? ""
                   : p[n]       ? ", "
                                : " or ",
                   (int)n, p);
    }
    error_set(err, E_USAGE, "--%s takes %s, not '%s'", o->name, buf_str(&choices), value);
    buf_release(&choices);
    return E_USAGE;
}

static int apply(struct cli *cli, const struct option *o, const char *value,
                 struct error *err)
{
    char *field = (char *)cli + o->offset;

    switch (o->kind) {
    case OPT_FLAG:
        *(bool *)field = true;
        return 0;
    case OPT_COUNT:
        ++*(int *)field;
        return 0;
    case OPT_NUMBER:
        return set_number((int *)field, value, o, err);
    case OPT_TEXT:
    case OPT_MAY:
        *(const char **)field = value;
        return 0;
    case OPT_MANY:
        cli->env = xrealloc(cli->env, (cli->n_env + 1) * sizeof cli->env[0]);
        cli->env[cli->n_env++] = value;
        return 0;
    case OPT_SETTING:
        return add_setting(cli, value, err);
    case OPT_CHOICE:
        return set_choice((const char **)field, value, o, err);
    }
    assert(false); /* every kind is handled */
    return 0;
}

/* --name, --name=value or --name value; *i moves over what is used. */
static int parse_long(struct cli *cli, bool *seen, int argc, char **argv, int *i,
                      struct error *err)
{
    const char *name = argv[*i] + 2, *eq = strchr(name, '=');
    size_t n = eq ? (size_t)(eq - name) : strlen(name);
    const struct option *o = find_long(name, n);
    const char *value = eq ? eq + 1 : NULL;

    if (!o) {
        char *bare = xstrndup(name, n);

        unknown_option(bare, err);
        free(bare);
        return E_USAGE;
    }
    if (!o->value && value)
        return error_set(err, E_USAGE, "--%s takes no value", o->name);
    if (o->kind == OPT_MAY && !value)
        value = o->choices;
    if (o->value && !value) {
        if (*i + 1 >= argc)
            return error_set(err, E_USAGE, "--%s needs a value: --%s=%s", o->name,
                             o->name, o->value);
        value = argv[++*i];
    }
    seen[o - cli_option] = true;
    return apply(cli, o, value, err);
}

/* -k, -kn, -j4 or -j 4; *i moves over what is used. */
static int parse_letters(struct cli *cli, bool *seen, int argc, char **argv, int *i,
                         struct error *err)
{
    const char *p = argv[*i] + 1;

    while (*p) {
        const struct option *o = find_letter(*p);
        const char *value = NULL;
        int rc;

        if (!o)
            return error_set(err, E_USAGE,
                             "no such option: -%c; `larder --help` lists them", *p);
        p++;
        if (o->value) {
            if (!*p && *i + 1 >= argc)
                return error_set(err, E_USAGE, "-%c needs a value: -%c %s", o->letter,
                                 o->letter, o->value);
            value = *p ? p : argv[++*i];
            p = "";
        }
        seen[o - cli_option] = true;
        rc = apply(cli, o, value, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int cli_command(const struct command **found, const struct command *commands,
                const char *name, struct error *err)
{
    const char *known[64], *near;
    size_t n = 0;

    for (const struct command *c = commands; c->name; c++) {
        if (!strcmp(c->name, name) || (c->alias && !strcmp(c->alias, name))) {
            *found = c;
            return 0;
        }
        assert(n < sizeof known / sizeof known[0]);
        known[n++] = c->name;
    }
    near = nearest_name(name, known, n);
    if (near)
        return error_set(err, E_USAGE, "no such command: %s; did you mean `%s`?", name,
                         near);
    return error_set(err, E_USAGE, "no such command: %s; `larder --help` lists them",
                     name);
}

static int check_command(const struct cli *cli, const bool *seen, struct error *err)
{
    const struct command *c = cli->command;

    for (size_t i = 0; i < N_OPTIONS; i++)
        if (seen[i] && !cli_takes(c, &cli_option[i]))
            return error_set(err, E_USAGE, "`larder %s` takes no option --%s", c->name,
                             cli_option[i].name);
    if (cli->help)
        return 0;
    if (cli->n_args < c->min_args)
        return error_set(err, E_USAGE, "`larder %s` needs more: larder %s %s", c->name,
                         c->name, c->arguments);
    if (cli->n_args > c->max_args)
        return error_set(err, E_USAGE, "`larder %s` takes no further '%s': larder %s %s",
                         c->name, cli->arg[c->max_args], c->name, c->arguments);
    return 0;
}

int cli_parse(struct cli *cli, const struct command *commands, int argc, char **argv,
              struct error *err)
{
    bool seen[N_OPTIONS] = { false }, only_words = false;
    int rc;

    *cli = (struct cli){ .arg = xcalloc((size_t)argc + 1, sizeof cli->arg[0]) };
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];

        rc = 0;
        if (!only_words && !strcmp(word, "--"))
            only_words = true;
        else if (!only_words && !strncmp(word, "--", 2))
            rc = parse_long(cli, seen, argc, argv, &i, err);
        else if (!only_words && word[0] == '-' && word[1])
            rc = parse_letters(cli, seen, argc, argv, &i, err);
        else if (!cli->command)
            rc = cli_command(&cli->command, commands, word, err);
        else
            cli->arg[cli->n_args++] = word;
        if (rc < 0)
            return rc;
    }
    if (!cli->command) {
        if (cli->help)
            return 0;
        if (cli->version)
            return cli_command(&cli->command, commands, "version", err);
        return error_set(err, E_USAGE, "what to do? `larder --help` lists the commands");
    }
    return check_command(cli, seen, err);
}

void cli_release(struct cli *cli)
{
    for (size_t i = 0; i < cli->n_settings; i++)
        free((char *)cli->setting[i].name);
    free(cli->setting);
    free(cli->env);
    free(cli->arg);
    *cli = (struct cli){ 0 };
}

static void print_options(const struct command *c, bool own, FILE *to)
{
    for (size_t i = 0; i < N_OPTIONS; i++) {
        const struct option *o = &cli_option[i];
        struct buf left = { 0 };

        if (c ? !cli_takes(c, o) || (o->commands != NULL) != own : false)
            continue;
        if (o->letter)
            buf_printf(&left, "-%c, ", o->letter);
        else
            buf_adds(&left, "    ");
        buf_printf(&left, "--%s", o->name);
        if (o->value)
            buf_printf(&left, o->kind == OPT_MAY ? "[=%s]" : "=%s", o->value);
        fprintf(to, "  %-24s %s\n", buf_str(&left), o->help);
        buf_release(&left);
    }
}

static void print_overview(const struct command *commands, FILE *to)
{
    fputs("usage: larder [options] command [arguments]\n"
          "\n"
          "Runs the steps of a recipe whose results are not in the cache yet.\n"
          "\n"
          "commands:\n",
          to);
    for (const struct command *c = commands; c->name; c++)
        fprintf(to, "  %-24s %s\n", c->name, c->summary);
    fputs("\noptions:\n", to);
    print_options(NULL, false, to);
    fputs("\n`larder help COMMAND` tells more; `larder help exit-codes` lists the exit "
          "statuses.\n",
          to);
}

static void print_command(const struct command *c, FILE *to)
{
    fprintf(to, "usage: larder %s%s%s\n", c->name, *c->arguments ? " " : "",
            c->arguments);
    if (c->alias)
        fprintf(to, "       larder %s is the same\n", c->alias);
    fprintf(to, "\n%s\n\noptions:\n", c->help);
    print_options(c, true, to);
    fputs("\noptions of every command:\n", to);
    print_options(c, false, to);
}

int cli_help(const struct command *commands, const char *topic, FILE *to,
             struct error *err)
{
    const struct command *c;
    int rc;

    if (!topic) {
        print_overview(commands, to);
        return 0;
    }
    if (!strcmp(topic, "exit-codes")) {
        for (const struct exit_status *e = cli_exit_status; e->meaning; e++)
            fprintf(to, "%3d  %s\n", e->status, e->meaning);
        return 0;
    }
    rc = cli_command(&c, commands, topic, err);
    if (rc < 0)
        return rc;
    print_command(c, to);
    return 0;
}
