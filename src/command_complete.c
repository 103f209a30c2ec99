#include "command.h"

#include <stdio.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/map.h"

#include "completion.h"
#include "session.h"

/* What a name on the command line may be: targets, then stages. */
static int print_names(const struct cli *cli, struct error *err)
{
    struct map seen = { 0 };
    struct session s = { 0 };
    int rc = session_enter(&s, cli, err);

    if (rc == 0)
        rc = session_open(&s, cli, err);
    for (size_t i = 0; rc == 0 && i < s.plan->n_targets; i++)
        map_set(&seen, s.plan->target[i].name, &seen);
    for (size_t i = 0; rc == 0 && i < s.plan->n_steps; i++)
        map_set(&seen, s.plan->step[i]->stage, &seen);
    for (size_t i = 0; i < seen.n; i++)
        puts(seen.entry[i].key);
    map_release(&seen);
    session_close(&s);
    return rc;
}

int command_complete(const struct cli *cli, struct error *err)
{
    if (strcmp(cli->arg[0], "commands") == 0) {
        for (const struct command *c = command_table; c->name; c++)
            puts(c->name);
        return 0;
    }
    if (strcmp(cli->arg[0], "names") == 0)
        return print_names(cli, err);
    return completion_write(command_table, cli->arg[0], stdout, err);
}
