#include "hit.h"

#include <stdlib.h>
#include <string.h>

#include "larder/banned.h"
#include "larder/trust.h"

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

static bool same_outputs(const struct record *a, const struct record *b)
{
    if (a->n_outputs != b->n_outputs)
        return false;
    for (size_t i = 0; i < a->n_outputs; i++)
        if (!digest_equal(&a->output[i].object.id, &b->output[i].object.id))
            return false;
    return true;
}

/* Other records of the key: who made the same, or something else. */
static int tell_others(struct session *s, const struct work *w, struct buf *to,
                       struct error *err)
{
    struct record **rec = NULL;
    size_t n = 0;
    int rc = store_find(s->store, &w->key, &rec, &n, err);

    for (size_t i = 0; rc == STORE_HIT && i < n; i++) {
        if (digest_equal(&rec[i]->id, &w->record->id))
            continue;
        buf_printf(to, "  %s: record ",
                   same_outputs(rec[i], w->record) ? "the same was found again"
                                                   : "ANOTHER RESULT of the same key");
        tell_digest(&rec[i]->id, to);
        buf_adds(to, ", ");
        tell_maker(s, rec[i], to);
        buf_adds(to, ", made ");
        say_time(rec[i]->made, to);
        buf_addc(to, '\n');
    }
    records_free(rec, n);
    return rc < 0 ? rc : 0;
}

static int tell_hit(struct session *s, struct work *w, struct buf *to, struct error *err)
{
    int rc = lookup_key(s, w, err);

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
    return rc == 0 ? tell_others(s, w, to, err) : rc;
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
