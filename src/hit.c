#include "hit.h"

#include <stdlib.h>
#include <string.h>

#include "larder/attestation.h"
#include "larder/banned.h"
#include "larder/trust.h"

#include "agree.h"
#include "identify.h"
#include "lookup.h"
#include "reason.h"
#include "sharing.h"

/* "sha256:0123456789ab…" */
static void tell_digest(const struct digest *id, struct buf *to)
{
    char hex[DIGEST_HEX + 1];

    buf_printf(to, "sha256:%.12s…", digest_hex(id, hex));
}

/* Who vouches for it, and by what we believe that. */
static void tell_maker(struct session *s, const struct record *rec, struct buf *to)
{
    const char *name = sharing_maker(s, rec);
    const struct trusted *who;

    if (!rec->by) {
        buf_adds(to, "made here");
        return;
    }
    who = s->trust ? trust_find(s->trust, rec->by->id.text) : NULL;
    buf_printf(to, "signed by %s, key %s", name, rec->by->id.text);
    if (!who)
        buf_adds(to, ", which is not trusted");
    else if (who->own)
        buf_adds(to, ", which is our own");
    else
        buf_printf(to, ", trusted by %s:%d", TRUST_FILE, who->line);
}

static void tell_record(struct session *s, const struct record *rec, struct buf *to)
{
    struct fs_state here;

    buf_adds(to, "  record ");
    tell_digest(&rec->id, to);
    buf_adds(to, ", ");
    tell_maker(s, rec, to);
    buf_adds(to, "\n  made ");
    say_time(rec->made, to);
    buf_adds(to, " in ");
    say_seconds(rec->wall, to);
    if (rec->segments > 1)
        buf_printf(to, ", the last of %ld starts", rec->segments);
    if (rec->platform)
        buf_printf(to, ", on %s", rec->platform);
    buf_addc(to, '\n');
    if (rec->by && store_record_state(s->store, rec, &here, NULL) == FS_FOUND) {
        buf_adds(to, "  here since ");
        say_time(here.mtime_ns / 1000000000, to);
        buf_addc(to, '\n');
    }
}

static int tell_outputs(struct session *s, const struct work *w, struct buf *to,
                        struct error *err)
{
    int rc = 0;

    for (size_t i = 0; i < w->record->n_outputs && rc >= 0; i++) {
        const struct record_output *o = &w->record->output[i];

        if (strchr(o->name, '/')) /* a shard, which its set has */
            continue;
        buf_printf(to, "  %s: ", o->name);
        tell_digest(&o->object.id, to);
        buf_adds(to, ", ");
        say_bytes(o->object.size, to);
        rc = store_check(s->store, &o->object, false, NULL, err);
        buf_adds(to, rc == OBJECT_FINE      ? "\n"
                     : rc == OBJECT_DAMAGED ? ", DAMAGED\n"
                     : o->temp              ? ", not kept\n"
                                            : ", not here\n");
    }
    return rc < 0 ? rc : 0;
}

/* "stood for by lab-b: reproduced TIME, on x86_64 with X=1" */
static void tell_attestation(struct session *s, const struct attestation *a,
                             struct buf *to)
{
    const struct trusted *who = trust_find(s->trust, a->id.text);

    buf_printf(to, "    %s by %s, key %s", attest_word(a->how),
               who ? who->name : "somebody", a->id.text);
    buf_adds(to, who ? ", " : ", which is not trusted, ");
    say_time(a->made, to);
    if (a->platform)
        buf_printf(to, ", on %s", a->platform);
    for (size_t i = 0; i < a->n_env; i++)
        buf_printf(to, "%s%s", i ? " " : ", with ", a->env[i]);
    buf_addc(to, '\n');
    for (size_t i = 0; i < a->n_outputs; i++)
        if (!a->output[i].same)
            buf_printf(to, "      %s: %s\n", a->output[i].name, a->output[i].measured);
}

/* What others say of a record. */
static int tell_attestations(struct session *s, const struct record *rec, struct buf *to,
                             struct error *err)
{
    struct attestation **a;
    size_t n;
    int rc = store_attestations(s->store, &rec->key, &rec->id, &a, &n, err);

    if (rc == 0 && n)
        rc = sharing_trust(s, err);
    for (size_t i = 0; rc == 0 && i < n; i++)
        tell_attestation(s, a[i], to);
    attestations_free(a, n);
    return rc;
}

/* Another record of the key: who made the same, or something else, and how far it is. */
static int tell_other(struct session *s, const struct work *w, const struct record *rec,
                      struct buf *to, struct error *err)
{
    struct agreed agreed = { 0 };
    int rc = agree(s, w->step, w->record, rec, false, &agreed, err);

    if (rc == 0) {
        buf_printf(to, "  %s: record ",
                   agreed.verdict == VERDICT_SAME     ? "the same was found again"
                   : agreed.verdict == VERDICT_WITHIN ? "the same within tolerance"
                                                      : "ANOTHER RESULT of the same key");
        tell_digest(&rec->id, to);
        buf_adds(to, ", ");
        tell_maker(s, rec, to);
        buf_adds(to, ", made ");
        say_time(rec->made, to);
        buf_addc(to, '\n');
        agreed_tell(&agreed, "    ", to);
        rc = tell_attestations(s, rec, to, err);
    }
    agreed_release(&agreed);
    return rc;
}

int hit_others(struct session *s, struct work *w, struct buf *to, struct error *err)
{
    struct record **rec = NULL;
    size_t n = 0;
    int rc = tell_attestations(s, w->record, to, err);

    if (rc == 0)
        rc = store_find(s->store, &w->key, &rec, &n, err);
    for (size_t i = 0; rc == STORE_HIT && i < n; i++)
        if (!digest_equal(&rec[i]->id, &w->record->id))
            rc = tell_other(s, w, rec[i], to, err);
    records_free(rec, n);
    return rc < 0 ? rc : 0;
}

static int tell_hit(struct session *s, struct work *w, struct buf *to, struct error *err)
{
    int rc = identify_key(s, w, err);

    if (rc == 0)
        rc = lookup_record(s, w, err);
    if (rc == 0 && w->record->by)
        rc = sharing_trust(s, err);
    if (rc < 0)
        return rc;
    buf_printf(to, "%s is reused:\n  key ", w->step->name);
    tell_digest(&w->key, to);
    buf_adds(to, ", ");
    buf_printf(to, "the same as when it was made\n");
    tell_record(s, w->record, to);
    rc = tell_outputs(s, w, to, err);
    return rc == 0 ? hit_others(s, w, to, err) : rc;
}

int hit_story(struct session *s, struct work *w, struct buf *to, struct error *err)
{
    char *reason;

    if (w->state == WORK_DONE)
        return tell_hit(s, w, to, err);
    if (w->state != WORK_DUE) {
        buf_printf(to, "%s is not reused as it stands: a step behind it is to run\n",
                   w->step->name);
        return 0;
    }
    reason = reason_of(s, w);
    buf_printf(to, "%s is not reused:\n  %s\n", w->step->name, reason);
    free(reason);
    return 0;
}
