/*
 * completion - what shells complete, from the tables of commands and options.
 *
 * The words of the recipe come from `larder complete names`, which a kept plan
 * answers at once.
 */
#ifndef LARDER_COMPLETION_H
#define LARDER_COMPLETION_H

#include <stdio.h>

#include "cli.h"

/* shell: "bash", "zsh" or "fish". E_USAGE for another. */
int completion_write(const struct command *commands, const char *shell, FILE *to,
                     struct error *err);

#endif
