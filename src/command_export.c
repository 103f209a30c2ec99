#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/fs.h"

#include "crate.h"
#include "lookup.h"
#include "session.h"
#include "sharing.h"

static int no_target(const struct session *s, const char *name, struct error *err)
{
    const struct plan *plan = s->plan;
    const char **known = xcalloc(plan->n_targets + 1, sizeof *known), *near;

    for (size_t i = 0; i < plan->n_targets; i++)
        known[i] = plan->target[i].name;
    near = nearest_name(name, known, plan->n_targets);
    error_set(err, E_USAGE, "there is no target %s%s%s%s", name,
              near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    free(known);
    return E_USAGE;
}

/* The one of that name; name NULL: the one that the recipe runs by default. */
static int find_target(struct session *s, const char *name, const struct target **found,
                       struct error *err)
{
    size_t n = 0;

    if (!name)
        name = s->plan->standard;
    for (size_t i = 0; i < s->plan->n_targets; i++)
        if (name ? !strcmp(s->plan->target[i].name, name) : true) {
            *found = &s->plan->target[i];
            n++;
        }
    if (!n && name)
        return no_target(s, name, err);
    if (n != 1)
        return error_set(err, E_USAGE,
                         "the recipe has %zu targets and no default: name one, `larder "
                         "export crate TARGET DEST`",
                         n);
    if (!(*found)->n_gets)
        return error_set(err, E_USAGE, "target %s places nothing: it has no `get:`",
                         (*found)->name);
    return 0;
}

/* Nobody's files are mixed with those of the crate. */
static int check_folder(struct session *s, const char *dest, struct error *err)
{
    struct buf full = { 0 };
    char **name = NULL;
    size_t n = 0;
    int rc = 0;

    fs_join(&full, s->project, dest);
    if (!*dest)
        rc = error_set(err, E_USAGE, "\"\" names no folder: name a new one");
    else if (fs_is_below(buf_str(&full), s->own))
        rc = error_set(err, E_USAGE, "%s is in .larder/, which is Larder's own", dest);
    else if (fs_exists(dest) && !fs_is_dir(dest))
        rc = error_set(err, E_USAGE, "%s is a file; a crate is a folder", dest);
    else if (fs_exists(dest))
        rc = fs_list(dest, &name, &n, err);
    if (rc == 0 && n)
        rc = error_set(err, E_USAGE, "%s is not empty; name a new folder", dest);
    free(name);
    buf_release(&full);
    return rc;
}

static int export_crate(struct session *s, const char *word, const char *dest,
                        struct error *err)
{
    const struct target *target = NULL;
    int rc = find_target(s, word, &target, err);

    if (rc == 0)
        rc = session_choose(s, &target->name, 1, err);
    if (rc == 0)
        rc = session_connect(s, err);
    if (rc == 0)
        rc = sharing_trust(s, err);
    if (rc == 0)
        rc = sharing_open(s, err);
    if (rc == 0)
        rc = lookup_all(s, false, err);
    if (rc == 0)
        rc = crate_write(s, target, dest, err);
    if (rc == 0)
        sharing_tell(s);
    if (rc == 0 && !s->cli->quiet)
        printf("%s\n", dest);
    return rc;
}

int command_export(const struct cli *cli, struct error *err)
{
    const char *word = cli->n_args > 2 ? cli->arg[1] : NULL;
    const char *dest = cli->arg[cli->n_args - 1];
    struct session s = { 0 };
    struct buf folder = { 0 };
    int rc;

    if (strcmp(cli->arg[0], "crate") != 0)
        return error_set(err, E_USAGE,
                         "what is exported is a crate: larder export crate [TARGET] "
                         "DEST, not '%s'",
                         cli->arg[0]);
    fs_tidy(&folder, dest);
    rc = session_open(&s, cli, err);
    if (rc == 0)
        rc = check_folder(&s, buf_str(&folder), err);
    if (rc == 0)
        rc = export_crate(&s, word, buf_str(&folder), err);
    buf_release(&folder);
    session_close(&s);
    return rc;
}
