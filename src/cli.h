/*
 * cli - the command line: one table of options and one of commands.
 *
 * From the two tables come the parser, `larder --help`, `larder help COMMAND`, the names
 * proposed for a misspelt word, the manual pages (manual.h) and what shells complete
 * (completion.h). Options may stand before or after the command.
 */
#ifndef LARDER_CLI_H
#define LARDER_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "larder/error.h"
#include "recipe.h"

/* Exit statuses that no E_ code stands for. */
enum {
    EXIT_WORK_FOUND = 4,
    EXIT_MISMATCH = 5,
    EXIT_NO_PROJECT = 10,
    EXIT_OUR_FAULT = 70
};

struct cli {
    const struct command *command; /* NULL only when help is asked for without one */
    const char **arg;              /* what follows the command; n_args of them */
    size_t n_args;
    bool help, version, dry_run, keep_going, remake, quiet, json, force, keep_scratch,
        trace, exit_code, show_origin, require_remote, repair, verify, events, hit, man,
        writable, vouch, yes, rebuild, attestations;
    int verbose; /* how many -v */
    int jobs;    /* -j, 0: not given */
    const char *recipe, *folder, *profile, *sandbox, *remote, *stages, *format, *color,
        *executor, *from_dvc, *listen, *token, *tls, *output, *closure, *max_size, *key,
        *rerun, *grace, *quota, *older, *name;
    const char **env; /* of --env, "NAME=VALUE"; n_env of them */
    size_t n_env;
    struct setting *setting; /* of -S */
    size_t n_settings;
};

/* A command: returns an exit status, or a negative E_ code with the story in *err. */
struct command {
    const char *name, *alias; /* alias may be NULL */
    const char *arguments;    /* "[TARGET...]" */
    size_t min_args, max_args;
    const char *summary; /* one line */
    const char *help;    /* a paragraph or more */
    int (*run)(const struct cli *cli, struct error *err);
};

enum option_kind {
    OPT_FLAG,
    OPT_COUNT,
    OPT_NUMBER,
    OPT_TEXT,
    OPT_CHOICE,
    OPT_SETTING,
    OPT_MANY, /* texts: an array, and behind it how many */
    OPT_MAY,  /* a text that may be left out, for which `choices` stands then */
};

struct option {
    char letter; /* 0: none */
    const char *name;
    const char *value; /* what stands for the value in the help; NULL: it has none */
    enum option_kind kind;
    size_t offset;        /* of the field in struct cli */
    const char *commands; /* those that take it, between spaces; NULL: all */
    const char *help;
    const char *choices; /* of OPT_CHOICE: the values, with a space between; of OPT_MAY */
};

struct exit_status {
    int status;
    const char *meaning;
};

extern const struct option cli_option[];           /* ends with an all-zero entry */
extern const struct exit_status cli_exit_status[]; /* ends with one without meaning */
/* Whether the command takes the option. */
bool cli_takes(const struct command *c, const struct option *o);

/* commands ends with an all-zero entry. E_USAGE with the nearest name. cli_release()
 * afterwards in any case; the strings are borrowed from argv. */
int cli_parse(struct cli *cli, const struct command *commands, int argc, char **argv,
              struct error *err);
void cli_release(struct cli *cli);

/* The command of a name or an alias; E_USAGE with the nearest name. */
int cli_command(const struct command **found, const struct command *commands,
                const char *name, struct error *err);

/* Prints `larder --help`, `larder help COMMAND` and `larder help exit-codes`. topic NULL:
 * the first. E_USAGE with the nearest name when there is no such topic. */
int cli_help(const struct command *commands, const char *topic, FILE *to,
             struct error *err);

#endif
