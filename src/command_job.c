#include "command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "larder/banned.h"

#include "member.h"
#include "run.h"
#include "session.h"
#include "sharing.h"

static int read_number(const char *word, size_t below, size_t *n, struct error *err)
{
    char *end;

    errno = 0;
    *n = strtoul(word, &end, 10);
    if (errno || end == word || *end || *n >= below)
        return error_set(err, E_USAGE,
                         "the batch has %zu members, and none is called '%s'", below,
                         word);
    return 0;
}

/* The one step, here on the node. */
static int run_member(struct session *s, const struct cli *cli, const struct member *m,
                      struct member_end *end, struct error *err)
{
    struct run_totals totals;
    struct work *w = NULL;
    int rc = session_enter(s, cli, err);

    s->member = true;
    if (rc == 0)
        rc = session_begin(s, cli, &m->step, 1, err);
    if (rc == 0)
        rc = sharing_open(s, err);
    if (rc == 0)
        rc = run_steps(s, &totals, err);
    for (size_t i = 0; rc >= 0 && i < s->plan->n_steps; i++)
        if (s->chosen[i])
            w = &s->work[i];
    if (rc < 0 || !w)
        return rc;
    if (!digest_equal(&w->key, &m->key)) {
        *end =
            (struct member_end){ .outcome = MEMBER_ERROR,
                                 .message = "what it is made from changed after it was "
                                            "submitted" };
        return 0;
    }
    *end = (struct member_end){
        .outcome = w->state == WORK_DONE     ? MEMBER_DONE
                   : w->state == WORK_FAILED ? MEMBER_FAILED
                                             : MEMBER_STOPPED,
        .ran = w->ran,
        .seconds = w->seconds,
        .message = w->failure ? w->failure : "",
        .out_of_memory = w->out_of_memory,
        .has_log = w->state == WORK_FAILED && w->has_failed_log,
        .log = w->failed_log,
    };
    return 0;
}

int command_job(const struct cli *cli, struct error *err)
{
    const char *folder = cli->arg[0];
    struct member *m;
    struct member_end end;
    struct arena arena = { 0 };
    struct session s = { 0 };
    size_t n_members, n = 0;
    int rc = member_read_list(folder, &m, &n_members, &arena, err);

    if (rc == 0)
        rc = read_number(cli->arg[1], n_members, &n, err);
    if (rc < 0) {
        arena_release(&arena);
        return rc;
    }
    rc = run_member(&s, cli, &m[n], &end, err);
    if (rc != 0)
        end = (struct member_end){ .outcome = MEMBER_ERROR, .message = err->text };
    if (member_write_end(folder, n, &end, rc == 0 ? err : NULL) < 0 && rc == 0)
        rc = E_SYSTEM;
    session_close(&s);
    arena_release(&arena);
    return rc != 0 ? rc : end.outcome == MEMBER_DONE ? 0 : error_exit_status(E_STAGE);
}
