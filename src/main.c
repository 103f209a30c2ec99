/*
 * larder - runs the steps of a recipe whose results are not in the cache yet.
 *
 * Everything is done by the commands (command.h); here is only the one place where an
 * error is printed and turned into an exit status.
 */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>

#include "larder/banned.h"

#include "cli.h"
#include "command.h"
#include "say.h"

static int dispatch(const struct cli *cli, struct error *err)
{
    if (cli->help)
        return cli_help(command_table, cli->command ? cli->command->name : NULL, stdout,
                        err);
    return cli->command->run(cli, err);
}

int main(int argc, char **argv)
{
    struct error err = { 0 };
    struct cli cli;
    struct say say;
    int rc;

    signal(SIGPIPE, SIG_IGN); /* told below, by the flush that fails */
    rc = cli_parse(&cli, command_table, argc, argv, &err);
    say_init(&say, &cli, stderr);
    if (rc == 0)
        rc = dispatch(&cli, &err);
    if (fflush(stdout) != 0 && rc == 0)
        rc = error_system(&err, "standard output");
    if (rc < 0 || rc == EXIT_NO_PROJECT)
        say_error(&say, &err);
    cli_release(&cli);
    return rc < 0 ? error_exit_status(rc) : rc;
}
