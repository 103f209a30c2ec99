/*
 * cli - the command line: one table of options and one of commands.
 *
 * From the two tables come the parser, `larder --help`, `larder help COMMAND` and the
 * names proposed for a misspelt word. Options may stand before or after the command.
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

enum color_when { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

struct cli {
    const struct command *command; /* NULL only when help is asked for without one */
    const char **arg;              /* what follows the command; n_args of them */
    size_t n_args;
    bool help, dry_run, keep_going, remake, quiet, json, force, keep_scratch, trace,
        exit_code, show_origin, require_remote, repair, verify, events, hit;
    int verbose; /* how many -v */
    int jobs;    /* -j, 0: not given */
    const char *recipe, *folder, *profile, *sandbox, *remote, *stages, *format;
    struct setting *setting; /* of -S */
    size_t n_settings;
    enum color_when color;
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

/* commands ends with an all-zero entry. E_USAGE with the nearest name. cli_release()
 * afterwards in any case; the strings are borrowed from argv. */
int cli_parse(struct cli *cli, const struct command *commands, int argc, char **argv,
              struct error *err);
void cli_release(struct cli *cli);

/* Prints `larder --help`, `larder help COMMAND` and `larder help exit-codes`. topic NULL:
 * the first. E_USAGE with the nearest name when there is no such topic. */
int cli_help(const struct command *commands, const char *topic, FILE *to,
             struct error *err);

#endif
