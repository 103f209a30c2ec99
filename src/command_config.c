#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "larder/banned.h"

#include "config.h"
#include "session.h"

static void print(const struct config *c, bool show_origin)
{
    for (size_t i = 0; i < N_CONFIG; i++) {
        if (show_origin)
            printf("%s\t", c->value[i].origin);
        printf("%s = %s\n", config_name((enum config_name)i), c->value[i].text);
    }
    for (size_t i = 0; i < c->n_remotes; i++) {
        if (show_origin)
            printf("%s\t", c->remote[i].origin);
        printf("remote.%s = %s\n", c->remote[i].name, c->remote[i].place);
    }
}

int command_config(const struct cli *cli, struct error *err)
{
    struct config c = { 0 };
    char *project;
    int rc;

    if (session_go(cli, err) != 0)
        return EXIT_NO_PROJECT;
    project = getcwd(NULL, 0);
    rc = project ? config_read(&c, project, cli, err)
                 : error_system(err, "the current folder");
    if (rc == 0)
        print(&c, cli->show_origin);
    config_release(&c);
    free(project);
    return rc;
}
