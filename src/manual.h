/*
 * manual - manual pages (mdoc), from the tables of commands and options.
 */
#ifndef LARDER_MANUAL_H
#define LARDER_MANUAL_H

#include <stdio.h>

#include "cli.h"

/* larder(1), which lists all commands; or larder-COMMAND(1). */
void manual_overview(const struct command *commands, FILE *to);
void manual_command(const struct command *c, FILE *to);

#endif
