/*
 * larder - runs the steps of a recipe whose results are not in the cache yet.
 *
 * Everything is done by the commands (command.h); here is only the one place where an
 * error is printed and turned into an exit status.
 */
#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

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

/* Whoever read our results has gone, as `head` does: nothing is wrong, and nobody to be
 * told. We end as other tools do. */
static void end_if_unread(void)
{
    struct pollfd out = { .fd = STDOUT_FILENO };
    int why = errno;

    if (poll(&out, 1, 0) == 1 && out.revents & POLLERR) {
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
    }
    errno = why;
}

int main(int argc, char **argv)
{
    struct error err = { 0 };
    struct cli cli;
    struct say say;
    int rc;

    signal(SIGPIPE, SIG_IGN); /* a run goes on when nobody reads its lines any more */
    rc = cli_parse(&cli, command_table, argc, argv, &err);
    say_init(&say, &cli, stderr);
    if (rc == 0)
        rc = dispatch(&cli, &err);
    if ((fflush(stdout) != 0 || ferror(stdout)) && rc == 0) {
        end_if_unread();
        rc = error_system(&err, "standard output");
    }
    if (rc < 0 || rc == EXIT_NO_PROJECT)
        say_error(&say, &err);
    cli_release(&cli);
    return rc < 0 ? error_exit_status(rc) : rc;
}
