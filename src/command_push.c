#include "command.h"

#include <stdio.h>

#include "larder/banned.h"
#include "larder/push.h"

#include "lookup.h"
#include "pushing.h"
#include "session.h"
#include "sharing.h"

static void print_json(const struct push_totals *sum, const struct pushing *all)
{
    printf("{\"pushed\": %zu, \"there\": %zu, \"objects\": %zu, \"bytes\": %lld, "
           "\"absent\": %zu, \"kept\": %zu, \"damaged\": %zu, \"replaced\": %zu, "
           "\"attestations\": %zu}\n",
           sum->n_records, sum->n_there, sum->n_objects, sum->bytes, all->absent,
           all->kept, all->damaged, sum->n_replaced, sum->n_attestations);
}

static void tell(const struct pushing *all, const char *remote,
                 const struct push_totals *sum)
{
    struct buf line = { 0 };

    buf_printf(&line, "%s: %zu result%s pushed (%zu object%s, ", remote, sum->n_records,
               sum->n_records == 1 ? "" : "s", sum->n_objects,
               sum->n_objects == 1 ? "" : "s");
    say_bytes(sum->bytes, &line);
    buf_printf(&line, "), %zu there already", sum->n_there);
    if (sum->n_attestations)
        buf_printf(&line, ", %zu attestation%s", sum->n_attestations,
                   sum->n_attestations == 1 ? "" : "s");
    if (sum->n_replaced)
        buf_printf(&line, ", %zu damaged there and replaced", sum->n_replaced);
    pushing_tell_rest(all, &line);
    say_line(&all->s->say, SAY_NORMAL, TONE_PLAIN, "%s", buf_str(&line));
    buf_release(&line);
}

static int push_to(struct pushing *all, const char *name, const char *place,
                   const struct signer *signer, struct error *err)
{
    struct session *s = all->s;
    struct push_totals sum = { 0 };
    int rc = push_open(&all->p, s->store, name, place, signer, err);

    if (rc < 0)
        return rc;
    if (s->cli->verify)
        push_verify(all->p);
    rc = pushing_all(all, err);
    push_count_up(all->p, &sum);
    tell(all, name, &sum);
    if (s->cli->json)
        print_json(&sum, all);
    push_close(all->p);
    return rc;
}

int command_push(const struct cli *cli, struct error *err)
{
    struct signer *signer = NULL;
    struct session s = { 0 };
    struct pushing all = { .s = &s };
    const char *name = NULL, *place = NULL;
    int rc = session_begin(&s, cli, cli->arg, cli->n_args, err);

    if (rc == 0)
        rc = sharing_first(&s, &name, &place, err);
    if (rc == 0)
        push_expect(place);
    if (rc == 0)
        rc = sharing_trust(&s, err);
    if (rc == 0)
        rc = lookup_all(&s, false, err);
    if (rc == 0)
        rc = sharing_signer(&s, &signer, err);
    if (rc == 0)
        rc = push_to(&all, name, place, signer, err);
    signer_free(signer);
    session_close(&s);
    return rc == 0 && all.damaged ? EXIT_MISMATCH : rc;
}
